/** Whatever a task throws, as an error value. */
import { encode } from '../values/encode.ts';
import { isObject } from '../values/guards.ts';
import type { Table } from '../values/table.ts';

/** Never throws: what cannot be kept of an error is left out. */
export function encodeThrown(thrown: unknown): Table {
  return (
    attempt(() => encode(thrown instanceof Error ? thrown : notAnError(thrown))) ??
    attempt(() => encode(bareError(thrown))) ??
    UNKNOWN
  );
}

const UNKNOWN: Table = encode(plain('Error', 'something was thrown that cannot be shown'));

function attempt<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}

function notAnError(thrown: unknown): Error {
  const shown =
    attempt(() => (typeof thrown === 'string' ? thrown : JSON.stringify(thrown))) ??
    attempt(() => String(thrown)) ??
    typeof thrown;
  return plain('Error', `not an error, but thrown: ${shown}`);
}

/** Name and message alone. */
function bareError(thrown: unknown): Error {
  const { name, message }: { readonly name?: unknown; readonly message?: unknown } = isObject(thrown) ? thrown : {};
  return plain(String(name), String(message));
}

function plain(name: string, message: string): Error {
  const error = new Error(message.toWellFormed());
  Object.defineProperty(error, 'name', { value: name.toWellFormed(), enumerable: false });
  error.stack = '';
  return error;
}
