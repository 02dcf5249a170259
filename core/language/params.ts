/** Parameters declared by a schema: what a task that is started from outside takes. */
import { toJsonSchema } from '@valibot/to-json-schema';
import * as valibot from 'valibot';
import { Dir, File } from '../values/classes.ts';
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

const FILE_FORMAT = 'redex-file';
const DIR_FORMAT = 'redex-dir';

/** A file: its location as text, on the command line and in JSON. */
export function fileParam() {
  return valibot.pipe(
    valibot.union([valibot.pipe(valibot.string(), valibot.nonEmpty()), valibot.instance(File)], 'a file: its location'),
    valibot.transform((given): File => (typeof given === 'string' ? new File(given) : given)),
    valibot.metadata({ format: FILE_FORMAT }),
  );
}

/** A directory: its location as text, on the command line and in JSON. */
export function dirParam() {
  return valibot.pipe(
    valibot.union(
      [valibot.pipe(valibot.string(), valibot.nonEmpty()), valibot.instance(Dir)],
      'a directory: its location',
    ),
    valibot.transform((given): Dir => (typeof given === 'string' ? new Dir(given) : given)),
    valibot.metadata({ format: DIR_FORMAT }),
  );
}

/** valibot, with schemas for files and directories. */
export const v = { ...valibot, file: fileParam, dir: dirParam };

/** JSON Schema of what the parameters read. Fields that JSON Schema cannot say accept anything there. */
export function jsonSchemaOf(params: Params): unknown {
  return toJsonSchema(params, {
    typeMode: 'input',
    errorMode: 'ignore',
    overrideSchema: ({ valibotSchema }) => {
      const format = formatOf(valibotSchema);
      return format === undefined ? undefined : { type: 'string', format };
    },
  });
}

function formatOf(schema: unknown): string | undefined {
  const { pipe } = schema as {
    readonly pipe?: readonly { readonly type: string; readonly metadata?: { readonly format?: string } }[];
  };
  return pipe?.find((item) => item.type === 'metadata' && item.metadata?.format?.startsWith('redex-'))?.metadata
    ?.format;
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
  const fields: Record<string, unknown> = Object.fromEntries(Object.entries(given ?? {}));
  const kept = Object.fromEntries(Object.entries(fields).filter(([, value]) => keepsAsIs(value)));
  const entries = Object.entries(params.entries).filter(([key]) => !Object.hasOwn(kept, key));
  const concrete = Object.fromEntries(Object.entries(fields).filter(([key]) => !Object.hasOwn(kept, key)));
  const unknown = Object.keys(fields).filter((key) => !Object.hasOwn(params.entries, key));
  const problems = unknown.map((key) => `${key}: there is no such parameter`);
  const parsed = valibot.safeParse(valibot.object(Object.fromEntries(entries)), concrete);
  if (!parsed.success) problems.push(...parsed.issues.map(problemOf));
  if (problems.length > 0) {
    throw new BadArguments(
      [`bad arguments for ${task}:`, ...problems.map((problem) => `  ${problem}`), `it takes ${namesOf(params)}`].join(
        '\n',
      ),
    );
  }
  return { ...(parsed.output as Record<string, unknown>), ...kept };
}

function problemOf(issue: valibot.BaseIssue<unknown>): string {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const field = path.replace(/^\./, '') || 'arguments';
  if (issue.input === undefined && issue.received === 'undefined')
    return `${field}: missing; expected ${expectedOf(issue)}`;
  return issue.kind === 'schema'
    ? `${field}: expected ${expectedOf(issue)}, got ${issue.received}`
    : `${field}: ${issue.message}`;
}

function expectedOf(issue: valibot.BaseIssue<unknown>): string {
  return issue.message.startsWith('a ') ? issue.message : (issue.expected ?? issue.message);
}

function namesOf(params: Params): string {
  const names = Object.entries(params.entries).map(([key, entry]) => (OPTIONAL.has(entry.type) ? `${key}?` : key));
  return names.length === 0 ? 'no arguments' : names.join(', ');
}

const OPTIONAL: ReadonlySet<string> = new Set(['optional', 'exact_optional', 'nullish']);
