/** What of a file travels with its bytes: permission bits, and the time by which tools tell what is older. */
import type { Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { bytesOf } from './names.ts';

/** The metadata that names the directory output which an object was put into. */
export const DIRECTORY_MARK = 'redex-directory';

export interface Attributes {
  readonly mode?: number | undefined;
  readonly mtimeMs?: number | undefined;
  /** On S3 only: which directory output it is put into. */
  readonly directory?: string | undefined;
}

/** Neither set-user-ID nor sticky bits travel. */
const PERMISSIONS = 0o777;
/** Whoever owns a copy can read it, and replace it. */
const OWNER_READS_AND_WRITES = 0o600;

export function attributesOf({ mode, mtimeMs }: Stats): Attributes {
  return { mode: mode & PERMISSIONS, mtimeMs };
}

export function modeOfCopy(mode: number): number {
  return (mode & PERMISSIONS) | OWNER_READS_AND_WRITES;
}

export async function setAttributes(file: FileHandle, { mode, mtimeMs }: Attributes): Promise<void> {
  if (mode !== undefined) await file.chmod(modeOfCopy(mode));
  if (mtimeMs !== undefined) await file.utimes(Date.now() / 1000, mtimeMs / 1000);
}

export async function setAttributesAt(path: string, attributes: Attributes): Promise<void> {
  const file = await open(bytesOf(path));
  try {
    await setAttributes(file, attributes);
  } finally {
    await file.close();
  }
}

/** As an S3 object's metadata, under the names that AWS DataSync and FSx give them. */
export function toMetadata({ mode, mtimeMs, directory }: Attributes): Record<string, string> {
  return {
    ...(mode === undefined ? {} : { 'file-permissions': `0${(mode & PERMISSIONS).toString(8)}` }),
    ...(mtimeMs === undefined ? {} : { 'file-mtime': `${Math.round(mtimeMs * 1000)}000ns` }),
    ...(directory === undefined ? {} : { [DIRECTORY_MARK]: directory }),
  };
}

/** What somebody else has written there in another form does not count. */
export function fromMetadata(metadata: Readonly<Record<string, string>> = {}, lastModified?: Date): Attributes {
  const [, octal] = /^([0-7]{3,7})$/.exec(metadata['file-permissions'] ?? '') ?? [];
  const [, nanoseconds] = /^(-?\d+)ns$/.exec(metadata['file-mtime'] ?? '') ?? [];
  return {
    mode: octal === undefined ? undefined : Number.parseInt(octal, 8) & PERMISSIONS,
    mtimeMs: nanoseconds === undefined ? lastModified?.getTime() : Number(nanoseconds) / 1e6,
  };
}
