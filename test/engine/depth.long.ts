import { expect, it } from 'vitest';
import { task } from '../../core/index.ts';
import { evaluate, playWorld } from '../support/play.ts';

const count = task('t.count', { version: '1' }, (n: number): number =>
  n === 0 ? 0 : (count(n - 1) as unknown as number),
);

// Acceptance: 22.
it('finishes a chain of 100,000 calls', async () => {
  expect(await evaluate(playWorld(), count(100_000))).toBe(0);
});
