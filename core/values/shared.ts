/**
 * What modules share that were loaded apart: a bundle has a copy of redex of its own, beside that of the worker it runs in, and
 * code that a bundler adds imports nothing.
 */

/** A place on globalThis. What is in it is what was put there under the same name. */
export interface Shared<T> {
  get(): T | undefined;
  set(value: T): void;
}

export function shared<T>(name: `redex.${string}`): Shared<T> {
  const key = Symbol.for(name);
  const places = globalThis as { [key]?: T };
  return {
    get: () => places[key],
    set: (value) => {
      places[key] = value;
    },
  };
}
