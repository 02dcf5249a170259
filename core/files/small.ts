/**
 * Small files, by calls that this thread waits for: where the file system answers at once, these take a fraction of the
 * time that it takes to have other threads make them. Callers let others have their turn (`mapConcurrent`). Where it
 * does not, or where anything is odd, they give undefined, and the file is to be dealt with by the calls that large
 * files take, which also tell what is wrong.
 */
import { hash } from 'node:crypto';
import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  futimesSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { codeOf, isErrno } from '../values/thrown.ts';
import { type Attributes, attributesOf, modeOfCopy } from './attributes.ts';
import { bytesOf } from './names.ts';

/** Below this a file is small. It is read as fast as a memo of its version would be. */
const SMALL_BYTES = 64 * 1024;
/** Longer than local file systems take for a small file: one across a network, which is asked for several at once. */
const PROMPT_MS_MAX = 2;
/** One may have to wait because the processor is busy with something else. */
const SLOW_IN_A_ROW = 3;
/** Files that are then dealt with the other way before the file system is tried again. */
const FILES_AFTER_WAIT = 256;
/** Opening a named pipe would wait for somebody to write into it. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

export interface SmallFile {
  readonly bytes: Uint8Array;
  readonly attributes: Attributes;
}

export interface SmallFiles {
  /** What the file holds. */
  read(path: string): SmallFile | undefined;
  /** The SHA-256 of the bytes, where they were the same before and after. */
  version(path: string): { version: string; bytes: number } | undefined;
  /** false: to be written the other way. Throws what the file system says when it fails, and then nothing is left. */
  replace(path: string, part: string, bytes: Uint8Array, attributes: NewAttributes): boolean;
  /** As `replace`, where nothing is yet. */
  create(path: string, bytes: Uint8Array, attributes: NewAttributes): boolean;
}

export interface NewAttributes extends Attributes {
  /** Of whom new folders are for, and files without a mode. */
  readonly umask?: number | undefined;
}

export function isSmall(bytes: number | bigint): boolean {
  return bytes < SMALL_BYTES;
}

export function smallFiles(): SmallFiles {
  /** One byte more than any small file has: where it is filled, the file has grown. */
  const buffer = Buffer.allocUnsafe(SMALL_BYTES);
  let slow = 0;
  let others = 0;

  const promptly = <T>(work: () => T): T | undefined => {
    if (others > 0) {
      others--;
      return undefined;
    }
    const start = performance.now();
    try {
      return work();
    } finally {
      slow = performance.now() - start > PROMPT_MS_MAX ? slow + 1 : 0;
      if (slow >= SLOW_IN_A_ROW) others = FILES_AFTER_WAIT;
    }
  };

  /** How many bytes are in the buffer; undefined where it is another size than was said. */
  const fill = (file: number, size: number): number | undefined => {
    for (let at = 0; ; ) {
      const count = readSync(file, buffer, at, size + 1 - at, null);
      at += count;
      // What says that it has no bytes may have some: files of the kernel do.
      if (at === size && (size > 0 || count === 0)) return size;
      if (count === 0 || at > size) return undefined;
    }
  };

  return {
    read: (path) =>
      promptly(() =>
        unlessOdd(() => {
          const seen = statSync(bytesOf(path));
          if (!seen.isFile() || !isSmall(seen.size)) return undefined;
          return opened(path, OPEN_FLAGS, (file) => {
            const stats = fstatSync(file);
            if (!stats.isFile() || !isSmall(stats.size)) return undefined;
            const size = fill(file, stats.size);
            if (size === undefined) return undefined;
            return { bytes: Buffer.from(buffer.subarray(0, size)), attributes: attributesOf(stats) };
          });
        }),
      ),
    version: (path) =>
      promptly(() =>
        unlessOdd(() => {
          const before = statSync(bytesOf(path), { bigint: true });
          if (!before.isFile() || !isSmall(before.size)) return undefined;
          const bytes = Number(before.size);
          return opened(path, OPEN_FLAGS, (file) => {
            if (fill(file, bytes) === undefined) return undefined;
            // Of the file that was opened: another that has got its name since was not the one seen before.
            if (!isUnchanged(before, fstatSync(file, { bigint: true }))) return undefined;
            return { version: hash('sha256', buffer.subarray(0, bytes)), bytes };
          });
        }),
      ),
    replace: (path, part, bytes, attributes) =>
      promptly(() => {
        createNow(part, bytes, attributes);
        try {
          renameSync(bytesOf(part), bytesOf(path));
        } catch (thrown) {
          discard(part);
          throw thrown;
        }
        return true;
      }) ?? false,
    create: (path, bytes, attributes) =>
      promptly(() => {
        createNow(path, bytes, attributes);
        return true;
      }) ?? false,
  };
}

/** What tells a file that has changed from one that has not. */
export function stampOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return `${size} ${mtimeNs} ${ctimeNs} ${ino}`;
}

/** As equal stamps are, without their texts. */
function isUnchanged(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino;
}

/** Whatever is wrong with it, reading it the other way tells. */
function unlessOdd<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (codeOf(thrown) !== undefined) return undefined;
    throw thrown;
  }
}

function opened<T>(path: string, flags: number | string, use: (file: number) => T): T {
  const file = openSync(bytesOf(path), flags);
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

function createNow(path: string, bytes: Uint8Array, { mode, mtimeMs, umask }: NewAttributes): void {
  const usual = umask === undefined ? undefined : 0o666 & ~umask;
  const wanted = mode === undefined ? usual : modeOfCopy(mode);
  const file = openNew(path, umask);
  try {
    try {
      for (let at = 0; at < bytes.byteLength; ) at += writeSync(file, bytes, at);
      if (wanted !== undefined) fchmodSync(file, wanted);
      if (mtimeMs !== undefined) futimesSync(file, Date.now() / 1000, mtimeMs / 1000);
    } finally {
      closeSync(file);
    }
  } catch (thrown) {
    discard(path);
    throw thrown;
  }
}

function discard(path: string): void {
  try {
    unlinkSync(bytesOf(path));
  } catch {
    // Why it could not be written is told, and the next job of the place removes it.
  }
}

function openNew(path: string, umask: number | undefined): number {
  try {
    return openSync(bytesOf(path), 'wx');
  } catch (thrown) {
    if (!isErrno(thrown, 'ENOENT')) throw thrown;
    makeFolders(dirname(path), umask);
    return openSync(bytesOf(path), 'wx');
  }
}

/** Where there are none yet, for those of the umask. */
export function makeFolders(folder: string, umask?: number): void {
  const first = mkdirSync(bytesOf(folder), { recursive: true });
  if (umask === undefined || first === undefined) return;
  // The new folders, from the innermost up to the first that was made.
  for (let made = folder; made.length >= first.length; made = dirname(made)) chmodSync(bytesOf(made), 0o777 & ~umask);
}
