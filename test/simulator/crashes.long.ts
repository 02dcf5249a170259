import { describe, expect, it } from 'vitest';
import { CORPUS, crashEverywhere, SMALLEST } from './crashes.ts';

const MINUTES = 60_000;
const named = (workflows: typeof CORPUS) => workflows.map((workflow) => [workflow.name, workflow] as const);
const larger = CORPUS.filter((workflow) => !SMALLEST.includes(workflow));

describe('a process that dies at any one of its calls, before it takes effect or after, changes no outcome', () => {
  it.each(named(larger))('%s', { timeout: 5 * MINUTES }, async (_name, workflow) => {
    const { calls, failures } = await crashEverywhere(workflow, { second: 'none' });
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(10);
  });

  it.each(named(SMALLEST))('%s, cancelled', { timeout: 5 * MINUTES }, async (_name, workflow) => {
    expect((await crashEverywhere(workflow, { second: 'none', cancelAt: 1_500 })).failures).toEqual([]);
  });
});

describe('nor does a second one that dies at any call of what takes the first one up', () => {
  it.each(named(SMALLEST))('%s', { timeout: 5 * MINUTES }, async (_name, workflow) => {
    expect((await crashEverywhere(workflow, { second: 'in turn' })).failures).toEqual([]);
  });
});
