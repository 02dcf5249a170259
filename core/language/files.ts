/** Files and directories by location. */
import { Dir, File } from '../values/classes.ts';
import type { STDOUT_LOCATION } from '../values/staging.ts';
import { apply, isLazy } from './lazy.ts';
import type { Lazy } from './types.ts';

declare const STANDARD_OUTPUT: unique symbol;

/** Stands in a script's outputs for its standard output, which comes back as a string. */
export interface StdoutFile extends File {
  readonly [STANDARD_OUTPUT]: true;
}

/**
 * A file by its location: a local path, `s3://bucket/key` or `https://…`. It need not exist. In a script's outputs, `file('-')`
 * is the standard output.
 */
export function file(location: typeof STDOUT_LOCATION): StdoutFile;
export function file(location: string): File;
export function file(location: Lazy<string>): Lazy<File>;
export function file(location: string | Lazy<string>): File | Lazy<File> {
  return isLazy(location) ? apply('file', location) : new File(location);
}

/** A directory by its location: a local path or `s3://bucket/prefix`, with a slash at its end or not. */
export function dir(location: string): Dir;
export function dir(location: Lazy<string>): Lazy<Dir>;
export function dir(location: string | Lazy<string>): Dir | Lazy<Dir> {
  return isLazy(location) ? apply('dir', location) : new Dir(location);
}
