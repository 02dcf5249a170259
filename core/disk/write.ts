/** Files of redex's own, for their owner alone. They appear whole or not at all, whichever other processes write beside. */

import { randomBytes } from 'node:crypto';
import { link, mkdir, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno } from '../values/thrown.ts';

const PART_DIGITS = 16;
const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

/** What a file is called while it is being written. Listings leave such names out. */
const PART_NAME = /^\.redex-[0-9a-f]{16}\.part$/;

export function isPart(name: string): boolean {
  return PART_NAME.test(name);
}

/** The name for a digest. */
export function partName(digest: string): string {
  return `.redex-${digest.slice(0, PART_DIGITS)}.part`;
}

/** A free name in the folder of `path`, so that a rename or link to it stays on one file system. */
export function partBeside(path: string): string {
  return join(dirname(path), partName(randomBytes(PART_DIGITS / 2).toString('hex')));
}

/** Puts the bytes at `path`, in place of what is there. Makes the folders it needs. `mode`: where others may read it. */
export async function replaceFile(path: string, bytes: Uint8Array | string, mode = FILE_MODE): Promise<void> {
  const part = await writePart(path, bytes, mode);
  try {
    await rename(part, path);
  } catch (thrown) {
    await unlink(part);
    throw thrown;
  }
}

/** Puts the bytes at `path` on condition that nothing is there; says whether it did. Of many callers one succeeds. */
export async function createFile(path: string, bytes: Uint8Array | string): Promise<boolean> {
  const part = await writePart(path, bytes, FILE_MODE);
  try {
    await link(part, path);
    return true;
  } catch (thrown) {
    if (isErrno(thrown, 'EEXIST')) return false;
    throw thrown;
  } finally {
    await unlink(part);
  }
}

async function writePart(path: string, bytes: Uint8Array | string, mode: number): Promise<string> {
  const part = partBeside(path);
  try {
    await writeFile(part, bytes, { flag: 'wx', mode }).catch(async (thrown) => {
      if (!isErrno(thrown, 'ENOENT')) throw thrown;
      await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
      await writeFile(part, bytes, { flag: 'wx', mode });
    });
    return part;
  } catch (thrown) {
    // What a full disk has taken of it helps nobody.
    await unlink(part).catch(() => undefined);
    throw thrown;
  }
}
