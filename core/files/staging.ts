/** Inputs into a working directory, outputs out of it. */
import { createReadStream } from 'node:fs';
import { chmod, mkdir, open, realpath, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mapConcurrent } from '../disk/concurrent.ts';
import { isErrno } from '../disk/write.ts';
import { ABSENT } from '../values/table.ts';
import { checkReallyBelow, pathBelow } from './contained.ts';
import { inputChanged, inputMissing, outputMissing, quote } from './errors.ts';
import { writeAll } from './local.ts';
import { type Chunks, dirVersion, type Entry, type Leaf, type Store, versionNow, type Written } from './store.ts';
import type { Stores } from './stores.ts';
import { filesBelow } from './walk.ts';

const TRANSFERS_AT_ONCE = 4;
const CHUNK_BYTES = 1024 * 1024;

export type Input = Leaf & {
  /** What it must have; null when nobody has looked at it, ABSENT when it was looked for in vain. */
  readonly version: string | null;
  /** Relative to the working directory; may have folders. */
  readonly name: string;
  readonly how: 'link' | 'copy';
};

export type Output = Leaf & { readonly name: string };

/**
 * Puts an input into the working directory, on condition that it has its version still, and gives its size in bytes.
 * InputMissing or InputChanged otherwise. Local files become links unless a copy is asked for.
 */
export async function stageIn(stores: Stores, input: Input, folder: string, signal: AbortSignal): Promise<number> {
  const store = stores(input.location);
  const target = join(folder, input.name);
  await mkdir(dirname(target), { recursive: true });
  const path = store.path?.(input.location);
  if (path && input.how === 'link') {
    const { bytes } = checked(input, await look(store, input));
    await symlink(path, target);
    return bytes;
  }
  if (input.kind === 'dir') return await copyDirIn(store, input, target, signal);
  if (input.version === ABSENT) checked(input, await look(store, input));
  const chunks = store.read(input.location, input.version ?? undefined);
  const bytes = await writeNew(target, abortable(chunks, signal));
  if (path) await chmod(target, (await stat(path)).mode | 0o200);
  return bytes;
}

async function copyDirIn(store: Store, input: Input, target: string, signal: AbortSignal): Promise<number> {
  const { entries } = checked(input, await look(store, input));
  await mkdir(target);
  const sizes = await mapConcurrent(entries, TRANSFERS_AT_ONCE, async ({ path, location, version }) => {
    const file = pathBelow(target, path, location);
    await checkReallyBelow(target, file, location);
    await mkdir(dirname(file), { recursive: true });
    return await writeNew(file, abortable(store.read(location, version), signal));
  });
  return sum(sizes);
}

/** Throws InputChanged when a linked input is not what it was before the script had it. Copies cannot have changed. */
export async function checkUnchanged(stores: Stores, input: Input): Promise<void> {
  const store = stores(input.location);
  if (input.how === 'link' && store.path) checked(input, await look(store, input));
}

interface Seen {
  readonly version: string;
  readonly bytes: number;
  /** Of a directory. */
  readonly entries: readonly Entry[];
}

async function look(store: Store, { kind, location }: Leaf): Promise<Seen | undefined> {
  if (kind === 'file') {
    const found = await store.stat(location);
    return found && { ...found, entries: [] };
  }
  const entries = await store.list(location);
  // A local folder without files is there, and yet counts as absent, as it would on S3.
  const version = entries?.length ? dirVersion(entries) : ABSENT;
  return entries && { version, bytes: sum(entries.map((entry) => entry.bytes)), entries };
}

function checked({ location, version }: Input, seen: Seen | undefined): Seen {
  if (!seen) throw version ? inputChanged(location) : inputMissing(location);
  if (version !== null && seen.version !== version) throw inputChanged(location);
  return seen;
}

/** Throws OutputMissing unless the script has made what is to be staged out. Nothing is taken before all is there. */
export async function checkOutput({ kind, location, name }: Output, folder: string): Promise<void> {
  try {
    const stats = await stat(join(folder, name));
    if (kind === 'file' && stats.isDirectory()) throw outputMissing(location, `${quote(name)} is a folder, not a file`);
    if (kind === 'dir' && !stats.isDirectory()) throw outputMissing(location, `${quote(name)} is a file, not a folder`);
  } catch (thrown) {
    if (!isErrno(thrown, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw thrown;
    throw outputMissing(location, `the script did not write ${quote(name)}`);
  }
}

/** Copies an output to where it belongs. A file appears there whole or not at all; one that is there already stays. */
export async function stageOut(stores: Stores, output: Output, folder: string, signal: AbortSignal): Promise<Written> {
  const { kind, location, name } = output;
  const source = join(folder, name);
  if (kind === 'file') return await copyOut(stores, source, location, signal);
  if (await isSame(source, stores(location).path?.(location))) return await written(stores(location), output, 0);
  const paths = (await filesBelow(source)) ?? [];
  const base = location.endsWith('/') ? location : `${location}/`;
  const folderThere = stores(location).path?.(location);
  const copied = await mapConcurrent(paths, TRANSFERS_AT_ONCE, async (path) => {
    if (folderThere) await checkReallyBelow(folderThere, pathBelow(folderThere, path, location), base + path);
    return await copyOut(stores, join(source, path), base + path, signal);
  });
  return await written(stores(location), output, sum(copied.map(({ bytes }) => bytes)));
}

async function copyOut(stores: Stores, source: string, location: string, signal: AbortSignal): Promise<Written> {
  const store = stores(location);
  const same = store === stores(source) ? await store.copy?.(source, location) : undefined;
  if (same) return { version: same.version, bytes: 0 };
  return await store.write(location, abortable(createReadStream(source, { highWaterMark: CHUNK_BYTES }), signal));
}

/** What is at the location now: a directory may have held files before. */
async function written(store: Store, leaf: Leaf, bytes: number): Promise<Written> {
  return { version: (await versionNow(store, leaf)) ?? ABSENT, bytes };
}

async function isSame(source: string, target: string | undefined): Promise<boolean> {
  if (target === undefined) return false;
  const real = await realpath(target).catch(() => undefined);
  return real === (await realpath(source));
}

async function writeNew(path: string, chunks: Chunks): Promise<number> {
  const handle = await open(path, 'wx');
  try {
    let bytes = 0;
    for await (const chunk of chunks) {
      await writeAll(handle, chunk);
      bytes += chunk.byteLength;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

async function* abortable(chunks: Chunks, signal: AbortSignal): Chunks {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
