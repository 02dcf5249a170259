/** Files of this machine. */

import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { mapConcurrent } from '../disk/concurrent.ts';
import { partBeside } from '../disk/write.ts';
import { codeOf, isErrno } from '../values/thrown.ts';
import { abandonedRemover } from './abandoned.ts';
import { type Attributes, attributesOf, setAttributes } from './attributes.ts';
import { inputChanged, inputMissing, refused } from './errors.ts';
import { kindAt } from './kinds.ts';
import { asText, bytesOf } from './names.ts';
import { localDirectories } from './replacing.ts';
import { isSmall, makeFolders, smallFiles } from './small.ts';
import type { Chunks, FileStore, StoreEntry } from './store.ts';
import { fileVersions, settled, statFile } from './versions.ts';
import { filesBelow } from './walk.ts';

const CHUNK_BYTES = 1024 * 1024;
const HASHES_AT_ONCE = 4;

export interface LocalOptions {
  /** What relative paths are relative to; without one they are refused. */
  readonly root?: string | undefined;
  /** Folder that remembers versions; without one every look at a file hashes it. */
  readonly versions?: string | undefined;
  /** false: that folder is only read. */
  readonly notesVersions?: boolean;
  /** Folder that remembers which files of directories were put there by jobs; what is not known is never removed. */
  readonly placed?: string | undefined;
  /** How long a half-written output stays in which nothing changes; default a day. */
  readonly partsKeptMs?: number | undefined;
  /** Of whom files are written for, where this process has another for what is its own. */
  readonly umask?: number | undefined;
}

export function localStore(options: LocalOptions): FileStore {
  const small = smallFiles();
  const versions = fileVersions(options.versions, { notes: options.notesVersions ?? true, small });

  const root = options.root === undefined ? undefined : asText(options.root);
  const pathOf = (location: string): string => {
    if (location.includes('\0')) throw refused(location, 'holds a NUL character');
    if (isAbsolute(location)) return resolve(location);
    if (root === undefined)
      throw refused(location, 'is a relative path, and here there is no folder it is relative to');
    return resolve(root, location);
  };

  const removeAbandoned = abandonedRemover(options.partsKeptMs);
  const directories = localDirectories({ ...options, root, pathOf, versions, removeAbandoned });
  const store: FileStore = {
    path: pathOf,
    small,
    directories: {
      check: (location, made) => guarded(location, 'write', () => directories.check(location, made)),
      replace: (location, made, copy) => guarded(location, 'write', () => directories.replace(location, made, copy)),
    },
    stat: (location) =>
      guarded(location, 'read', async () => {
        const path = pathOf(location);
        return (await versions.of(path)) ?? (await absent(location, path, 'a file'));
      }),
    list(location) {
      const folder = pathOf(location);
      const base = location.endsWith('/') ? location : `${location}/`;
      return guarded(location, 'read', async () => {
        const paths = await filesBelow(folder);
        if (!paths) return await absent(location, folder, 'a folder');
        const entries = await mapConcurrent(paths, HASHES_AT_ONCE, async (path): Promise<StoreEntry | undefined> => {
          const found = await versions.of(`${folder}/${path}`);
          return found && { path, location: base + path, ...found };
        });
        return entries.filter((entry) => entry !== undefined);
      });
    },
    read: (location, version, tell) => readLocal({ location, path: pathOf(location), version, tell }),
    async write(location, chunks, attributes) {
      const path = pathOf(location);
      await removeAbandoned(dirname(path));
      const [bytes] = isList(chunks) && chunks.length === 1 ? chunks : [];
      if (bytes && isSmall(bytes.byteLength)) {
        const made = { umask: options.umask, ...attributes?.() };
        const done = await guarded(location, 'write', async () => small.replace(path, partBeside(path), bytes, made));
        if (done) return { version: hash('sha256', bytes), bytes: bytes.byteLength };
      }
      const written = await writeWhole({ location, path, umask: options.umask }, chunks, attributes);
      await versions.note(path, written.version, written.stats);
      return { version: written.version, bytes: written.bytes };
    },
    async copy(from, to) {
      // The same file under two names is left alone: a copy would read what it truncates.
      const [a, b] = await Promise.all([statFile(pathOf(from)), statFile(pathOf(to))]);
      return a && b && a.ino === b.ino && a.dev === b.dev ? await store.stat(to) : undefined;
    },
  };
  return store;
}

function isList(chunks: Chunks | Iterable<Uint8Array>): chunks is readonly Uint8Array[] {
  return Array.isArray(chunks);
}

/** Nothing is there; FileRefused where something else is. */
async function absent(location: string, path: string, wanted: 'a file' | 'a folder'): Promise<undefined> {
  const kind = await kindAt(path);
  // What came in between is seen by whoever looks next.
  if (kind !== undefined && kind !== wanted) throw refused(location, `is ${kind}, not ${wanted}`);
}

/** Of what a file is read through: the end shows in the first read where it has as many bytes as are said. */
export function bufferBytes(size: number): number {
  return Math.min(CHUNK_BYTES, size + 1);
}

interface LocalRead {
  readonly location: string;
  readonly path: string;
  readonly version: string | undefined;
  readonly tell: ((attributes: Attributes) => void) | undefined;
}

async function* readLocal({ location, path, version, tell }: LocalRead): Chunks {
  const content = version === undefined ? undefined : createHash('sha256');
  try {
    const stats = await stat(bytesOf(path));
    // Opening a named pipe would wait for somebody to write into it.
    if (!stats.isFile()) await absent(location, path, 'a file');
    tell?.(attributesOf(stats));
    for await (const chunk of createReadStream(bytesOf(path), { highWaterMark: bufferBytes(stats.size) })) {
      content?.update(chunk);
      yield chunk;
    }
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT', 'ENOTDIR'))
      throw version === undefined ? inputMissing(location) : inputChanged(location);
    throw explained(location, 'read', thrown);
  }
  if (content && content.digest('hex') !== version) throw inputChanged(location);
}

/** Writes under another name beside `path`, and gives it the name when all of it is there. */
async function writeWhole(
  { location, path, umask }: { location: string; path: string; umask: number | undefined },
  chunks: Chunks | Iterable<Uint8Array>,
  attributes: (() => Attributes) | undefined,
) {
  const part = partBeside(path);
  const content = createHash('sha256');
  const handle = await guarded(location, 'write', () => openNew(part, umask));
  try {
    let bytes = 0;
    for await (const chunk of chunks) {
      content.update(chunk);
      await guarded(location, 'write', () => writeAll(handle, chunk));
      bytes += chunk.byteLength;
    }
    if (attributes) await setAttributes(handle, attributes());
    const stats = await handle.stat({ bigint: true });
    await handle.close();
    await settled(stats);
    await guarded(location, 'write', () => rename(bytesOf(part), bytesOf(path)));
    return { version: content.digest('hex'), bytes, stats };
  } catch (thrown) {
    await handle.close().catch(() => undefined);
    await unlink(bytesOf(part)).catch(() => undefined);
    throw thrown;
  }
}

async function openNew(path: string, umask: number | undefined): Promise<FileHandle> {
  makeFolders(dirname(path), umask);
  const file = await open(bytesOf(path), 'wx');
  if (umask !== undefined) await file.chmod(0o666 & ~umask);
  return file;
}

export async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.byteLength; ) {
    at += (await handle.write(chunk, at, chunk.byteLength - at)).bytesWritten;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'a part of the path is a file, not a folder',
  EISDIR: 'there is a folder of that name',
  ENOTEMPTY: 'there is a folder of that name',
  ENAMETOOLONG: 'the name is too long',
  EBUSY: 'it is in use, as a mount point is',
  ELOOP: 'its links lead around in a circle',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
};

function explained(location: string, verb: 'read' | 'write', thrown: unknown): unknown {
  const code = codeOf(thrown);
  const reason = code === undefined ? undefined : REASONS[code];
  return reason ? refused(location, `cannot be ${verb === 'read' ? 'read' : 'written'}: ${reason}`) : thrown;
}

async function guarded<T>(location: string, verb: 'read' | 'write', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw explained(location, verb, thrown);
  }
}
