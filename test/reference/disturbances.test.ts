import fc from 'fast-check';
import { describe, it } from 'vitest';
import { check, referenceWorld } from './comparison.ts';
import { disturbances, through } from './disturbances.ts';
import { programs } from './programs.ts';

const RUNS = Number(process.env.RUNS ?? 1000);
describe('a disturbed run', () => {
  it('has the reference evaluator’s value, whatever happens on its way', async () => {
    await fc.assert(
      fc.asyncProperty(programs({ uncached: true }), disturbances, async (program, given) => {
        await check(referenceWorld(), program, through(given));
      }),
      { numRuns: RUNS, ...(process.env.SEED ? {seed: Number(process.env.SEED)} : {}) },
    );
  });
});
