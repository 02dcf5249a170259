/** Errors that the engine itself raises, as values. */
import { encode } from '../values/encode.ts';
import { type ErrorName, reviveError } from '../values/errors.ts';
import { errorIn } from '../values/nodes.ts';
import { rootOf, type Table } from '../values/table.ts';

/** An encoded error with the fields of `extras`; it can be caught by `name` or as 'Error'. */
export function errorValue(
  name: ErrorName | 'Error' | 'TypeError',
  message: string,
  extras: Record<string, unknown> = {},
): Table {
  return named(name, message, extras);
}

function named(name: string, message: string, extras: Record<string, unknown> = {}): Table {
  return encode(reviveError(name, name === 'Error' ? ['Error'] : [name, 'Error'], message, extras));
}

/** Whether the error can be caught by one of the names. */
export function isCaughtBy(error: Table, names: readonly string[]): boolean {
  return errorIn(rootOf(error))?.classes.some((name) => names.includes(name)) ?? false;
}

/** `Name: message`, for people. */
export function errorLine(error: Table): string {
  const root = errorIn(rootOf(error));
  return root ? `${root.name}: ${root.message}` : 'an error that is held elsewhere';
}

/** Whatever an operator threw, as a value; without its stack, which is the engine's and not the author's. */
export function errorOf(thrown: unknown): Table {
  return thrown instanceof Error ? named(thrown.name, thrown.message) : errorValue('Error', String(thrown));
}
