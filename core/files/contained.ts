/** Paths below a folder: the one place that says which are let in, and that looks again where bytes are written. */

import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { isErrno } from '../values/thrown.ts';
import { quote, refused } from './errors.ts';
import { bytesOf, textOf } from './names.ts';
import type { FileStore, StoreEntry } from './store.ts';

/** The store, with listings that cannot lead out of the folder: keys on S3 are any text, also `d/../../x`. */
export function contained(store: FileStore): FileStore {
  return {
    ...store,
    list: async (location) => {
      const entries = await store.list(location);
      if (entries) checkListing(location, entries);
      return entries;
    },
  };
}

function checkListing(folder: string, entries: readonly StoreEntry[]): void {
  const paths = new Set(entries.map(({ path }) => path));
  for (const { path, location } of entries) {
    checkPath(folder, path, location);
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
      const outer = path.slice(0, at);
      if (!paths.has(outer)) continue;
      throw refused(folder, `holds both ${quote(outer)} and ${quote(location)}: one name for a file and a folder`);
    }
  }
}

function checkPath(folder: string, path: string, location: string): void {
  if (path.includes('\0')) throw refused(folder, `holds ${quote(location)}, whose name has a NUL character`);
  const odd = path.split('/').find((segment) => segment === '' || segment === '.' || segment === '..');
  if (odd !== undefined) throw refused(folder, `holds ${quote(location)}, whose path has the segment "${odd}"`);
}

/** Where the path below the folder is. FileRefused when it is not below, by its segments or by a link on the way. */
export function pathBelow(folder: string, path: string, location: string): string {
  checkPath(folder, path, location);
  return join(folder, path);
}

/** Looks where a file that is about to be written below the folder would really be, before its own folders are made. */
export async function checkReallyBelow(folder: string, file: string, location: string): Promise<void> {
  const top = await realOf(folder);
  let outer = dirname(file);
  let place = await realOf(outer);
  while (place === undefined && outer !== folder && outer !== dirname(outer)) {
    outer = dirname(outer);
    place = await realOf(outer);
  }
  if (top === undefined || place === undefined || place === top || place.startsWith(top + sep)) return;
  throw refused(location, `cannot be put in ${quote(folder)}: a link on the way leads to ${quote(place)}`);
}

/** Where a path that may not be there yet really is, as far as there are links on its way. */
export async function realPlace(path: string): Promise<string> {
  const { there, rest } = await split(path);
  return join(there, rest);
}

/**
 * One text for all spellings of a place: where it really is, without regard to case where its file system has none. Each
 * folder is looked at once. A link to a file is a place of its own: what is written takes its place.
 */
export function placeFinder(): (path: string) => Promise<string> {
  const folders = new Map<string, Promise<{ readonly place: string; readonly caseless: boolean }>>();
  const look = async (folder: string) => {
    const { there, rest } = await split(folder);
    return { place: join(there, rest), caseless: await ignoresCase(there) };
  };
  return async (path) => {
    const outer = dirname(path);
    const looking = folders.get(outer) ?? look(outer);
    folders.set(outer, looking);
    const { place, caseless } = await looking;
    const isFolder = await stat(bytesOf(path)).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    const found = isFolder ? await realPath(path) : join(place, basename(path));
    return caseless ? found.toLowerCase() : found;
  };
}

/** The part of a path that is there, as it really is, and the rest. */
async function split(path: string): Promise<{ there: string; rest: string }> {
  const rest: string[] = [];
  for (let outer = path; ; outer = dirname(outer)) {
    const there = await realOf(outer);
    if (there !== undefined) return { there, rest: join(...rest) };
    if (outer === dirname(outer)) return { there: outer, rest: join(...rest) };
    rest.unshift(basename(outer));
  }
}

/** Whether the folder, or the nearest above it whose name has letters, is found under its name in the other case too. */
async function ignoresCase(folder: string): Promise<boolean> {
  const name = basename(folder);
  const other = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase();
  if (name === '') return false;
  if (other === name) return await ignoresCase(dirname(folder));
  const look = (path: string) => stat(bytesOf(path), { bigint: true }).catch(() => undefined);
  const [one, two] = await Promise.all([look(folder), look(join(dirname(folder), other))]);
  return one !== undefined && one.ino === two?.ino && one.dev === two.dev;
}

/** As realpath(3). */
export async function realPath(path: string): Promise<string> {
  return textOf(await realpath(bytesOf(path), { encoding: 'buffer' }));
}

async function realOf(path: string): Promise<string | undefined> {
  return await realPath(path).catch((thrown) => {
    // What cannot be there leads nowhere: whoever makes it is told why.
    if (isErrno(thrown, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return undefined;
    throw thrown;
  });
}
