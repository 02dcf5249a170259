import fc from 'fast-check';
import { describe, it } from 'vitest';
import { play } from '../support/play.ts';
import { check, referenceWorld } from './comparison.ts';
import { programs } from './programs.ts';

const RUNS = Number(process.env.RUNS ?? 2000);

describe('random programs', () => {
  it('have the value that the reference evaluator gives them, or fail with an error it finds too', async () => {
    await fc.assert(
      fc.asyncProperty(programs({ uncached: true }), async (program) => {
        await check(referenceWorld(), program, (world, run) => play(world, run));
      }),
      { numRuns: RUNS, ...(process.env.SEED ? {seed: Number(process.env.SEED)} : {}) },
    );
  });
});
