import { describe, expect, it } from 'vitest';
import { interpret } from '../reference/evaluator.ts';
import { BROKEN_PROTOCOLS } from './broken/protocols.ts';
import { shrink } from './shrink.ts';
import { type Options, simulate } from './simulate.ts';
import { WORKFLOWS } from './workflows.ts';

const MINUTES = 60_000;
/** `simulator.long.ts` plays the next ones, `npm run sim` 100,000 and more. */
const SEEDS = 400;
const SEEDS_TO_FIND = 1_000;

async function traceOf(options: Options): Promise<string[]> {
  const lines: string[] = [];
  await simulate({ ...options, trace: (line) => lines.push(line) });
  return lines;
}

describe('a history', () => {
  it('is the same whenever its seed is played', async () => {
    for (const seed of [7, 11, 13]) {
      const first = await traceOf({ seed });
      expect(await traceOf({ seed })).toEqual(first);
      expect(first.length).toBeGreaterThan(10);
    }
  });

  it('is the same when its faults are given as a list', async () => {
    const { faults } = await simulate({ seed: 3 });
    const replayed = await simulate({ seed: 3, plan: faults.happened });
    expect(replayed.faults.happened).toEqual(faults.happened);
    expect(replayed.faults.sites).toEqual(faults.sites);
  });
});

describe('the corpus', () => {
  it.each(
    WORKFLOWS.filter(({ repaired }) => repaired === undefined).map((workflow) => [workflow.name, workflow] as const),
  )('%s: has the outcome that the reference evaluator finds', (_name, { expression, value, error }) => {
    const { outcome } = interpret(expression(), {});
    if (outcome.ok) expect(outcome.value).toEqual(value);
    else expect(outcome.error.message).toBe(error);
  });
});

describe('the engine', () => {
  it(`keeps every promise in ${SEEDS} histories with faults`, { timeout: 5 * MINUTES }, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violation } = await simulate({ seed });
      if (violation) throw new Error(`npm run sim -- --seed ${seed} --trace: ${violation}`);
    }
  });
});

describe('the simulator notices a protocol that', () => {
  it.each(Object.entries(BROKEN_PROTOCOLS))('%s', { timeout: 5 * MINUTES }, async (_name, sabotage) => {
    for (let seed = 1; seed <= SEEDS_TO_FIND; seed++) {
      const history = await simulate({ seed, sabotage });
      if (!history.violation) continue;
      const shrunk = await shrink(history, { sabotage });
      expect(shrunk.violation).toBeDefined();
      expect(shrunk.faults.happened.length).toBeLessThanOrEqual(history.faults.happened.length);
      return;
    }
    throw new Error('nothing was noticed');
  });
});
