/** The engine's look at files. */

import { mapConcurrent } from '../disk/concurrent.ts';
import type { Files } from '../engine/ports.ts';
import { ABSENT } from '../values/table.ts';
import { FileError } from './errors.ts';
import { type Leaf, versionNow } from './store.ts';
import { openStores, type StoreOptions } from './stores.ts';

const LOOKS_AT_ONCE = 16;

/**
 * Each location is looked at once a call. What can never be read (no permission, no such scheme, a link out of its
 * directory) counts as absent: the job that needs it says why. Rejects only where asking again may help.
 */
export function observeFiles(options: StoreOptions): Files {
  const storeOf = openStores(options);
  const look = async (leaf: Leaf): Promise<string> => {
    try {
      return (await versionNow(storeOf(leaf.location), leaf)) ?? ABSENT;
    } catch (thrown) {
      if (thrown instanceof FileError && thrown.name !== 'NetworkError') return ABSENT;
      throw thrown;
    }
  };
  return {
    async observe(leaves) {
      const distinct = [...new Map(leaves.map((leaf) => [keyOf(leaf), leaf])).entries()];
      const found = await mapConcurrent(
        distinct,
        LOOKS_AT_ONCE,
        async ([key, leaf]) => [key, await look(leaf)] as const,
      );
      const versions = new Map(found);
      return leaves.map((leaf) => versions.get(keyOf(leaf)) ?? ABSENT);
    },
  };
}

function keyOf({ kind, location }: Leaf): string {
  return `${kind} ${location}`;
}
