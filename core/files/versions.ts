/** Versions of local files: the SHA-256 of their bytes, remembered by what the file system says of them. */

import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { replaceFile } from '../disk/write.ts';
import { digest } from '../values/hash.ts';
import { stored } from '../values/json.ts';
import { isErrno } from '../values/thrown.ts';
import { refused } from './errors.ts';
import { bytesOf } from './names.ts';
import { isSmall, type SmallFiles, smallFiles, stampOf } from './small.ts';

/** File systems stamp times in steps of up to 10 ms: a change soon after another may leave the same times. */
const STAMP_STEP_MS = 20;
const CHUNK_BYTES = 1024 * 1024;
const HASHES_OF_ONE_LOOK_MAX = 5;

export interface Versions {
  /** Version and size of the file now; undefined when there is none there, and for a folder. */
  of(path: string): Promise<{ version: string; bytes: number } | undefined>;
  /** Notes the version of a file that was hashed while it was written, as it stood before it got its name. */
  note(path: string, version: string, before: BigIntStats): Promise<void>;
}

interface Memo {
  readonly path: string;
  readonly stamp: string;
  readonly version: string;
}

/** `folder` keeps the memos, for all processes; without one every look hashes. `notes: false` only reads those there are. */
export function fileVersions(
  folder: string | undefined,
  { notes, small = smallFiles() }: { readonly notes: boolean; readonly small?: SmallFiles } = { notes: true },
): Versions {
  const memoOf = (path: string): string | undefined => {
    const name = digest('path', path);
    return folder && join(folder, name.slice(0, 2), name.slice(2));
  };

  const remembered = async (path: string, stats: BigIntStats): Promise<string | undefined> => {
    const memo = memoOf(path);
    if (!memo || isSmall(stats.size)) return undefined;
    const read = await readMemo(memo);
    return read?.path === path && read.stamp === stampOf(stats) ? read.version : undefined;
  };

  const remember = async (path: string, stats: BigIntStats, version: string): Promise<void> => {
    const memo = memoOf(path);
    if (!notes || !memo || isSmall(stats.size)) return;
    await replaceFile(memo, JSON.stringify({ path, stamp: stampOf(stats), version } satisfies Memo));
  };

  return {
    async of(path) {
      const seen = small.version(path);
      if (seen) return seen;
      // A file that changes under the reader is read again.
      for (let tries = 0; tries < HASHES_OF_ONE_LOOK_MAX; tries++) {
        const before = await statFile(path);
        if (!before) return undefined;
        const bytes = Number(before.size);
        const known = await remembered(path, before);
        if (known) return { version: known, bytes };
        await settled(before);
        const version = await hashFile(path);
        const after = await statFile(path);
        if (!version || !after || stampOf(before) !== stampOf(after)) continue;
        await remember(path, after, version);
        return { version, bytes };
      }
      throw refused(path, 'cannot be read: it changes all the time');
    },
    async note(path, version, before) {
      if (isSmall(before.size)) return;
      const after = await statFile(path);
      // Giving it its name may have touched the change time, nothing else: then no other change can hide behind it.
      if (after && after.ino === before.ino && after.size === before.size && after.mtimeNs === before.mtimeNs) {
        await remember(path, after, version);
      }
    },
  };
}

/** Waits until a change made from now on is sure to show in the file's times. Small files, which have no memo, need not. */
export async function settled(stats: BigIntStats): Promise<void> {
  if (isSmall(stats.size)) return;
  // Every change sets this time, and nobody can set it to another.
  const ageMs = Date.now() - Number(stats.ctimeNs / 1_000_000n);
  if (ageMs <= STAMP_STEP_MS) await sleep(STAMP_STEP_MS + 1 - Math.max(ageMs, 0));
}

/** undefined for what is not there or is no file. */
export async function statFile(path: string): Promise<BigIntStats | undefined> {
  try {
    const stats = await stat(bytesOf(path), { bigint: true });
    return stats.isFile() ? stats : undefined;
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) return undefined;
    throw thrown;
  }
}

async function readMemo(path: string): Promise<Memo | undefined> {
  try {
    return stored(await readFile(path, 'utf8'));
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT') || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

async function hashFile(path: string): Promise<string | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(bytesOf(path));
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT')) return undefined;
    throw thrown;
  }
  try {
    const hash = createHash('sha256');
    const { size } = await handle.stat();
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size + 1));
    while (true) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}
