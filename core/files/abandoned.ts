/** What killed jobs have left half-written beside their outputs. Only what bears redex's own name for such things is looked at. */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isPart } from '../disk/write.ts';
import { bytesOf, textOf } from './names.ts';

/** Whoever writes changes something all the time; a laptop may have been asleep meanwhile. */
const KEPT_MS = 24 * 3_600_000;

/**
 * Removes from a folder, once in the life of what it gives, the parts in which nothing has changed for so long. What
 * cannot be looked at or removed stays.
 */
export function abandonedRemover(keptMs = KEPT_MS): (folder: string) => Promise<void> {
  const done = new Set<string>();
  return async (folder) => {
    if (done.has(folder)) return;
    done.add(folder);
    const names = await readdir(bytesOf(folder), { encoding: 'buffer' }).catch(() => []);
    for (const part of names.map(textOf).filter(isPart)) {
      const path = join(folder, part);
      try {
        if (!(await changedSince(path, Date.now() - keptMs))) await rm(bytesOf(path), { recursive: true, force: true });
      } catch {
        // Its writer has just ended, or it is somebody else's.
      }
    }
  };
}

/** By the times that no program can set. ms since the epoch. */
async function changedSince(path: string, time: number): Promise<boolean> {
  const stats = await lstat(bytesOf(path));
  if (stats.ctimeMs > time) return true;
  if (!stats.isDirectory()) return false;
  for (const name of await readdir(bytesOf(path), { encoding: 'buffer' })) {
    if (await changedSince(join(path, textOf(name)), time)) return true;
  }
  return false;
}
