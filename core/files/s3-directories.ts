/**
 * Directories on S3 that are outputs. No directory can be replaced at once there: new objects are written first, then those
 * that earlier jobs put there go. Whoever looks in between finds a version that no job has given, so it is no result.
 * What jobs put there says so in its metadata, which names the directory: a copy of it elsewhere is the user's.
 */

import { mapConcurrent } from '../disk/concurrent.ts';
import { digest } from '../values/hash.ts';
import { DIRECTORY_MARK } from './attributes.ts';
import { LOOKS_AT_ONCE, TRANSFERS_AT_ONCE } from './concurrency.ts';
import { foreignFile } from './errors.ts';
import type { S3Object } from './s3-upload.ts';
import { type Chunks, type Directories, type DirectoryContent, type StoreEntry, sha256Of } from './store.ts';

export interface Service {
  list(location: string): Promise<readonly StoreEntry[] | undefined>;
  head(location: string): Promise<S3Object | undefined>;
  read(location: string): Chunks;
  remove(location: string): Promise<void>;
}

export function s3Directories(service: Service): Directories {
  /** The objects there of which nothing is made now. FileRefused where one of those that are there is the user's. */
  const stale = async (folder: string, { paths, sha256 }: DirectoryContent): Promise<string[]> => {
    const making = new Set(paths);
    const there = (await service.list(folder)) ?? [];
    const looked = await mapConcurrent(there, LOOKS_AT_ONCE, async ({ path, location }) => {
      const found = await service.head(location);
      if (!found) return [];
      const ours = found.metadata[DIRECTORY_MARK] === markOf(folder);
      const equal = !ours && making.has(path) && (await sha256Of(service.read(location))) === (await sha256(path));
      if (!ours && !equal) throw foreignFile(folder, location);
      return making.has(path) ? [] : [location];
    });
    return looked.flat();
  };

  return {
    async check(folder, made) {
      await stale(folder, made);
    },
    async replace(folder, made, copy) {
      const going = await stale(folder, made);
      const directory = markOf(folder);
      const written = await mapConcurrent(made.paths, TRANSFERS_AT_ONCE, (path) =>
        copy(path, folder + path, { directory }),
      );
      await mapConcurrent(going, LOOKS_AT_ONCE, (location) => service.remove(location));
      return written.reduce((sum, { bytes }) => sum + bytes, 0);
    },
  };
}

function markOf(folder: string): string {
  return digest('place', folder);
}
