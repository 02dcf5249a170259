/** What a bundle exports: its tasks as data, and how they are run. The host and the runner call nothing else. */
import { REVIVE } from '../language/callable.ts';
import { type Config, resolveConfig } from '../language/config.ts';
import { encodeThrown } from '../language/failures.ts';
import { lazy } from '../language/lazy.ts';
import { jsonSchemaOf, type Params, parseArguments } from '../language/params.ts';
import { placeIn } from '../language/places.ts';
import { allDefinitions, definitionOf, type TaskDefinition } from '../language/registry.ts';
import { helpersOf, taskHash } from '../language/sources.ts';
import { decodeList } from '../values/decode.ts';
import { encode } from '../values/encode.ts';
import type { Program, TaskInfo } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import './tasks.ts';

export interface BundleModule {
  /** Tasks by full name, executors, limits, context: Program without the bundle's own hash. */
  program(): Omit<Program, 'bundle'>;
  /** What no task's hash can have of what factories gave to tasks, for people: where, what, and what to do. */
  notes(): string[];
  /** Runs one task function on a list of arguments; gives the encoded result. Rejects with whatever the function throws, or NotEncodable. */
  invoke(task: string, args: Table): Promise<Table>;
  /**
   * The encoded call of `workflow` with JSON arguments checked by its schema (a record). Throws BadArguments with a message
   * that lists what is wrong, or TaskNotFound that lists the workflows there are.
   */
  root(workflow: string, args: unknown): Table;
  /** Any thrown thing as an encoded ['error', …] value; never throws. */
  encodeError(thrown: unknown): Table;
}

/** No such task in the bundle. */
export class TaskNotFound extends Error {
  override readonly name = 'TaskNotFound';
}

/** `address`: of the bundle, as stacks have it. Without it, tasks have no places. */
export function makeBundle(config: Config | undefined, profile: string | undefined, address?: string): BundleModule {
  return {
    program: () => ({ ...resolveConfig(config ?? {}, profile), tasks: taskInfos(address) }),
    notes: () => [...new Set(allDefinitions().flatMap((definition) => notesOn(definition, address)))],
    invoke: async (name, args) => encode(await Reflect.apply(functionOf(name), undefined, decodeList(args, REVIVE))),
    root: (name, given) => {
      const { params } = workflowOf(name);
      return encode(lazy({ kind: 'call', name, args: [parseArguments(name, params, given)], options: undefined }));
    },
    encodeError: encodeThrown,
  };
}

function taskInfos(address: string | undefined): Record<string, TaskInfo> {
  return Object.fromEntries(allDefinitions().map((definition) => [definition.name, taskInfo(definition, address)]));
}

function taskInfo(definition: TaskDefinition, address: string | undefined): TaskInfo {
  const { options, params, description } = definition;
  const helpers = helpersOf(definition);
  const place = placeOf(definition, address);
  return {
    hash: taskHash(definition),
    options,
    ...(Object.keys(helpers).length > 0 && { helpers }),
    ...(place !== undefined && { place }),
    ...(params && { params: jsonSchemaOf(params) }),
    ...(description !== undefined && { description }),
  };
}

function placeOf({ definedAt }: TaskDefinition, address: string | undefined): string | undefined {
  return address === undefined ? undefined : placeIn(definedAt?.stack, address);
}

/** Once for each line and name: a factory makes many tasks. Whoever includes something has said what counts. */
function notesOn(definition: TaskDefinition, address: string | undefined): string[] {
  const found = new Map<string, string>();
  taskHash(definition, (name, what) => found.set(name, what));
  if (definition.includes.length > 0) return [];
  const place = placeOf(definition, address) ?? definition.name;
  return [...found].map(
    ([name, what]) =>
      `${place}: the task's function holds ${name}, ${what}, which cannot be followed: what it is then is in no task's ` +
      'hash. Put what the results depend on in includes, or give the task a version',
  );
}

function functionOf(name: string): NonNullable<TaskDefinition['fn']> {
  const definition = definitionOf(name);
  if (!definition) throw new TaskNotFound(`there is no task ${name} in this bundle`);
  if (!definition.fn) throw new TaskNotFound(`the task ${name} has no function: its executor carries it out`);
  return definition.fn;
}

/** Only tasks that declare their parameters can be started from outside. */
function workflowOf(name: string): { readonly params: Params } {
  const params = definitionOf(name)?.params;
  if (params) return { params };
  const known = allDefinitions().flatMap((definition) => (definition.params ? [`  ${definition.name}`] : []));
  const reason = definitionOf(name)
    ? `the task ${name} declares no params, so it cannot be started from outside`
    : `there is no workflow ${name}`;
  throw new TaskNotFound([`${reason}; the workflows are:`, ...(known.length > 0 ? known : ['  (none)'])].join('\n'));
}
