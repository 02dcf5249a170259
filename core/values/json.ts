/**
 * JSON that redex itself has written, in a store that only it writes: its shape is that of the type it was written from, as of the
 * version that the caller checks. What users or the network say is parsed by a schema instead.
 */
export function stored<T>(text: string): T {
  return JSON.parse(text) as T;
}

/** The keys of a table that the compiler knows to have these and no others. */
export function keysOf<K extends string>(table: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(table) as K[];
}
