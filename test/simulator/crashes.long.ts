import { describe, expect, it } from 'vitest';
import { crashEverywhere, SMALLEST } from './crashes.ts';

const MINUTES = 60_000;

describe('a second process that dies at any call of what takes up after the first one changes no outcome', () => {
  it.each(SMALLEST.map((workflow) => [workflow.name, workflow] as const))(
    '%s',
    { timeout: 5 * MINUTES },
    async (_name, workflow) => {
      expect((await crashEverywhere(workflow, { second: 'in turn' })).failures).toEqual([]);
    },
  );
});
