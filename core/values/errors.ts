/** Errors as values: what is kept of one, and how it is caught by name after a trip through the journal. */

import { keysOf } from './json.ts';

const CLASSES = Symbol.for('redex.errorClasses');
const EXTRAS = Symbol.for('redex.errorExtras');

interface ErrorTraits {
  /**
   * What it speaks of. What went wrong with a machine, or with a file or value that may come back, says nothing about the
   * program: a recovery from it is not remembered.
   */
  readonly of: 'the program' | 'machines' | 'files and values';
  /** What its user can do, in one sentence without an end. */
  readonly advice: string;
}

const ERRORS = {
  ScriptError: {
    of: 'the program',
    advice: 'read all that it wrote by `redex logs`, and try the script by hand on its inputs',
  },
  OutOfMemory: { of: 'machines', advice: 'ask for more by the option `memory`, or by a larger `memoryMax`' },
  TimedOut: { of: 'machines', advice: 'allow it more by the option `timeoutSeconds`, or give it less to do' },
  NotStarted: {
    of: 'machines',
    advice: 'see that the queue has machines for what the job asks for, or name a `fallbackQueue`',
  },
  MachineLost: {
    of: 'machines',
    advice: 'run `redex retry`, which keeps what is done; Spot machines go well with a `fallbackQueue`',
  },
  ImageError: {
    of: 'machines',
    advice: 'see that the image is there under that name, is for this kind of machine, and may be pulled',
  },
  SecretError: { of: 'machines', advice: 'see that the secret is where `secrets` says, and may be read from there' },
  JobFailed: { of: 'machines', advice: 'read what it wrote by `redex logs`' },
  JobTerminated: { of: 'machines', advice: 'ask who ended it; `redex retry` begins it again' },
  SubmissionRefused: { of: 'machines', advice: 'correct the option that the executor complains of' },
  InputMissing: { of: 'files and values', advice: 'put the file there, or correct its location' },
  InputChanged: {
    of: 'files and values',
    advice: 'let nothing write a file while a run uses it, then run `redex retry`',
  },
  FileRefused: { of: 'files and values', advice: 'name a file that may be used here' },
  NetworkError: { of: 'files and values', advice: 'run `redex retry` once it can be reached' },
  OutputMissing: { of: 'the program', advice: 'let the script write it, or leave it out of the outputs' },
  OutputConflict: { of: 'the program', advice: 'give each output a place of its own' },
  ValueGone: { of: 'files and values', advice: 'run it again with `--no-cache`, which computes it anew' },
  ValueDamaged: { of: 'files and values', advice: 'run it again with `--no-cache`, which computes it anew' },
  TaskNotFound: { of: 'the program', advice: 'import the file that defines the task, or correct its name' },
  NotEncodable: { of: 'the program', advice: 'give and return plain data, files and tasks' },
} as const satisfies Readonly<Record<string, ErrorTraits>>;

/** Names the engine and the library give to failures. An author catches them like any other. */
export type ErrorName = keyof typeof ERRORS;

/** Names of failures that say nothing about the program. */
export const PASSING_ERRORS = keysOf(ERRORS).filter((name) => ERRORS[name].of !== 'the program');

const ADVICE: ReadonlyMap<string, string> = new Map(Object.entries(ERRORS).map(([name, { advice }]) => [name, advice]));

/** What to do about an error of this name; undefined for the names of authors. */
export function adviceOn(name: string): string | undefined {
  return ADVICE.get(name);
}

/** On errors that were made from their parts again: the parts. */
interface Revived {
  readonly [CLASSES]?: string[];
  readonly [EXTRAS]?: Record<string, unknown>;
}

function partsOf(error: object): Revived {
  return error;
}

/** The class names an error can be caught by, its own first, 'Error' last. */
export function errorClasses(error: Error): string[] {
  const kept = partsOf(error)[CLASSES];
  if (kept) return kept;
  const names: string[] = [String(error.name).toWellFormed()];
  for (let at = Object.getPrototypeOf(error); at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    const name = at.constructor?.name;
    if (typeof name === 'string' && name !== '' && !names.includes(name)) names.push(name);
  }
  if (!names.includes('Error')) names.push('Error');
  return names;
}

/** What an error carries beside name and message: its stack, its cause, and its own enumerable fields. */
export function errorExtras(error: Error): Record<string, unknown> {
  const kept = partsOf(error)[EXTRAS];
  if (kept) return kept;
  const extras: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(error)) {
    if (key !== 'name' && isPlain(value)) extras[key] = value;
  }
  if (typeof error.stack === 'string') extras.stack = error.stack.toWellFormed();
  if (error.cause !== undefined)
    extras.cause = error.cause instanceof Error || isPlain(error.cause) ? error.cause : String(error.cause);
  return extras;
}

/** An error's own fields are kept when they are simple; what libraries hang on their errors is not. */
function isPlain(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean', 'bigint', 'undefined'].includes(typeof value);
}

/** An error made from its parts again; it encodes to the same node. */
export function reviveError(
  name: string,
  classes: readonly string[],
  message: string,
  extras: Record<string, unknown>,
): Error {
  const error = new Error(message);
  error.name = name;
  Object.assign(error, extras);
  Object.defineProperties(error, {
    [CLASSES]: { value: classes, enumerable: false },
    [EXTRAS]: { value: extras, enumerable: false },
  });
  return error;
}
