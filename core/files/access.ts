/** What authors' File and Dir do, on any store. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FileAccess } from '../values/classes.ts';
import type { Attributes } from './attributes.ts';
import { checkTarget } from './contained.ts';
import { inputMissing, refused } from './errors.ts';
import { type Chunks, versionNow } from './store.ts';
import { openStores, type StoreOptions } from './stores.ts';

/** Nothing is loaded or opened before the first use. Errors that are the file's own are FileErrors. */
export function fileAccess(options: StoreOptions = {}): FileAccess {
  const storeOf = openStores(options);
  const read = (location: string): Chunks => storeOf(location).read(location);
  return {
    text: async (location) => new TextDecoder().decode(await collect(read(location))),
    bytes: (location) => collect(read(location)),
    async write(location, data) {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      return (await storeOf(location).write(location, [bytes])).version;
    },
    async copy(from, to, { gunzip, below }) {
      const [source, target] = [storeOf(from), storeOf(to)];
      if (below !== undefined) await checkTarget(target, below, to);
      const within = !gunzip && source === target ? await source.copy?.(from, to) : undefined;
      if (within) return within.version;
      let attributes: Attributes = {};
      const chunks = source.read(from, undefined, (told) => (attributes = told));
      return (await target.write(to, gunzip ? gunzipped(from, chunks) : chunks, () => attributes)).version;
    },
    concat: async (from, to) => (await storeOf(to).write(to, joined(from.map(read)))).version,
    version: (kind, location) => versionNow(storeOf(location), { kind, location }),
    async list(location) {
      const entries = await storeOf(location).list(location);
      if (!entries) throw inputMissing(location);
      return entries.map((entry) => entry.location);
    },
  };
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
    if ((thrown as NodeJS.ErrnoException).code?.startsWith('Z_'))
      throw refused(location, 'cannot be unzipped: it is not whole gzip data');
    throw thrown;
  }
}
