import { describe, expect, it } from 'vitest';
import { crashEverywhere, SMALLEST } from './crashes.ts';

describe('a process that dies at any one of its calls, before it takes effect or after, changes no outcome', () => {
  it.each(SMALLEST.map((workflow) => [workflow.name, workflow] as const))('%s', async (_name, workflow) => {
    const { calls, failures } = await crashEverywhere(workflow, { second: 'none' });
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(10);
  });
});
