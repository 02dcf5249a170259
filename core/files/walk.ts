/** The files below a local folder. */
import { isUtf8 } from 'node:buffer';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isErrno, isPart } from '../disk/write.ts';
import { byCodeUnit } from '../values/encode.ts';
import { quote, refused } from './errors.ts';

/**
 * Paths from the folder, sorted; undefined when there is no such folder. Links are followed where they lead to something
 * inside; FileRefused names one that leaves, leads nowhere or leads around in a circle. Empty folders do not count.
 */
export async function filesBelow(folder: string): Promise<string[] | undefined> {
  let top: string;
  try {
    top = await realpath(folder);
    if (!(await stat(top)).isDirectory()) return undefined;
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) return undefined;
    throw thrown;
  }
  const found: string[] = [];
  await collect({ folder, top, found }, top, '', [top]);
  return found.sort(byCodeUnit);
}

interface Walk {
  /** As the user names it. */
  readonly folder: string;
  /** Where it really is. */
  readonly top: string;
  readonly found: string[];
}

async function collect(walk: Walk, real: string, prefix: string, above: readonly string[]): Promise<void> {
  for (const entry of await readdir(real, { withFileTypes: true, encoding: 'buffer' })) {
    const name = entry.name.toString();
    if (isPart(name)) continue;
    const path = prefix + name;
    if (!isUtf8(entry.name))
      throw refused(walk.folder, `holds ${escaped(prefix, entry.name)}, whose name is not UTF-8`);
    if (entry.isFile()) walk.found.push(path);
    else if (entry.isDirectory()) {
      const inner = join(real, name);
      await collect(walk, inner, `${path}/`, [...above, inner]);
    } else if (entry.isSymbolicLink()) await follow(walk, join(real, name), path, above);
    else throw refused(walk.folder, `holds ${quote(path)}, which is neither a file nor a folder`);
  }
}

/** As bash writes it: `$'caf\\xe9.txt'`. */
function escaped(prefix: string, name: Buffer): string {
  const bytes = Array.from(name, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  );
  return `$'${prefix}${bytes.join('')}'`;
}

async function follow(walk: Walk, link: string, path: string, above: readonly string[]): Promise<void> {
  const target = await targetOf(walk, link, path);
  if (!target.startsWith(walk.top + sep) && target !== walk.top) {
    throw refused(walk.folder, `holds the link ${quote(path)}, which leads out of it to ${quote(target)}`);
  }
  if (above.includes(target))
    throw refused(walk.folder, `holds the link ${quote(path)}, which leads around in a circle`);
  const stats = await stat(target);
  if (stats.isDirectory()) await collect(walk, target, `${path}/`, [...above, target]);
  else if (stats.isFile()) walk.found.push(path);
  else throw refused(walk.folder, `holds ${quote(path)}, which is neither a file nor a folder`);
}

async function targetOf(walk: Walk, link: string, path: string): Promise<string> {
  try {
    return await realpath(link);
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT', 'ELOOP', 'ENOTDIR')) {
      throw refused(walk.folder, `holds the link ${quote(path)}, which leads nowhere`);
    }
    throw thrown;
  }
}
