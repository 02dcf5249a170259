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
}

const ERRORS = {
  ScriptError: { of: 'the program' },
  OutOfMemory: { of: 'machines' },
  TimedOut: { of: 'machines' },
  NotStarted: { of: 'machines' },
  MachineLost: { of: 'machines' },
  ImageError: { of: 'machines' },
  SecretError: { of: 'machines' },
  JobFailed: { of: 'machines' },
  JobTerminated: { of: 'machines' },
  SubmissionRefused: { of: 'machines' },
  InputMissing: { of: 'files and values' },
  InputChanged: { of: 'files and values' },
  FileRefused: { of: 'files and values' },
  NetworkError: { of: 'files and values' },
  OutputMissing: { of: 'the program' },
  OutputConflict: { of: 'the program' },
  ValueGone: { of: 'files and values' },
  ValueDamaged: { of: 'files and values' },
  TaskNotFound: { of: 'the program' },
  NotEncodable: { of: 'the program' },
} as const satisfies Readonly<Record<string, ErrorTraits>>;

/** Names the engine and the library give to failures. An author catches them like any other. */
export type ErrorName = keyof typeof ERRORS;

/** Names of failures that say nothing about the program. */
export const PASSING_ERRORS = keysOf(ERRORS).filter((name) => ERRORS[name].of !== 'the program');

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
