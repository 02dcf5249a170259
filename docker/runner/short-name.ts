/** A short name for a folder: the path of a socket may have 107 bytes, and that of a job's folder is as long as its project's. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Programs add up to 60 characters to TMPDIR or HOME for a socket of theirs. */
const PATH_LENGTH_MAX = 40;

export interface ShortName {
  readonly path: string;
  remove(): void;
}

/** The folder's own path where it is short enough, or where there is no place for another. */
export function shortName(folder: string): ShortName {
  const own = { path: folder, remove: () => undefined };
  if (folder.length <= PATH_LENGTH_MAX) return own;
  for (const place of new Set(['/tmp', tmpdir()])) {
    if (place.length + '/redex-XXXXXX/in'.length >= folder.length) continue;
    try {
      // In a folder of its own: links that lie in /tmp itself are not followed for everybody.
      const holder = mkdtempSync(join(place, 'redex-'));
      const path = join(holder, 'in');
      symlinkSync(folder, path);
      return { path, remove: () => removeQuietly(holder) };
    } catch {
      // Not a place to write to: another may do.
    }
  }
  return own;
}

/** What cannot be removed is no reason for a job to fail, nor for it to live on. */
function removeQuietly(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // It stays.
  }
}
