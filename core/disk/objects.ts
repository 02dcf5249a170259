/** The object store as a folder, shared by many processes. */

import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkKey } from '../engine/objects.ts';
import type { Objects } from '../engine/ports.ts';
import { isErrno } from '../values/thrown.ts';
import { replaceFile } from './write.ts';

/** Objects under `root`. An object appears whole; of two writers the last one stays. Throws on a key that is not one. */
export function folderObjects(root: string): Objects {
  const pathOf = (key: string): string => join(root, checkKey(key));
  return {
    async put(key, bytes) {
      await replaceFile(pathOf(key), bytes);
    },
    async get(key, range) {
      try {
        return range ? await readPart(pathOf(key), range.start, range.end) : await readFile(pathOf(key));
      } catch (thrown) {
        if (isErrno(thrown, 'ENOENT', 'ENOTDIR')) return undefined;
        throw thrown;
      }
    },
  };
}

async function readPart(path: string, start: number, end: number): Promise<Uint8Array> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(end - start), position: start });
  return buffer.subarray(0, bytesRead);
}
