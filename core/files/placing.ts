/** One file into a working directory, so that whatever a script does to it there, the original stays as it is. */

import { hash } from 'node:crypto';
import { accessSync, constants, statSync } from 'node:fs';
import { copyFile, open, stat, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno } from '../values/thrown.ts';
import { type Attributes, attributesOf, setAttributes, setAttributesAt } from './attributes.ts';
import { realPath } from './contained.ts';
import { inputChanged, inputMissing } from './errors.ts';
import { writeAll } from './local.ts';
import { bytesOf } from './names.ts';
import type { Chunks, FileStore } from './store.ts';

export interface Placement {
  readonly location: string;
  /** What it must have; null when nobody has looked at it. */
  readonly version: string | null;
  readonly how: 'link' | 'copy';
  /** Where nothing is yet. */
  readonly target: string;
}

export interface Placed {
  readonly bytes: number;
  /** Whether the script reads the original itself, which others may change meanwhile. */
  readonly linked: boolean;
}

/**
 * A link where this process can change neither the original nor its folder, so neither can the script; else a
 * copy-on-write clone where the file system has them; else a copy of the bytes.
 */
export async function placeFile(store: FileStore, placement: Placement, signal: AbortSignal): Promise<Placed> {
  const path = store.path?.(placement.location);
  if (path !== undefined) {
    if (placement.how === 'link' && (await isBeyondReach(path))) {
      const bytes = await checkedBytes(store, placement);
      await symlink(bytesOf(path), bytesOf(placement.target));
      return { bytes, linked: true };
    }
    const small = copySmall(store, path, placement, signal);
    if (small !== undefined) return { bytes: small, linked: false };
    if (await clone(path, placement.target)) {
      return { bytes: await checkedBytes(store, placement), linked: false };
    }
  }
  return { bytes: await copyBytes(store, placement, signal), linked: false };
}

/** What the owner may not write he can still make writable, so only what others own, or what is mounted read-only, counts. */
async function isBeyondReach(path: string): Promise<boolean> {
  try {
    return isUnwritable(path) && isUnwritable(dirname(await realPath(path)));
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENAMETOOLONG')) return false;
    throw thrown;
  }
}

/** Links are followed. */
function isUnwritable(path: string): boolean {
  try {
    accessSync(bytesOf(path), constants.W_OK);
    return false;
  } catch (thrown) {
    if (isErrno(thrown, 'EROFS')) return true;
    if (!isErrno(thrown, 'EACCES', 'EPERM')) throw thrown;
    return statSync(bytesOf(path)).uid !== process.geteuid?.();
  }
}

/** The bytes of a small file: a clone of it would take as much space. undefined: to be placed as large ones are. */
function copySmall(
  { small }: FileStore,
  path: string,
  { location, version, target }: Placement,
  signal: AbortSignal,
): number | undefined {
  signal.throwIfAborted();
  const file = small?.read(path);
  if (!small || !file) return undefined;
  if (version !== null && hash('sha256', file.bytes) !== version) throw inputChanged(location);
  return small.create(target, file.bytes, file.attributes) ? file.bytes.byteLength : undefined;
}

/** false where the file system has no clones, or the original changed meanwhile: reading it will tell. */
async function clone(path: string, target: string): Promise<boolean> {
  try {
    const before = await stat(bytesOf(path));
    if (!before.isFile()) return false;
    await copyFile(bytesOf(path), bytesOf(target), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    await setAttributesAt(target, attributesOf(before));
    return true;
  } catch (thrown) {
    if (isErrno(thrown, 'EEXIST', 'ENOSPC', 'EDQUOT')) throw thrown;
    return false;
  }
}

async function checkedBytes(store: FileStore, { location, version }: Placement): Promise<number> {
  const found = await store.stat(location);
  if (!found) throw version ? inputChanged(location) : inputMissing(location);
  if (version !== null && found.version !== version) throw inputChanged(location);
  return found.bytes;
}

async function copyBytes(
  store: FileStore,
  { location, version, target }: Placement,
  signal: AbortSignal,
): Promise<number> {
  let attributes: Attributes = {};
  const chunks = store.read(location, version ?? undefined, (told) => (attributes = told));
  const handle = await open(bytesOf(target), 'wx');
  try {
    let bytes = 0;
    for await (const chunk of abortable(chunks, signal)) {
      await writeAll(handle, chunk);
      bytes += chunk.byteLength;
    }
    await setAttributes(handle, attributes);
    return bytes;
  } finally {
    await handle.close();
  }
}

export async function* abortable(chunks: Chunks, signal: AbortSignal): Chunks {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}
