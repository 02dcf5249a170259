/** One kind of place that files are kept in. */

import { createHash } from 'node:crypto';
import { byCodeUnit } from '../values/encode.ts';
import { digest } from '../values/hash.ts';
import type { Attributes } from './attributes.ts';
import type { SmallFiles } from './small.ts';

export type Chunks = AsyncIterable<Uint8Array>;

export interface Written {
  readonly version: string;
  readonly bytes: number;
}

/** A file below a directory, by its path from there. */
export interface StoreEntry {
  readonly path: string;
  readonly location: string;
  readonly version: string;
  readonly bytes: number;
}

/** Locations are of the store's own scheme; those of directories end in a slash. FileError where it is the file's fault. */
export interface FileStore {
  /** The file now; undefined when there is none. FileRefused where something else is in its place. */
  stat(location: string): Promise<Written | undefined>;
  /** The files below a directory, at any depth, sorted by path; undefined when there is no such directory. */
  list(location: string): Promise<StoreEntry[] | undefined>;
  /**
   * The bytes, in chunks of at most a few MB. With a version the file must have it: InputChanged, at the latest in
   * place of the end. InputMissing when there is no file. Before the first chunk or the end, what else travels is told.
   */
  read(location: string, version?: string, tell?: (attributes: Attributes) => void): Chunks;
  /**
   * Puts the bytes there at once when the last chunk has come; when a chunk throws, nothing has happened. What else
   * travels is asked for after the first chunk.
   */
  write(location: string, chunks: Chunks | Iterable<Uint8Array>, attributes?: () => Attributes): Promise<Written>;
  /** Copies within the store without the bytes passing through here; undefined where that cannot be done. */
  copy?(from: string, to: string, more?: Attributes): Promise<Written | undefined>;
  /** The absolute path a process on this machine finds the location under, for stores that are local. */
  path?(location: string): string;
  /** For stores that are local, and may be asked for all that this process may read. */
  readonly small?: SmallFiles | undefined;
  readonly directories: Directories;
}

/** What a directory is to hold. */
export interface DirectoryContent {
  readonly paths: readonly string[];
  /** Of the bytes; undefined where there is no such file any more. */
  sha256(path: string): Promise<string | undefined>;
}

/** Puts one of them at a location of the directory's store. */
export type CopyInto = (path: string, to: string, attributes?: Attributes) => Promise<Written>;

/** Directories that are outputs. */
export interface Directories {
  /** FileRefused names a file in the directory that no job put there. */
  check(location: string, made: DirectoryContent): Promise<void>;
  /**
   * Makes it hold exactly these files, and gives how many bytes `copy` wrote. Checks again. What is there in between is
   * no result of a job.
   */
  replace(location: string, made: DirectoryContent, copy: CopyInto): Promise<number>;
}

export type FileOrDir = { readonly kind: 'file' | 'dir'; readonly location: string };

/** Covers relative paths and versions of all files: equal contents in two places have equal versions. */
export function dirVersion(entries: readonly StoreEntry[]): string {
  const pairs = entries.map(({ path, version }) => [path, version] as const);
  return digest('dir', JSON.stringify(pairs.sort(([a], [b]) => byCodeUnit(a, b))));
}

/** Of the bytes. */
export async function sha256Of(chunks: Chunks): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

/** The version now; undefined when there is no such file, or no file below the directory. */
export async function versionNow(store: FileStore, { kind, location }: FileOrDir): Promise<string | undefined> {
  if (kind === 'file') return (await store.stat(location))?.version;
  const entries = await store.list(location);
  return entries && entries.length > 0 ? dirVersion(entries) : undefined;
}
