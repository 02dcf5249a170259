/**
 * Files as package managers install them: in folders, and in the zip archives of Yarn's Plug'n'Play, where a path goes on
 * below the archive: `….zip/node_modules/semver/index.js`.
 */
import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type UnzipFileInfo, unzipSync } from 'fflate';

/** https://yarnpkg.com/advanced/lexicon#virtual-package: a package under a second path, for each set of its peers. */
const VIRTUAL = /^(.*?)[/\\](?:__virtual__|\$\$virtual)[/\\][^/\\]+[/\\](\d+)(?=[/\\]|$)/;
const ZIPPED = /^(.*?\.zip)[/\\](.*)$/;

interface Zipped {
  readonly archive: string;
  /** With `/`. */
  readonly name: string;
}

function realPath(path: string): string {
  const [virtual, folder = '', up] = VIRTUAL.exec(path) ?? [];
  return virtual === undefined ? path : join(folder, '../'.repeat(Number(up)), path.slice(virtual.length));
}

async function zipped(path: string): Promise<Zipped | undefined> {
  const [, archive, name = ''] = ZIPPED.exec(path) ?? [];
  // A folder may be called like an archive.
  const isArchive = archive !== undefined && (await lstat(archive).catch(() => undefined))?.isFile();
  return isArchive ? { archive, name: name.replaceAll('\\', '/').replace(/\/$/, '') } : undefined;
}

/** Yarn names an archive after its content. */
const archives = new Map<string, Promise<Buffer>>();

/** Names and sizes. */
async function entriesOf(archive: string): Promise<Map<string, number>> {
  const entries = new Map<string, number>();
  const note = ({ name, originalSize }: UnzipFileInfo): boolean => {
    entries.set(name, originalSize);
    return false;
  };
  unzipSync(await opened(archive), { filter: note });
  return entries;
}

function opened(archive: string): Promise<Buffer> {
  const known = archives.get(archive) ?? readFile(archive);
  archives.set(archive, known);
  return known;
}

/** Rejects as readFile does. */
export async function readInstalled(path: string): Promise<Buffer> {
  const real = realPath(path);
  const found = await zipped(real);
  if (!found) return readFile(real);
  const { [found.name]: bytes } = unzipSync(await opened(found.archive), { filter: ({ name }) => name === found.name });
  if (!bytes) throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
  return Buffer.from(bytes);
}

/** Rejects as readdir does; a folder that is not in an archive is empty. */
export async function namesInstalled(folder: string): Promise<string[]> {
  const real = realPath(folder);
  const found = await zipped(real);
  if (!found) return readdir(real);
  const below = `${found.name}/`;
  const names = [...(await entriesOf(found.archive)).keys()].filter((name) => name.startsWith(below));
  return [...new Set(names.map((name) => name.slice(below.length).split('/', 1).join()))].filter((name) => name !== '');
}

export interface InstalledFile {
  readonly kind: 'file' | 'folder' | 'other';
  readonly isLink: boolean;
  /** In bytes. */
  readonly size: number;
  /** Permission bits; archives have none that count. */
  readonly mode: number;
}

/** Of what a link leads to. undefined where there is nothing. */
export async function statInstalled(path: string): Promise<InstalledFile | undefined> {
  const real = realPath(path);
  const found = await zipped(real);
  if (found) return statZipped(found);
  const [stats, own] = await Promise.all([stat(real).catch(() => undefined), lstat(real).catch(() => undefined)]);
  if (!stats || !own) return undefined;
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
  return { kind, isLink: own.isSymbolicLink(), size: stats.size, mode: stats.mode };
}

async function statZipped({ archive, name }: Zipped): Promise<InstalledFile | undefined> {
  const entries = await entriesOf(archive);
  const size = entries.get(name);
  if (size !== undefined) return { kind: 'file', isLink: false, size, mode: 0o644 };
  const isFolder = entries.keys().some((each) => each.startsWith(`${name}/`));
  return isFolder ? { kind: 'folder', isLink: false, size: 0, mode: 0o755 } : undefined;
}
