import { expect, it } from 'vitest';
import { simulate } from './simulate.ts';

const MINUTES = 60_000;
/** After those of `simulator.test.ts`. */
const FIRST = 401;
const SEEDS = 2_000;

it(`the engine keeps every promise in ${SEEDS} histories with faults`, { timeout: 5 * MINUTES }, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { violation } = await simulate({ seed });
    expect(violation, `npm run sim -- --seed ${seed} --trace`).toBeUndefined();
  }
});
