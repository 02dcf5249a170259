/** Parameters declared by a schema: what a task that is started from outside takes. */
import { toJsonSchema } from '@valibot/to-json-schema';
import * as valibot from 'valibot';
import { Dir, File } from '../values/classes.ts';
import { isObject, isRecord } from '../values/guards.ts';
import { hasLazy } from './concrete.ts';
import { isLazy } from './lazy.ts';
import type { Lift } from './types.ts';

/** The schema of a record, `v.object({ … })`. */
export type Params =
  | valibot.ObjectSchema<valibot.ObjectEntries, undefined>
  | valibot.StrictObjectSchema<valibot.ObjectEntries, undefined>;

/** What a call may give for a schema: what the schema reads, or something lazy that comes to what it makes of it. */
export type ParamsArgument<S extends Params> = {
  readonly [K in keyof valibot.InferInput<S>]: valibot.InferInput<S>[K] | Lift<OutputOf<S, K>>;
};

type OutputOf<S extends Params, K> = K extends keyof valibot.InferOutput<S> ? valibot.InferOutput<S>[K] : never;

/** Arguments that do not fit a workflow's parameters; the message lists every wrong field. */
export class BadArguments extends Error {
  override readonly name = 'BadArguments';
}

const FILE_EXPECTED = 'expected the location of a file';
const DIR_EXPECTED = 'expected the location of a directory';

/** A file: its location as text, on the command line and in JSON. */
export function fileParam() {
  return valibot.pipe(
    valibot.union([locationSchema(FILE_EXPECTED), valibot.instance(File)], FILE_EXPECTED),
    valibot.transform((given): File => (typeof given === 'string' ? new File(given) : given)),
  );
}

/** A directory: its location as text, on the command line and in JSON. */
export function dirParam() {
  return valibot.pipe(
    valibot.union([locationSchema(DIR_EXPECTED), valibot.instance(Dir)], DIR_EXPECTED),
    valibot.transform((given): Dir => (typeof given === 'string' ? new Dir(given) : given)),
  );
}

function locationSchema(expected: string) {
  return valibot.pipe(valibot.string(expected), valibot.nonEmpty(expected));
}

/** valibot, with schemas for files and directories. */
export const v = { ...valibot, file: fileParam, dir: dirParam };

/**
 * JSON Schema of what the parameters read. Files and directories are texts of format redex-file and redex-dir;
 * what JSON Schema cannot say accepts anything there.
 */
export function jsonSchemaOf(params: Params): unknown {
  const schema = toJsonSchema(valibot.strictObject(params.entries), {
    typeMode: 'input',
    errorMode: 'ignore',
    overrideSchema: ({ valibotSchema }) => {
      const format = formatOf(valibotSchema);
      return format === undefined ? undefined : { type: 'string', format };
    },
  });
  // What follows a transformation in a pipe is not of the input, and left out; a description is for who gives the input.
  for (const [key, entry] of Object.entries(params.entries)) {
    const property = schema.properties?.[key];
    const description = valibot.getDescription('wrapped' in entry && isSchema(entry.wrapped) ? entry.wrapped : entry);
    if (typeof property === 'object' && description !== undefined) property.description = description;
  }
  return schema;
}

function isSchema(value: unknown): value is Params['entries'][string] {
  return isObject(value) && 'kind' in value && value.kind === 'schema';
}

/** The schemas of fileParam and dirParam are known by the class they let pass. */
function formatOf(schema: object): string | undefined {
  const options: unknown = 'options' in schema ? schema.options : undefined;
  if (!Array.isArray(options)) return undefined;
  const passes = (one: unknown) =>
    options.some((option) => isObject(option) && 'class' in option && option.class === one);
  if (passes(File)) return 'redex-file';
  return passes(Dir) ? 'redex-dir' : undefined;
}

/**
 * The record a call is encoded with: concrete fields are checked and read by their schemas, missing ones filled with their defaults;
 * fields with something lazy in them stay as they are. Throws BadArguments.
 */
export function fillDefaults(task: string, params: Params, given: unknown): unknown {
  if (isLazy(given)) return given;
  return readArguments(task, params, given, hasLazy);
}

/** The record that JSON arguments stand for. Throws BadArguments. */
export function parseArguments(task: string, params: Params, given: unknown): Record<string, unknown> {
  return readArguments(task, params, given, () => false);
}

function readArguments(
  task: string,
  params: Params,
  given: unknown,
  keepsAsIs: (value: unknown) => boolean,
): Record<string, unknown> {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new BadArguments(`${task} takes one record of arguments: ${namesOf(params)}`);
  }
  // A field that is undefined is a field left out.
  const fields = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  const kept = Object.fromEntries(fields.filter(([, value]) => keepsAsIs(value)));
  const read = fields.filter(([key]) => !Object.hasOwn(kept, key));
  const entries = Object.entries(params.entries).filter(([key]) => !Object.hasOwn(kept, key));
  const unknown = fields.filter(([key]) => !Object.hasOwn(params.entries, key));
  const problems = unknown.map(([key]) => `${key}: there is no such parameter`);
  const parsed = valibot.safeParse(
    valibot.object(Object.fromEntries(entries)),
    Object.assign(Object.create(null), Object.fromEntries(read)),
  );
  if (!parsed.success) problems.push(...parsed.issues.map((issue) => problemOf(params, issue)));
  else problems.push(...droppedKeys(Object.fromEntries(read), parsed.output));
  if (problems.length > 0) {
    const lines = [
      `bad arguments for ${task}:`,
      ...problems.map((problem) => `  ${problem}`),
      `it takes ${namesOf(params)}`,
    ];
    throw new BadArguments(lines.join('\n'));
  }
  return { ...(isRecord(parsed.output) ? parsed.output : {}), ...kept };
}

/** What valibot leaves out of records without a word. */
const DROPPED_KEYS = ['__proto__', 'constructor', 'prototype'];

/** Says of each such key of `given` that is not in what was read where it stands. What was not read anew is not looked through. */
function droppedKeys(given: unknown, output: unknown): string[] {
  const problems: string[] = [];
  // A list and no recursion: arguments may be nested deeper than the stack.
  const open: { readonly path: string; readonly given: unknown; readonly output: unknown }[] = [
    { path: '', given, output },
  ];
  for (let pair = open.pop(); pair; pair = open.pop()) {
    const { path, given, output } = pair;
    if (given === output || typeof given !== 'object' || given === null) continue;
    for (const [key, value] of Object.entries(given)) {
      const field = Array.isArray(given) ? `${path}[${key}]` : `${path}${path && '.'}${key}`;
      const isKept = typeof output === 'object' && output !== null && Object.hasOwn(output, key);
      if (!isKept && DROPPED_KEYS.includes(key)) problems.push(`${field}: a key cannot be called ${key} here`);
      else open.push({ path: field, given: value, output: isKept ? Reflect.get(output, key) : undefined });
    }
  }
  return problems.reverse();
}

function problemOf(params: Params, issue: valibot.BaseIssue<unknown>): string {
  const keys = (issue.path ?? []).map(({ key }) => key);
  const field = keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
  if (issue.path?.at(-1)?.origin === 'key') {
    const entry = keys.length === 1 ? params.entries[String(keys[0])] : undefined;
    return `${field}: missing${entry ? `; ${expectationOf(entry)}` : ''}`;
  }
  const isOwnMessage = !issue.message.startsWith('Invalid ');
  const problem = isOwnMessage || issue.expected === null ? issue.message : `expected ${issue.expected}`;
  return issue.message.startsWith('expected ') || !isOwnMessage
    ? `${field}: ${problem}, got ${issue.received}`
    : `${field}: ${problem}`;
}

function expectationOf(schema: { readonly expects: string; readonly message?: unknown }): string {
  return typeof schema.message === 'string' ? schema.message : `expected ${schema.expects}`;
}

function namesOf(params: Params): string {
  const names = Object.entries(params.entries).map(([key, entry]) => (OPTIONAL.has(entry.type) ? `${key}?` : key));
  return names.length === 0 ? 'no arguments' : names.join(', ');
}

const OPTIONAL: ReadonlySet<string> = new Set(['optional', 'exact_optional', 'nullish']);
