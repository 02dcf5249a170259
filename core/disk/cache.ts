/**
 * The cache of evaluations in LevelDB, for the one process that has its folder open: many entries are read or written in one
 * go, and none of them leaves the process. Entries are JSON by eval hash, and stay until somebody removes the folder.
 */
import { ClassicLevel } from 'classic-level';
import type { Cache, Evaluation } from '../engine/ports.ts';
import { stored } from '../values/json.ts';

const FORMAT = 1;

interface StoredEvaluation extends Evaluation {
  readonly v: number;
}

export interface FolderCache extends Cache {
  close(): Promise<void>;
}

/** Throws when another process has the folder open, or when what is in it is no such cache. */
export async function openFolderCache(folder: string): Promise<FolderCache> {
  const level = new ClassicLevel<string, string>(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  await level.open();
  return {
    async read(evals) {
      const texts = await level.getMany([...new Set(evals)]);
      const entries = texts.flatMap((text) => (text === undefined ? [] : (entryOf(text) ?? [])));
      return new Map(entries.map((entry) => [entry.hash, entry]));
    },
    async write(evaluations) {
      await level.batch(
        evaluations.map((entry) => ({
          type: 'put' as const,
          key: entry.hash,
          value: JSON.stringify({ v: FORMAT, ...entry } satisfies StoredEvaluation),
        })),
      );
    },
    close: () => level.close(),
  };
}

/** undefined: written by a later version, or damaged; then it is computed again. */
function entryOf(text: string): Evaluation | undefined {
  try {
    const { v, ...entry } = stored<StoredEvaluation>(text);
    return v === FORMAT ? entry : undefined;
  } catch {
    return undefined;
  }
}
