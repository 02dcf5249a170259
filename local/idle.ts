/** Waiting until a local cloud has nothing left to do. */
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;

/** Resolves when `isIdle` or `isOver`. Keeps no process alive by itself. */
export async function untilIdle(isIdle: () => boolean, isOver: () => boolean): Promise<void> {
  while (!(isIdle() || isOver())) await sleep(POLL_MS, undefined, { ref: false });
}
