/** Local directories that are outputs: each holds exactly what its script made, and what a user put there stays. */
import { chmod, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { mapConcurrent } from '../disk/concurrent.ts';
import { isErrno, partBeside, replaceFile } from '../disk/write.ts';
import { digest } from '../values/hash.ts';
import { realPlace } from './contained.ts';
import { quote, refused } from './errors.ts';
import { kindAt } from './kinds.ts';
import { bytesOf } from './names.ts';
import type { Directories } from './store.ts';
import { statFile, type Versions } from './versions.ts';
import { filesBelow } from './walk.ts';

const TRANSFERS_AT_ONCE = 4;
/** Others may put a directory there in between. */
const SWAPS_MAX = 5;

export interface DirectoriesOptions {
  readonly pathOf: (location: string) => string;
  readonly versions: Versions;
  /** Folder that remembers which files were put into which directory. */
  readonly placed?: string | undefined;
  /** A project that is moved takes along what it remembers of directories below this. */
  readonly root?: string | undefined;
}

export function localDirectories({ pathOf, versions, placed, root }: DirectoriesOptions): Directories {
  const noteOf = async (place: string): Promise<string | undefined> => {
    if (placed === undefined) return undefined;
    const fromRoot = root === undefined ? place : relative(await realPlace(root), place);
    return join(placed, digest('place', fromRoot.startsWith('..') ? place : fromRoot));
  };

  const isEqual = async (one: string, other: string): Promise<boolean> => {
    const [a, b] = await Promise.all([versions.of(one), versions.of(other)]);
    return a !== undefined && a.version === b?.version;
  };

  /** What was put there and what is made now, where all that is there is of these. */
  const check = async (location: string, source: string, place: string): Promise<ReadonlySet<string>> => {
    const kind = await kindAt(place);
    if (kind !== undefined && kind !== 'a folder') throw refused(location, `is ${kind}, not a folder`);
    const made = (await filesBelow(source)) ?? [];
    const note = await noteOf(place);
    // Where nothing can be remembered, a directory is as a file is: what has the name of an output is replaced.
    const ours = new Set(note === undefined ? made : await readNote(note));
    const making = new Set(made);
    for (const path of (await filesBelow(place)) ?? []) {
      if (ours.has(path)) continue;
      if (making.has(path) && (await isEqual(join(place, path), join(source, path)))) continue;
      const advice = 'move it away, or give the output another place';
      throw refused(location, `cannot be replaced: it holds ${quote(path)}, which no job put there; ${advice}`);
    }
    return new Set([...ours, ...made]);
  };

  return {
    async check(location, source) {
      await check(location, source, await realPlace(pathOf(location)));
    },
    async replace(location, source, copy) {
      const place = await realPlace(pathOf(location));
      const part = partBeside(place);
      const made = (await filesBelow(source)) ?? [];
      try {
        await mkdir(bytesOf(part), { recursive: true });
        const written = await mapConcurrent(made, TRANSFERS_AT_ONCE, (path) =>
          copy(join(source, path), join(part, path)),
        );
        const stats = await mapConcurrent(made, TRANSFERS_AT_ONCE, (path) => statFile(join(part, path)));
        const note = await noteOf(place);
        const known = await check(location, source, place);
        // Both before and after: whenever this breaks off, all that is there is known to be ours.
        if (note) await replaceFile(note, JSON.stringify([...known]));
        await swap(part, place);
        if (note) await replaceFile(note, JSON.stringify(made));
        await mapConcurrent([...made.entries()], TRANSFERS_AT_ONCE, async ([at, path]) => {
          const [before, version] = [stats[at], written[at]?.version];
          if (before && version !== undefined) await versions.note(join(place, path), version, before);
        });
        return written.reduce((sum, { bytes }) => sum + bytes, 0);
      } finally {
        await rm(bytesOf(part), { recursive: true, force: true });
      }
    },
  };
}

async function readNote(path: string): Promise<string[]> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as string[];
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT') || thrown instanceof SyntaxError) return [];
    throw thrown;
  }
}

/** Whoever looks finds the old directory, none, or the new one: never a part of each. */
async function swap(part: string, place: string): Promise<void> {
  const old = partBeside(place);
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

async function moveAside(part: string, place: string, old: string): Promise<boolean> {
  try {
    await chmod(bytesOf(part), (await stat(bytesOf(place))).mode & 0o7777);
    await rename(bytesOf(place), bytesOf(old));
    return true;
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT')) return false;
    throw thrown;
  }
}
