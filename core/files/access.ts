/** What authors' File and Dir do, on any store. */

import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FileAccess } from '../values/classes.ts';
import { codeOf } from '../values/thrown.ts';
import type { Attributes } from './attributes.ts';
import { realPlace } from './contained.ts';
import { inputMissing, quote, refused } from './errors.ts';
import { type Chunks, type DirectoryContent, type FileStore, sha256Of, versionNow, type Written } from './store.ts';
import { openStores, type StoreOptions, type Stores } from './stores.ts';
import type { RetryPolicy } from './tries.ts';

/**
 * Nothing is loaded or opened before the first use. Errors that are the file's own are FileErrors. `retry` is with
 * servers, where it is to be another than usual.
 */
export function fileAccess(options: StoreOptions = {}, retry?: RetryPolicy): FileAccess {
  const storeOf = openStores(options, retry);
  const read = (location: string): Chunks => storeOf(location).read(location);
  return {
    text: async (location) => new TextDecoder().decode(await collect(read(location))),
    bytes: (location) => collect(read(location)),
    async write(location, data) {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      return (await storeOf(location).write(location, [bytes])).version;
    },
    copy: async (from, to, { gunzip }) => (await copyFile(storeOf, from, to, { gunzip })).version,
    copyDir: (from, to) => copyDirectory(storeOf, from, to),
    concat: async (from, to) => (await storeOf(to).write(to, joined(from.map(read)))).version,
    version: (kind, location) => versionNow(storeOf(location), { kind, location }),
    async list(location) {
      const entries = await storeOf(location).list(location);
      if (!entries) throw inputMissing(location);
      return entries.map((entry) => entry.location);
    },
  };
}

interface FileCopyOptions {
  readonly gunzip?: boolean;
  readonly more?: Attributes | undefined;
}

async function copyFile(
  storeOf: Stores,
  from: string,
  to: string,
  { gunzip, more }: FileCopyOptions,
): Promise<Written> {
  const [source, target] = [storeOf(from), storeOf(to)];
  const within = !gunzip && source === target ? await source.copy?.(from, to, more) : undefined;
  if (within) return within;
  let attributes: Attributes = {};
  const chunks = source.read(from, undefined, (told) => (attributes = told));
  return await target.write(to, gunzip ? gunzipped(from, chunks) : chunks, () => ({ ...attributes, ...more }));
}

async function copyDirectory(storeOf: Stores, from: string, to: string): Promise<void> {
  const [source, target] = [storeOf(from), storeOf(to)];
  const entries = await source.list(from);
  if (!entries) throw inputMissing(from);
  const [original, copy] = await Promise.all([realLocation(source, from), realLocation(target, to)]);
  if (original === copy) return;
  if (original.startsWith(copy))
    throw refused(to, `cannot be replaced: it holds ${quote(from)}, which is to be copied`);
  const locations = new Map(entries.map(({ path, location }) => [path, location]));
  const at = (path: string): string => locations.get(path) ?? path;
  const made: DirectoryContent = { paths: [...locations.keys()], sha256: (path) => sha256Of(source.read(at(path))) };
  await target.directories.replace(to, made, (path, place, more) => copyFile(storeOf, at(path), place, { more }));
}

/** With a slash at its end, and links followed where there are any. */
async function realLocation(store: FileStore, location: string): Promise<string> {
  const path = store.path?.(location);
  return path === undefined ? location : `${await realPlace(path)}/`;
}

async function* joined(parts: readonly Chunks[]): Chunks {
  for (const part of parts) yield* part;
}

async function collect(chunks: Chunks): Promise<Uint8Array> {
  const held: Uint8Array[] = [];
  for await (const chunk of chunks) held.push(chunk);
  return Buffer.concat(held);
}

/** All members of a gzip file, one after another. */
async function* gunzipped(location: string, chunks: Chunks): Chunks {
  const unzip = createGunzip({ chunkSize: 256 * 1024 });
  // An error of either end comes out of the loop below.
  pipeline(Readable.from(chunks, { objectMode: false }), unzip, () => undefined);
  try {
    for await (const chunk of unzip) yield chunk;
  } catch (thrown) {
    if (codeOf(thrown)?.startsWith('Z_')) throw refused(location, 'cannot be unzipped: it is not whole gzip data');
    throw thrown;
  }
}
