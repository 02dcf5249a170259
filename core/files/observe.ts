/** The engine's look at files. */

import { mapConcurrent } from '../disk/concurrent.ts';
import type { Files, Seen, Unseen } from '../engine/ports.ts';
import { encode } from '../values/encode.ts';
import { spelled } from '../values/places.ts';
import { valueAt } from '../values/present.ts';
import { ABSENT } from '../values/table.ts';
import { isErrno, messageOf } from '../values/thrown.ts';
import { LOOKS_AT_ONCE } from './concurrency.ts';
import { placeFinder } from './contained.ts';
import { FileError, refused, unreachable } from './errors.ts';
import { type FileOrDir, versionNow } from './store.ts';
import { openStores, type StoreOptions, type Stores } from './stores.ts';
import type { RetryPolicy } from './tries.ts';

/** A round waits for it: a server that stays silent is given up after half a minute. */
const RETRY_POLICY: RetryPolicy = { tries: 3, delayMs: 500, idleMs: 10_000 };

/**
 * For all that servers are asked in a call: a listing may have many pages, each of them just in time. A round of 15
 * minutes has time enough after it. Local files are hashed as long as it takes.
 */
const SERVERS_MS_MAX = 5 * 60_000;

/** Files in vain, and none with an answer, before a server counts as down: some files may be in trouble by themselves. */
const DOWN_AFTER = LOOKS_AT_ONCE;

/**
 * Each location is looked at once a call. What cannot be seen (no permission, no such scheme, a link out of its
 * directory, a server in trouble) is told with the reason and stops nothing else. A server that is down is not waited for
 * again in the same call.
 */
export function observeFiles(
  options: StoreOptions,
  retry: RetryPolicy = RETRY_POLICY,
  serversMsMax: number = SERVERS_MS_MAX,
): Files {
  const storeOf = openStores(options, retry);
  return {
    async observe(leaves, web) {
      const distinct = [...new Map(leaves.map((leaf) => [keyOf(leaf), leaf])).entries()];
      const servers = new Map<string, ServerState>();
      const end = Date.now() + serversMsMax;
      const found = await mapConcurrent(distinct, LOOKS_AT_ONCE, async ([key, leaf]) => {
        const server = servers.get(originOf(leaf.location)) ?? { inVain: 0, answers: false };
        servers.set(originOf(leaf.location), server);
        return [key, await look((location) => storeOf(location, web), leaf, server, end)] as const;
      });
      const seen = new Map(found);
      return leaves.map((leaf) => valueAt(seen, keyOf(leaf)));
    },
    async places(locations) {
      const place = placeFinder();
      return await mapConcurrent(locations, LOOKS_AT_ONCE, async (location) => {
        try {
          const path = storeOf(location).path?.(location);
          if (path !== undefined) return await place(path);
        } catch {
          // What cannot be looked at is told when it is to be written.
        }
        return spelled(location).replace(/\/$/, '');
      });
    },
  };
}

/** What is known of one in a call. */
interface ServerState {
  /** Files that were tried in vain. */
  inVain: number;
  answers: boolean;
}

async function look(storeOf: Stores, leaf: FileOrDir, server: ServerState, end: number): Promise<Seen> {
  const { location } = leaf;
  if (!server.answers && server.inVain >= DOWN_AFTER) {
    return unseen(unreachable(location, `nor could ${server.inVain} other files of its server be`));
  }
  try {
    const version = await unlessTooLate(leaf, end, versionNow(storeOf(location), leaf));
    server.answers = true;
    return version ?? ABSENT;
  } catch (thrown) {
    if (!(thrown instanceof FileError)) {
      // A disk, for instance, that fails where this file lies.
      if (!isErrno(thrown, 'EIO', 'ESTALE', 'ETIMEDOUT')) throw thrown;
      return unseen(refused(location, `cannot be looked at: ${messageOf(thrown)}`));
    }
    if (thrown.name === 'NetworkError') server.inVain++;
    else server.answers = true;
    return unseen(thrown);
  }
}

async function unlessTooLate<T>({ location }: FileOrDir, end: number, looking: Promise<T>): Promise<T> {
  if (originOf(location) === '') return await looking;
  const late = Promise.withResolvers<never>();
  const tooLate = () => late.reject(unreachable(location, 'looking at it took too long'));
  const timer = setTimeout(tooLate, Math.max(0, end - Date.now()));
  // What comes of it after that is nobody's business.
  looking.catch(() => undefined);
  return await Promise.race([looking, late.promise]).finally(() => clearTimeout(timer));
}

/** Where it came up in here helps nobody. */
function unseen(error: FileError): Unseen {
  delete error.stack;
  return { unseen: encode(error) };
}

/** Scheme and host, or bucket. */
function originOf(location: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i.exec(location)?.[0] ?? '';
}

function keyOf({ kind, location }: FileOrDir): string {
  return `${kind} ${location}`;
}
