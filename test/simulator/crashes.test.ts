import { describe, expect, it } from 'vitest';
import { CORPUS, crashEverywhere, SMALLEST } from './crashes.ts';

const MINUTES = 60_000;
const named = (workflows: typeof CORPUS) => workflows.map((workflow) => [workflow.name, workflow] as const);

describe('a process that dies at any one of its calls, before it takes effect or after, changes no outcome', () => {
  it.each(named(CORPUS))('%s', { timeout: 5 * MINUTES }, async (_name, workflow) => {
    const { calls, failures } = await crashEverywhere(workflow, { second: 'none' });
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(10);
  });

  it.each(named(SMALLEST))('%s, cancelled', { timeout: 5 * MINUTES }, async (_name, workflow) => {
    expect((await crashEverywhere(workflow, { second: 'none', cancelAt: 1_500 })).failures).toEqual([]);
  });
});
