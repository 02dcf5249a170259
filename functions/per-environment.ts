/** What handlers stand on is made of their environment, and is there once for it: connections, workers, warm graphs, the log. */
import type { Cache } from '../core/engine/ports.ts';
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

/** What a local cloud, in whose process the handlers run, has for them in place of a service. */
export interface OwnPorts {
  readonly cache?: Cache;
}

const own = new WeakMap<Variables, OwnPorts>();

/** Before anything is made in the environment. */
export function provide(environment: Variables, ports: OwnPorts): void {
  own.set(environment, ports);
}

export function provided(environment: Variables): OwnPorts {
  return own.get(environment) ?? {};
}
