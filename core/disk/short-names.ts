/**
 * Short names for folders of jobs: the path of a socket may have 107 bytes, and that of a job's folder is as long as its
 * project's. They are links in the machine's temporary folder, named by the job, so that whoever ends a job finds them.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmdirSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Programs add up to 60 characters to TMPDIR or HOME for a socket of theirs. */
const PATH_LENGTH_MAX = 44;
const PREFIX = 'redex-';
const JOB_DIGITS = 10;
/** What mkdtemp adds. */
const CHANCE_LENGTH = 6;
const LINK = 'in';

export interface ShortName {
  readonly path: string;
  remove(): void;
}

/** The folder's own path where it is short enough, or where there is no place for another. */
export function shortName(folder: string, job: string): ShortName {
  const own = { path: folder, remove: () => undefined };
  if (folder.length <= PATH_LENGTH_MAX) return own;
  for (const place of places()) {
    const prefix = join(place, prefixOf(job));
    if (prefix.length + CHANCE_LENGTH + LINK.length + 1 >= folder.length) continue;
    try {
      // In a folder of its own: links that lie in /tmp itself are not followed for everybody.
      const holder = mkdtempSync(prefix);
      const path = join(holder, LINK);
      symlinkSync(folder, path);
      return { path, remove: () => removeLink(path, holder) };
    } catch {
      // Not a place to write to: another may do.
    }
  }
  return own;
}

/** Removes what a job that was killed at once could not. */
export function removeShortNames(job: string): void {
  for (const place of places()) {
    for (const name of namesIn(place)) if (name.startsWith(prefixOf(job))) removeQuietly(join(place, name));
  }
}

function places(): Set<string> {
  return new Set(['/tmp', tmpdir()]);
}

function prefixOf(job: string): string {
  return PREFIX + createHash('sha256').update(job).digest('hex').slice(0, JOB_DIGITS);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function removeLink(path: string, holder: string): void {
  try {
    unlinkSync(path);
    rmdirSync(holder);
  } catch {
    removeQuietly(holder);
  }
}

/** What cannot be removed is no reason for a job to fail, nor for it to live on. */
function removeQuietly(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // It stays.
  }
}
