/** What a path is, where it is not what was expected: what is there is not said to be missing. */

import type { Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { isErrno } from '../values/thrown.ts';
import { bytesOf } from './names.ts';

/** `a folder`, `a named pipe`, …; undefined where nothing is there. */
export async function kindAt(path: string): Promise<string | undefined> {
  const stats = await there(() => stat(bytesOf(path)));
  if (stats) return kindOf(stats);
  const link = await there(() => lstat(bytesOf(path)));
  return link?.isSymbolicLink() ? 'a link that leads nowhere' : undefined;
}

function kindOf(stats: Stats): string {
  if (stats.isFile()) return 'a file';
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

async function there(look: () => Promise<Stats>): Promise<Stats | undefined> {
  try {
    return await look();
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) return undefined;
    throw thrown;
  }
}
