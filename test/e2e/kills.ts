/** Runs whose local cloud is killed again and again, at moments that a seed chooses. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect } from 'vitest';
import { begin, type Ended } from './command.ts';
import { batchRecords } from './execution.ts';
import { untilGone } from './leftovers.ts';

export interface Moment {
  /** So much has happened to jobs since the start, in lines of the local Batch's log, … */
  readonly lines: number;
  /** … and this much time has passed since then. */
  readonly laterMs: number;
  /** Whether the next start waits until nothing of this one is left, or comes at once. */
  readonly wait: boolean;
}

const LATER_MS_MAX = 200;

export function moments(seed: number, count: number, linesMax: number): Moment[] {
  const moment = fc.record({
    lines: fc.integer({ min: 0, max: linesMax }),
    laterMs: fc.integer({ min: 0, max: LATER_MS_MAX }),
    wait: fc.boolean(),
  });
  return fc.sample(fc.noBias(moment), { seed, numRuns: count });
}

const POLL_MS = 10;
/** A start that does not get to its moment is killed all the same. */
const MOMENT_MS_MAX = 20_000;

/** The same command, killed at each of the moments and started again, and at last left to end. */
export async function runWithKills(folder: string, words: readonly string[], when: readonly Moment[]): Promise<Ended> {
  for (const [at, moment] of when.entries()) {
    const { child, ended } = begin(folder, words);
    await Promise.race([ended, reached(folder, moment)]);
    if (child.exitCode !== null) throw new Error(`the run ended before kill ${at + 1}: ${JSON.stringify(await ended)}`);
    child.kill('SIGKILL');
    if (child.signalCode === null) await once(child, 'exit');
    if (moment.wait) expect(await untilGone(folder), `left by kill ${at + 1}`).toEqual(new Map());
  }
  return begin(folder, words).ended;
}

async function reached(folder: string, { lines, laterMs }: Moment): Promise<void> {
  const wanted = batchRecords(folder).length + lines;
  const giveUp = Date.now() + MOMENT_MS_MAX;
  while (batchRecords(folder).length < wanted && Date.now() < giveUp) await sleep(POLL_MS);
  await sleep(laterMs);
}
