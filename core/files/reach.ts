/**
 * What files may be had from where others than the owner of the machine name them. A laptop has none of these limits; in the
 * cloud whoever may start a run chooses locations, and must not be given what the function or the machine has for itself:
 * its environment, its credentials, its network.
 *
 * 1. What is refused is refused by its text, before anything is asked of anybody, and again where it is opened: what a name
 *    leads to, a redirect or a link is known only then.
 */
import { isAbsolute, resolve, sep } from 'node:path';
import { isInside } from './addresses.ts';
import { realPlace } from './contained.ts';
import { quote, refused } from './errors.ts';
import type { FileStore } from './store.ts';

export interface Reach {
  /** Local files are those below this folder; undefined: there are none. */
  readonly below: string | undefined;
  /** Buckets by name, `*` for any text; undefined: all that the role of this process may. */
  readonly buckets: readonly string[] | undefined;
}

/** Why nothing can be had from the location, by its text alone; undefined where there may be something. */
export function refusalOf(location: string, { below, buckets }: Reach): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(location)?.[1];
  if (scheme === 's3') return buckets && bucketRefusal(location, buckets);
  if (scheme?.toLowerCase() === 'https') return addressRefusal(location);
  if (scheme !== undefined || below === undefined) return 'cannot be reached from here: only s3:// and https:// can';
  if (isAbsolute(location) && isBelow(below, resolve(location))) return undefined;
  return `cannot be reached from here: local files are those below ${quote(below)}, by their whole path`;
}

function bucketRefusal(location: string, buckets: readonly string[]): string | undefined {
  const bucket = /^s3:\/\/([^/]+)\//.exec(location)?.[1];
  if (bucket === undefined) return 'is not of the form s3://bucket/key';
  if (buckets.some((name) => patternOf(name).test(bucket))) return undefined;
  return `cannot be reached from here: the bucket ${quote(bucket)} is not among those of this deployment`;
}

function patternOf(name: string): RegExp {
  const parts = name.split('*').map((part) => part.replace(/[^\w-]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}

/** Why a URL leads to nobody outside; undefined where it does, as far as its text tells. */
export function addressRefusal(location: string): string | undefined {
  const url = URL.parse(location);
  if (url?.protocol !== 'https:') return 'is not of the form https://host/path';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return isInside(host) ? `leads to ${host}, which is no public address` : undefined;
}

/** Whether the path, absolute and without `..`, is below the folder. */
function isBelow(folder: string, path: string): boolean {
  return path.startsWith(resolve(folder) + sep);
}

/** The local store, of which nothing can be had that is not really below the folder, whatever links are on the way. */
export function within(folder: string, store: FileStore): FileStore {
  const check = async (location: string): Promise<void> => {
    const [top, place] = await Promise.all([realPlace(resolve(folder)), realPlace(store.path?.(location) ?? location)]);
    if (!isBelow(top, place)) throw refused(location, `cannot be reached from here: it leads to ${quote(place)}`);
  };
  const { copy } = store;
  return {
    ...store,
    // These do not ask where a path really leads.
    small: undefined,
    stat: async (location) => {
      await check(location);
      return await store.stat(location);
    },
    list: async (location) => {
      await check(location);
      return await store.list(location);
    },
    async *read(location, version, tell) {
      await check(location);
      yield* store.read(location, version, tell);
    },
    write: async (location, chunks, attributes) => {
      await check(location);
      return await store.write(location, chunks, attributes);
    },
    ...(copy && {
      copy: async (from, to, more) => {
        await Promise.all([check(from), check(to)]);
        return await copy(from, to, more);
      },
    }),
    directories: {
      check: async (location, made) => {
        await check(location);
        await store.directories.check(location, made);
      },
      replace: async (location, made, copyMade) => {
        await check(location);
        return await store.directories.replace(location, made, copyMade);
      },
    },
  };
}
