/** Inputs into a working directory, outputs out of it. */

import { accessSync, constants, createReadStream, existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mapConcurrent } from '../disk/concurrent.ts';
import { ABSENT } from '../values/table.ts';
import { isErrno } from '../values/thrown.ts';
import { type Attributes, attributesOf } from './attributes.ts';
import { LOOKS_AT_ONCE, TRANSFERS_AT_ONCE } from './concurrency.ts';
import { checkReallyBelow, pathBelow, realPath } from './contained.ts';
import { inputChanged, inputMissing, outputMissing, quote, refused } from './errors.ts';
import { kindAt } from './kinds.ts';
import { bufferBytes } from './local.ts';
import { bytesOf } from './names.ts';
import { abortable, type Placed, type Placement, placeFile } from './placing.ts';
import { makeFolders } from './small.ts';
import {
  type CopyInto,
  type DirectoryContent,
  dirVersion,
  type FileOrDir,
  type FileStore,
  type StoreEntry,
  versionNow,
  type Written,
} from './store.ts';
import type { Stores } from './stores.ts';
import { filesBelow } from './walk.ts';

/** Times are set to the microsecond. */
const TIME_STEP_MS = 0.002;

export type Input = FileOrDir & {
  /** What it must have; null when nobody has looked at it, ABSENT when it was looked for in vain. */
  readonly version: string | null;
  /** Relative to the working directory; may have folders. */
  readonly name: string;
  readonly how: 'link' | 'copy';
};

export type Output = FileOrDir & { readonly name: string };

/**
 * Puts an input into the working directory, on condition that it has its version still, and gives its size.
 * InputMissing or InputChanged otherwise. Directories are made anew: what is written into them stays there.
 */
export async function stageIn(stores: Stores, input: Input, folder: string, signal: AbortSignal): Promise<Placed> {
  const store = stores(input.location);
  const target = join(folder, input.name);
  if (input.kind === 'dir') return await copyDirIn(store, input, target, signal);
  if (input.version === ABSENT) checked(input, await look(store, input));
  return await placeNamed(store, { ...input, target }, signal, async () => makeFolders(dirname(target)));
}

/** What a store has under a name that this machine's file systems do not take is refused by that name. */
async function placeNamed(
  store: FileStore,
  placement: Placement,
  signal: AbortSignal,
  makeFolder: () => Promise<void>,
): Promise<Placed> {
  try {
    await makeFolder();
    return await placeFile(store, placement, signal);
  } catch (thrown) {
    if (!isErrno(thrown, 'ENAMETOOLONG')) throw thrown;
    throw refused(placement.location, 'cannot be put into the working directory: its name is too long');
  }
}

async function copyDirIn(store: FileStore, input: Input, target: string, signal: AbortSignal): Promise<Placed> {
  const { entries } = checked(input, await look(store, input));
  await mkdir(bytesOf(dirname(target)), { recursive: true });
  await mkdir(bytesOf(target));
  const folders = new Map<string, Promise<void>>();
  const placed = await mapConcurrent(entries, TRANSFERS_AT_ONCE, async ({ path, location, version }) => {
    const file = pathBelow(target, path, location);
    // Each folder is made once, by nobody else: no link can be in its place afterwards.
    const makeFolder = (): Promise<void> => {
      const making = folders.get(dirname(file)) ?? makeFolderBelow(target, file, location);
      folders.set(dirname(file), making);
      return making;
    };
    return await placeNamed(store, { location, version, how: input.how, target: file }, signal, makeFolder);
  });
  return { bytes: sum(placed.map(({ bytes }) => bytes)), linked: placed.some(({ linked }) => linked) };
}

async function makeFolderBelow(top: string, file: string, location: string): Promise<void> {
  await checkReallyBelow(top, file, location);
  makeFolders(dirname(file));
}

/** Throws InputChanged when a linked input is not what it was before the script had it. */
export async function checkUnchanged(stores: Stores, input: Input): Promise<void> {
  checked(input, await look(stores(input.location), input));
}

interface InputState {
  readonly version: string;
  readonly bytes: number;
  /** Of a directory. */
  readonly entries: readonly StoreEntry[];
}

async function look(store: FileStore, { kind, location }: FileOrDir): Promise<InputState | undefined> {
  if (kind === 'file') {
    const found = await store.stat(location);
    return found && { ...found, entries: [] };
  }
  const entries = await store.list(location);
  // A local folder without files is there, and yet counts as absent, as it would on S3.
  const version = entries?.length ? dirVersion(entries) : ABSENT;
  return entries && { version, bytes: sum(entries.map((entry) => entry.bytes)), entries };
}

function checked({ location, version }: Input, seen: InputState | undefined): InputState {
  if (!seen) throw version ? inputChanged(location) : inputMissing(location);
  if (version !== null && seen.version !== version) throw inputChanged(location);
  return seen;
}

/**
 * Throws unless the script has made what is to be staged out and all of it can be read: OutputMissing where there is
 * nothing, or FileRefused, which names the file and the reason. Nothing is taken before all is there.
 */
export async function checkOutput({ kind, location, name }: Output, folder: string): Promise<void> {
  const path = join(folder, name);
  const found = await kindAt(path);
  const wanted = kind === 'file' ? 'a file' : 'a folder';
  if (found === undefined) throw outputMissing(location, `the script did not write ${quote(name)}`);
  if (found !== wanted) throw outputMissing(location, `${quote(name)} is ${found}, not ${wanted}`);
  if (kind === 'file') return checkReadable(path, name);
  const paths = (await filesBelow(path)) ?? [];
  await mapConcurrent(paths, LOOKS_AT_ONCE, async (below) => checkReadable(join(path, below), `${name}/${below}`));
}

function checkReadable(path: string, name: string): void {
  try {
    accessSync(bytesOf(path), constants.R_OK);
  } catch (thrown) {
    if (!isErrno(thrown, 'EACCES', 'EPERM')) throw thrown;
    throw refused(name, 'cannot be read: permission denied');
  }
}

/** Throws FileRefused where a directory would have to be replaced that holds what no job put there. */
export async function checkPlace(stores: Stores, { kind, location, name }: Output, folder: string): Promise<void> {
  const source = join(folder, name);
  const store = stores(location);
  if (kind === 'dir' && !(await isSame(source, store.path?.(location)))) {
    await store.directories.check(location, await madeIn(stores, source));
  }
}

/**
 * Copies an output to where it belongs. A file or a local directory appears there whole or not at all; a file that is
 * there already stays.
 */
export async function stageOut(stores: Stores, output: Output, folder: string, signal: AbortSignal): Promise<Written> {
  const { kind, location, name } = output;
  const source = join(folder, name);
  if (kind === 'file') return await copyOut(stores, source, location, signal);
  const store = stores(location);
  if (await isSame(source, store.path?.(location))) return await written(store, output, 0);
  const copy: CopyInto = (path, to, more) => copyOut(stores, join(source, path), to, signal, more);
  return await written(store, output, await store.directories.replace(location, await madeIn(stores, source), copy));
}

/** What a directory is to hold that the script has made as this folder. */
async function madeIn(stores: Stores, folder: string): Promise<DirectoryContent> {
  const store = stores(folder);
  return {
    paths: (await filesBelow(folder)) ?? [],
    sha256: async (path) => (await store.stat(join(folder, path)))?.version,
  };
}

async function copyOut(
  stores: Stores,
  source: string,
  location: string,
  signal: AbortSignal,
  more: Attributes = {},
): Promise<Written> {
  const [from, store] = [stores(source), stores(location)];
  const unchanged = store === from ? await alreadyThere(store, source, location) : undefined;
  if (unchanged) return { version: unchanged.version, bytes: 0 };
  signal.throwIfAborted();
  const small = from.small?.read(source);
  if (small) return await store.write(location, [small.bytes], () => ({ ...small.attributes, ...more }));
  const stats = await stat(bytesOf(source));
  const bytes = createReadStream(bytesOf(source), { highWaterMark: bufferBytes(stats.size) });
  return await store.write(location, abortable(bytes, signal), () => ({ ...attributesOf(stats), ...more }));
}

/** Of an input that is staged out onto itself: the same file, or an equal copy of the same time and size. */
async function alreadyThere(store: FileStore, source: string, location: string): Promise<Written | undefined> {
  const path = store.path?.(location);
  if (path !== undefined && !existsSync(bytesOf(path))) return undefined;
  const same = await store.copy?.(source, location);
  if (same || path === undefined) return same;
  const [made, there] = await Promise.all([stat(bytesOf(source)), stat(bytesOf(path)).catch(() => undefined)]);
  if (made.size !== there?.size || Math.abs(made.mtimeMs - there.mtimeMs) > TIME_STEP_MS) return undefined;
  if (((made.mode ^ there.mode) & 0o111) !== 0) return undefined;
  const [ours, theirs] = await Promise.all([store.stat(source), store.stat(location)]);
  return ours && ours.version === theirs?.version ? theirs : undefined;
}

/** What is at the location now: a directory may have held files before. */
async function written(store: FileStore, leaf: FileOrDir, bytes: number): Promise<Written> {
  return { version: (await versionNow(store, leaf)) ?? ABSENT, bytes };
}

async function isSame(source: string, target: string | undefined): Promise<boolean> {
  if (target === undefined) return false;
  const real = await realPath(target).catch(() => undefined);
  return real === (await realPath(source));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
