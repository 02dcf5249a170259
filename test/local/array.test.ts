import { expect, test } from 'vitest';
import { fanOutRun } from '../../bench/fanout.ts';

test('a map of scripts goes out as one array, uses every child’s result, and its rounds follow their events', async () => {
  const count = 300;
  const { summary, submissions, entries, invocations } = await fanOutRun(count);
  expect(summary).toMatchObject({ status: 'DONE', result: [(count * (count - 1)) / 2] });
  expect(summary.tally['redex.script']).toMatchObject({ done: count, failed: 0 });
  expect(submissions).toEqual([count]);

  const results = entries.map(({ facts }) => facts.filter(({ type }) => type === 'returned').length);
  const claimed = entries.findIndex(({ facts }) => facts.some(({ type }) => type === 'claimed'));
  expect(results.slice(claimed + 1).reduce((sum, one) => sum + one)).toBe(count + 1);
  // Beside the results that its events brought, a round records no more than the acknowledgement and the end of it all.
  const others = entries.slice(claimed + 1).map(({ facts }, at) => facts.length - (results[claimed + 1 + at] ?? 0));
  expect(Math.max(...others)).toBeLessThanOrEqual(3);
  expect(entries.length - claimed).toBeLessThanOrEqual(invocations.filter(({ ended }) => ended > 0).length + 3);
}, 120_000);
