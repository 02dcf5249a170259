import fc from 'fast-check';
import { describe, it } from 'vitest';
import { PROPERTIES } from './properties.ts';

/** A sample: `npm run fuzz` tries as many as wanted. */
const PROGRAMS = 2500;

describe('random programs', () => {
  for (const { name, share, property } of PROPERTIES) {
    it(name, async () => {
      await fc.assert(property, { numRuns: Math.ceil(PROGRAMS * share) });
    }, 120_000);
  }
});
