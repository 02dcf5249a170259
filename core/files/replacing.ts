/** Local directories that are outputs: each holds exactly what its script made, and what a user put there stays. */

import { chmod, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { mapConcurrent } from '../disk/concurrent.ts';
import { partBeside, partName, replaceFile } from '../disk/write.ts';
import { digest } from '../values/hash.ts';
import { stored } from '../values/json.ts';
import { isErrno } from '../values/thrown.ts';
import { TRANSFERS_AT_ONCE } from './concurrency.ts';
import { realPlace } from './contained.ts';
import { foreignFile, refused } from './errors.ts';
import { kindAt } from './kinds.ts';
import { bytesOf } from './names.ts';
import { isSmall } from './small.ts';
import type { Directories, DirectoryContent, Written } from './store.ts';
import { statFile, type Versions } from './versions.ts';
import { filesBelow } from './walk.ts';

/** Others may put a directory there in between. */
const SWAPS_MAX = 5;

export interface DirectoriesOptions {
  readonly pathOf: (location: string) => string;
  readonly versions: Versions;
  /** From a folder what killed jobs have left there. */
  readonly removeAbandoned: (folder: string) => Promise<void>;
  /** Folder that remembers which files were put into which directory. */
  readonly placed?: string | undefined;
  /** A project that is moved takes along what it remembers of directories below this. */
  readonly root?: string | undefined;
}

export function localDirectories({ pathOf, versions, removeAbandoned, placed, root }: DirectoriesOptions): Directories {
  const noteOf = async (place: string): Promise<string | undefined> => {
    if (placed === undefined) return undefined;
    const fromRoot = root === undefined ? place : relative(await realPlace(root), place);
    return join(placed, digest('place', fromRoot.startsWith('..') ? place : fromRoot));
  };

  /** What was put there and what is made now, where all that is there is of these. */
  const check = async (
    location: string,
    { paths, sha256 }: DirectoryContent,
    place: string,
  ): Promise<ReadonlySet<string>> => {
    const kind = await kindAt(place);
    if (kind !== undefined && kind !== 'a folder') throw refused(location, `is ${kind}, not a folder`);
    const note = await noteOf(place);
    // Where nothing can be remembered, a directory is as a file is: what has the name of an output is replaced.
    const ours = new Set(note === undefined ? paths : await readNote(note));
    const making = new Set(paths);
    for (const path of (await filesBelow(place)) ?? []) {
      if (ours.has(path)) continue;
      if (making.has(path) && (await versions.of(join(place, path)))?.version === (await sha256(path))) continue;
      throw foreignFile(location, path);
    }
    return new Set([...ours, ...paths]);
  };

  return {
    async check(location, made) {
      await check(location, made, await realPlace(pathOf(location)));
    },
    async replace(location, made, copy) {
      const place = await realPlace(pathOf(location));
      const part = partBeside(place);
      await removeAbandoned(dirname(place));
      const copies: Promise<Written>[] = [];
      try {
        await mkdir(bytesOf(part), { recursive: true });
        const written = await mapConcurrent(made.paths, TRANSFERS_AT_ONCE, (path) => {
          const copied = copy(path, join(part, path));
          copies.push(copied);
          return copied;
        });
        const stats = await mapConcurrent([...made.paths.entries()], TRANSFERS_AT_ONCE, async ([at, path]) =>
          isSmall(written[at]?.bytes ?? 0) ? undefined : await statFile(join(part, path)),
        );
        const note = await noteOf(place);
        const known = await check(location, made, place);
        // Both before and after: whenever this breaks off, all that is there is known to be ours.
        if (note) await replaceFile(note, JSON.stringify([...known]));
        await swap(part, place);
        if (note) await replaceFile(note, JSON.stringify(made.paths));
        await mapConcurrent([...made.paths.entries()], TRANSFERS_AT_ONCE, async ([at, path]) => {
          const [before, version] = [stats[at], written[at]?.version];
          if (before && version !== undefined) await versions.note(join(place, path), version, before);
        });
        return written.reduce((sum, { bytes }) => sum + bytes, 0);
      } finally {
        // When one has failed, others are still at it, and would write on into what is removed.
        await Promise.allSettled(copies);
        await rm(bytesOf(part), { recursive: true, force: true });
      }
    },
  };
}

async function readNote(path: string): Promise<string[]> {
  try {
    return stored(await readFile(path, 'utf8'));
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT') || thrown instanceof SyntaxError) return [];
    throw thrown;
  }
}

/** Whoever looks finds the old directory, none, or the new one: never a part of each. */
async function swap(part: string, place: string): Promise<void> {
  const old = await oldOf(place);
  for (let tries = 1; ; tries++) {
    const moved = await moveAside(part, place, old);
    try {
      await rename(bytesOf(part), bytesOf(place));
      break;
    } catch (thrown) {
      if (moved) await rename(bytesOf(old), bytesOf(place)).catch(() => undefined);
      if (tries === SWAPS_MAX || !isErrno(thrown, 'ENOTEMPTY', 'EEXIST')) throw thrown;
      await rm(bytesOf(old), { recursive: true, force: true });
    }
  }
  await rm(bytesOf(old), { recursive: true, force: true });
}

/** Always the same for a place, so that what a killed job has left there goes with what the next one replaces. */
async function oldOf(place: string): Promise<string> {
  const old = join(dirname(place), partName(digest('old', basename(place))));
  await rm(bytesOf(old), { recursive: true, force: true });
  return old;
}

async function moveAside(part: string, place: string, old: string): Promise<boolean> {
  try {
    await chmod(bytesOf(part), (await stat(bytesOf(place))).mode & 0o7777);
    await rename(bytesOf(place), bytesOf(old));
    return true;
  } catch (thrown) {
    // None is there, or another job of the place is at it: that shows when the name is not free.
    if (isErrno(thrown, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) return false;
    throw thrown;
  }
}
