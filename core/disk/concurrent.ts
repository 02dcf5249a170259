import { setImmediate as turn } from 'node:timers/promises';
import { at } from '../values/present.ts';

/** Signals, timers and sockets wait no longer than about this for work that never waits itself. */
const BUSY_MS_MAX = 10;

/**
 * The results of `work` on every item, in order, with at most `limit` under way at once. The first rejection stops new
 * work. Between items others have their turn.
 */
export async function mapConcurrent<A, B>(
  items: readonly A[],
  limit: number,
  work: (item: A) => Promise<B>,
): Promise<B[]> {
  const results = new Array<B>(items.length);
  let next = 0;
  let failed = false;
  let busySince = performance.now();
  const lane = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await work(at(items, index));
        if (performance.now() - busySince > BUSY_MS_MAX) {
          await turn();
          busySince = performance.now();
        }
      } catch (thrown) {
        failed = true;
        throw thrown;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}
