/** What handlers stand on is made of their environment, and is there once for it: connections, workers, warm graphs, the log. */
import type { Variables } from '../core/environment.ts';

/**
 * Gives for each environment what `make` makes of it, when it is asked for first. What `make` throws is thrown each
 * time. With `@__PURE__` before the call, zips leave out what is made by it and not used.
 */
export function perEnvironment<T extends object>(make: (environment: Variables) => T): (environment: Variables) => T {
  const made = new WeakMap<Variables, T>();
  return (environment) => {
    const known = made.get(environment);
    if (known) return known;
    const fresh = make(environment);
    made.set(environment, fresh);
    return fresh;
  };
}
