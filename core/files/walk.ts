/** The files below a local folder. */

import { readdir, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isPart } from '../disk/write.ts';
import { byCodeUnit } from '../values/encode.ts';
import { isErrno } from '../values/thrown.ts';
import { realPath } from './contained.ts';
import { quote, refused } from './errors.ts';
import { bytesOf, textOf } from './names.ts';

/**
 * Paths from the folder, as text (`names.ts`), sorted; undefined when there is no such folder. Links are followed where they lead to something
 * inside; FileRefused names one that leaves, leads nowhere or leads around in a circle. Empty folders do not count.
 */
export async function filesBelow(folder: string): Promise<string[] | undefined> {
  let top: string;
  try {
    top = await realPath(folder);
    if (!(await stat(bytesOf(top))).isDirectory()) return undefined;
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) return undefined;
    throw thrown;
  }
  const found: string[] = [];
  await collect({ folder, top, found }, top, '', [top]);
  return found.sort(byCodeUnit);
}

interface FolderWalk {
  /** As the user names it. */
  readonly folder: string;
  /** Where it really is. */
  readonly top: string;
  readonly found: string[];
}

async function collect(walk: FolderWalk, real: string, prefix: string, above: readonly string[]): Promise<void> {
  for (const entry of await readdir(bytesOf(real), { withFileTypes: true, encoding: 'buffer' })) {
    const name = textOf(entry.name);
    if (isPart(name)) continue;
    const path = prefix + name;
    if (entry.isFile()) walk.found.push(path);
    else if (entry.isDirectory()) {
      const inner = join(real, name);
      await collect(walk, inner, `${path}/`, [...above, inner]);
    } else if (entry.isSymbolicLink()) await follow(walk, join(real, name), path, above);
    else throw refused(walk.folder, `holds ${quote(path)}, which is neither a file nor a folder`);
  }
}

async function follow(walk: FolderWalk, link: string, path: string, above: readonly string[]): Promise<void> {
  const target = await targetOf(walk, link, path);
  if (!target.startsWith(walk.top + sep) && target !== walk.top) {
    throw refused(walk.folder, `holds the link ${quote(path)}, which leads out of it to ${quote(target)}`);
  }
  if (above.includes(target))
    throw refused(walk.folder, `holds the link ${quote(path)}, which leads around in a circle`);
  const stats = await stat(bytesOf(target));
  if (stats.isDirectory()) await collect(walk, target, `${path}/`, [...above, target]);
  else if (stats.isFile()) walk.found.push(path);
  else throw refused(walk.folder, `holds ${quote(path)}, which is neither a file nor a folder`);
}

async function targetOf(walk: FolderWalk, link: string, path: string): Promise<string> {
  try {
    return await realPath(link);
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT', 'ELOOP', 'ENOTDIR')) {
      throw refused(walk.folder, `holds the link ${quote(path)}, which leads nowhere`);
    }
    throw thrown;
  }
}
