/** All stores under one roof: a location's scheme says which one it is in. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { WebSettings } from '../values/program.ts';
import { contained } from './contained.ts';
import { refused } from './errors.ts';
import { type LocalOptions, localStore } from './local.ts';
import { type Reach, refusalOf, within } from './reach.ts';
import type { FileStore } from './store.ts';
import type { RetryPolicy } from './tries.ts';
import { webStore } from './web.ts';
import type { Proxies } from './web-request.ts';

export interface StoreOptions extends LocalOptions {
  /** By default one made from the environment, when the first s3:// location is met. */
  readonly s3?: S3Client | undefined;
  readonly web?: WebSettings | undefined;
  /** Of the web. */
  readonly proxies?: Proxies | undefined;
  /** What of all this may be had; undefined: all of it. */
  readonly reach?: Reach | undefined;
}

/** The store that a location is in. FileRefused for schemes nobody knows. `web`: where it is another than the options'. */
export type Stores = (location: string, web?: WebSettings) => FileStore;

/** `retry` is with servers, where it is to be another than for reading. */
export function openStores(options: StoreOptions, retry?: RetryPolicy): Stores {
  const { reach } = options;
  const files = localStore(options);
  const local = contained(reach?.below === undefined ? files : within(reach.below, files));
  // The SDK is large: it is loaded by those who need it.
  const s3 = contained(deferred(async () => (await import('./s3.ts')).s3Store(options.s3, retry)));
  return (location, web = options.web) => {
    const refusal = reach && refusalOf(location, reach);
    if (refusal !== undefined) throw refused(location, refusal);
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(location)?.[1]?.toLowerCase();
    if (scheme === undefined) return local;
    if (scheme === 's3') return s3;
    if (scheme === 'https' || scheme === 'http')
      return webStore(retry, { proxies: options.proxies, ...web, publicOnly: reach !== undefined });
    throw refused(location, 'cannot be reached: only s3://, https:// and local paths can');
  };
}

function deferred(load: () => Promise<FileStore>): FileStore {
  let loaded: Promise<FileStore> | undefined;
  const store = (): Promise<FileStore> => (loaded ??= load());
  return {
    stat: async (location) => (await store()).stat(location),
    list: async (location) => (await store()).list(location),
    async *read(location, version, tell) {
      yield* (await store()).read(location, version, tell);
    },
    write: async (location, chunks, attributes) => (await store()).write(location, chunks, attributes),
    copy: async (from, to, more) => (await store()).copy?.(from, to, more),
    directories: {
      check: async (location, made) => (await store()).directories.check(location, made),
      replace: async (location, made, copy) => (await store()).directories.replace(location, made, copy),
    },
  };
}
