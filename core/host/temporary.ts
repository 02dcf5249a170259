/**
 * Temporary folders. Whoever makes one removes what processes that were killed have left: what is an hour old and, where
 * its name tells whose it was, of a process that is gone. An hour, since on one disk there may be processes of other
 * machines and containers.
 */

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isErrno } from '../values/thrown.ts';

const LEFT_AFTER_MS = 3_600_000;
const OF_PROCESS = /^redex-tmp-(\d+)-/;

/** The work's result; the folder that it is given is gone when it ends. */
export async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  await removeLeftovers(tmpdir(), (name) => isProcessGone(Number(OF_PROCESS.exec(name)?.[1])));
  const folder = await mkdtemp(join(tmpdir(), `redex-tmp-${process.pid}-`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes what is old in the folder, of the names that may be removed. What cannot be removed stays. */
export async function removeLeftovers(folder: string, isLeft: (name: string) => boolean): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const remove = async (path: string): Promise<void> => {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > LEFT_AFTER_MS) await rm(path, { recursive: true, force: true });
  };
  // Others may be at it, too.
  await Promise.allSettled(names.filter(isLeft).map((name) => remove(join(folder, name))));
}

/** Removes all of the folder whose names are meant. What cannot be removed stays. */
export async function removeNamed(folder: string, isMeant: (name: string) => boolean): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const remove = (name: string) => rm(join(folder, name), { recursive: true, force: true });
  await Promise.allSettled(names.filter(isMeant).map(remove));
}

/** False for what is no process id, too. */
export function isProcessGone(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (thrown) {
    // EPERM: it is there, and somebody else's.
    return isErrno(thrown, 'ESRCH');
  }
}
