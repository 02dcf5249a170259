/** The marks of runs that their user stopped: an empty file each, written before anything of the run is ended. */

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HeldRuns } from '../engine/ports.ts';
import type { RunId } from '../values/ids.ts';

export interface HeldRunsOnDisk extends HeldRuns {
  /** At once: whoever is stopped may be gone a moment later. */
  add(run: RunId): void;
  /** Whether there was a mark. */
  delete(run: RunId): boolean;
}

/** Marks under `root`/held. */
export function folderHeldRuns(root: string): HeldRunsOnDisk {
  const folder = join(root, 'held');
  const has = (run: RunId): boolean => existsSync(join(folder, run));
  return {
    has,
    add: (run) => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, run), '', { mode: 0o600 });
    },
    delete: (run) => {
      const was = has(run);
      rmSync(join(folder, run), { force: true });
      return was;
    },
  };
}
