/** Paths below a folder: the one place that says which are let in, and that looks again where bytes are written. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { isErrno } from '../disk/write.ts';
import { quote, refused } from './errors.ts';
import { bytesOf, textOf } from './names.ts';
import type { Entry, Store } from './store.ts';

/** The store, with listings that cannot lead out of the folder: keys on S3 are any text, also `d/../../x`. */
export function contained(store: Store): Store {
  return {
    ...store,
    list: async (location) => {
      const entries = await store.list(location);
      if (entries) checkListing(location, entries);
      return entries;
    },
  };
}

function checkListing(folder: string, entries: readonly Entry[]): void {
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
  const rest: string[] = [];
  for (let outer = path; ; outer = dirname(outer)) {
    const place = await realOf(outer);
    if (place !== undefined) return join(place, ...rest);
    if (outer === dirname(outer)) return path;
    rest.unshift(basename(outer));
  }
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
