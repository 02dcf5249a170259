/** The whole world in memory: the same contracts as the real one, a clock that a test moves, and a Batch that it plays. */

import type { Bus, Files, Host, RunSummary, World } from '../../core/engine/ports.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { errorValue } from '../../core/graph/errors.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';
import { spelled } from '../../core/values/places.ts';
import { ABSENT } from '../../core/values/table.ts';
import { type MemoryBatch, memoryBatch } from './memory/batch.ts';
import { type VirtualClock, virtualClock } from './memory/clock.ts';
import {
  type MemoryObjects,
  memoryAttempts,
  memoryCache,
  memoryJournal,
  memoryObjects,
  memorySummaries,
} from './memory/storage.ts';
import { overTheWire } from './memory/wire.ts';

interface MemoryBus extends Bus {
  readonly woken: RunId[];
  readonly beginnings: RunSummary[];
  readonly endings: RunSummary[];
}

interface MemoryFiles extends Files {
  /** Version by location; a test writes it. */
  readonly versions: Map<string, string>;
  /** Why by location, of what cannot be looked at. */
  readonly unseen: Map<string, string>;
}

export interface MemoryWorld extends World {
  /** The executor of the kind `batch`. */
  readonly batch: MemoryBatch;
  readonly bus: MemoryBus;
  readonly clock: VirtualClock;
  readonly files: MemoryFiles;
  readonly objects: MemoryObjects;
}

/** More runs than any test has at once. */
const WARM_MAX = 100;

export function memoryWorld(
  parts: Partial<Omit<World, 'executors' | 'bus' | 'clock' | 'files' | 'objects'>> = {},
): MemoryWorld {
  const batch = memoryBatch();
  return {
    stack: 'test',
    journal: memoryJournal(),
    summaries: memorySummaries(),
    cache: memoryCache(),
    attempts: memoryAttempts(),
    host: noHost,
    sender: { id: 'sender-1', exclusive: false },
    warm: warmGraphs(WARM_MAX),
    ...parts,
    objects: memoryObjects(),
    batch,
    executors: { batch },
    files: memoryFiles(),
    bus: memoryBus(),
    clock: virtualClock(),
  };
}

/** The world with another Batch in place of its own, or with parts of it. */
export function withBatch<W extends MemoryWorld>(world: W, parts: Partial<MemoryBatch>): W {
  const batch = { ...world.batch, ...parts };
  return { ...world, batch, executors: { ...world.executors, batch } };
}

const noHost: Host = {
  program: () => Promise.reject(new Error('this world has no host')),
  root: () => Promise.reject(new Error('this world has no host')),
  run: () => Promise.reject(new Error('this world has no host')),
};

function memoryFiles(): MemoryFiles {
  const versions = new Map<string, string>();
  const unseen = new Map<string, string>();
  /** As of the files below it; a directory without any is absent. */
  function directoryVersion(location: string): string {
    const prefix = location.endsWith('/') ? location : `${location}/`;
    const below = [...versions].filter(([file]) => file.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
    return below.length === 0 ? ABSENT : digest('directory', JSON.stringify(below));
  }
  const port = overTheWire<Files>({
    places: (locations) => locations.map((location) => spelled(location).replace(/\/$/, '')),
    observe(leaves) {
      return leaves.map(({ kind, location }) => {
        const why = unseen.get(location);
        if (why !== undefined) return { unseen: errorValue('NetworkError', `${location} cannot be reached: ${why}`) };
        return kind === 'file' ? (versions.get(location) ?? ABSENT) : directoryVersion(location);
      });
    },
  });
  return { ...port, versions, unseen };
}

function memoryBus(): MemoryBus {
  const woken: RunId[] = [];
  const beginnings: RunSummary[] = [];
  const endings: RunSummary[] = [];
  const port = overTheWire<Bus>({
    wake(run) {
      woken.push(run);
    },
    started(summary) {
      beginnings.push(summary);
    },
    ended(summary) {
      endings.push(summary);
    },
  });
  return { ...port, woken, beginnings, endings };
}
