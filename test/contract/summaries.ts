/** What every keeper of run summaries does. */

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RunSummary, Summaries } from '../../core/engine/ports.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';

let count = 0;
const freshRun = (): RunId => `run${Date.now()}${String(count++).padStart(4, '0')}` as RunId;
/** Later than those of every earlier test: lists show all there is. */
const freshTime = (): number => 1_800_000_000_000 + count++;

export function summary(change: Partial<RunSummary> = {}): RunSummary {
  return {
    run: freshRun(),
    workflow: 'test.main',
    args: { samples: ['a', 'b'], path: 'ü' },
    bundle: digest('test', 'bundle'),
    status: 'RUNNING',
    sequence: 0,
    startedAt: freshTime(),
    updatedAt: 5,
    tally: { 'test.main': { pending: 1, running: 0, failed: 0, cached: 0, done: 0, cancelled: 0 } },
    tags: { project: 'x' },
    ...change,
  };
}

/** Each call of `open` gives a view of the same summaries; other runs may be there already. */
export function summariesContract(name: string, open: () => Promise<Summaries>): void {
  puts(name, open);
  lists(name, open);
}

function puts(name: string, open: () => Promise<Summaries>): void {
  describe(`${name} keeps the summary of a run`, () => {
    it('as it was put, with whatever it has', async () => {
      const summaries = await open();
      const ended = summary({
        status: 'FAILED',
        endedAt: 9,
        result: [['error', 'E', ['E', 'Error'], 'no', 0]],
        traceback: 'task most recent last',
        otherErrors: ['another'],
        snapshot: 4,
      });
      const started = summary();
      await summaries.put(ended);
      await summaries.put(started);
      expect(await summaries.get(ended.run)).toEqual(ended);
      expect(await summaries.get(started.run)).toEqual(started);
      expect(await summaries.get(freshRun())).toBeUndefined();
    });

    it('that covers the highest sequence, in whatever order they come', async () => {
      const summaries = await open();
      const first = summary({ sequence: 1, updatedAt: 100 });
      const second = { ...first, sequence: 12, updatedAt: 50, status: 'DONE' as const };
      await summaries.put(second);
      await summaries.put(first);
      expect(await summaries.get(first.run)).toEqual(second);
    });

    it('and, of two for one sequence, the newer', async () => {
      const summaries = await open();
      const first = summary({ sequence: 3, updatedAt: 10 });
      await summaries.put(first);
      await summaries.put({ ...first, updatedAt: 11, snapshot: 3 });
      await summaries.put({ ...first, updatedAt: 9, snapshot: 2 });
      expect((await summaries.get(first.run))?.snapshot).toBe(3);
    });

    it('however large it is', async () => {
      const summaries = await open();
      const large = summary({ traceback: randomBytes(400_000).toString('base64') });
      await summaries.put(large);
      expect(await summaries.get(large.run)).toEqual(large);
    });
  });
}

function lists(name: string, open: () => Promise<Summaries>): void {
  describe(`${name} lists runs`, () => {
    it('newest first, whatever their status, up to the limit', async () => {
      const summaries = await open();
      const statuses = ['DONE', 'RUNNING', 'FAILED', 'CANCELLING', 'CANCELLED', 'RUNNING'] as const;
      const all = statuses.map((status) => summary({ status }));
      await Promise.all(all.map((each) => summaries.put(each)));
      expect(await summaries.list({ limit: 6 })).toEqual(all.toReversed());
      expect(await summaries.list({ limit: 2 })).toEqual(all.toReversed().slice(0, 2));
    });

    it('of one status', async () => {
      const summaries = await open();
      const [a, b, c] = [summary({ status: 'FAILED' }), summary({ status: 'DONE' }), summary({ status: 'FAILED' })];
      await Promise.all([a, b, c].map((each) => summaries.put(each)));
      expect(await summaries.list({ status: 'FAILED', limit: 2 })).toEqual([c, a]);
    });

    it('that started until a moment, that moment too', async () => {
      const summaries = await open();
      const all = ['DONE', 'RUNNING', 'DONE'].map((status) => summary({ status: status as RunSummary['status'] }));
      await Promise.all(all.map((each) => summaries.put(each)));
      const [first, second] = all as [RunSummary, RunSummary];
      expect(await summaries.list({ until: second.startedAt, limit: 2 })).toEqual([second, first]);
      expect(await summaries.list({ until: second.startedAt, status: 'DONE', limit: 1 })).toEqual([first]);
    });

    it('under their latest status only', async () => {
      const summaries = await open();
      const running = summary({ status: 'RUNNING' });
      const done = { ...running, sequence: 2, status: 'DONE' as const };
      await summaries.put(running);
      await summaries.put(done);
      const runs = (await summaries.list({ status: 'RUNNING', limit: 1000 })).map(({ run }) => run);
      expect(runs).not.toContain(running.run);
      expect(await summaries.list({ status: 'DONE', limit: 1 })).toEqual([done]);
    });

    it('by the hundred', async () => {
      const summaries = await open();
      const all = Array.from({ length: 130 }, () => summary({ status: 'CANCELLED' }));
      await Promise.all(all.map((each) => summaries.put(each)));
      expect(await summaries.list({ status: 'CANCELLED', limit: 130 })).toEqual(all.toReversed());
      // Without a limit all there are: other tests' too.
      expect((await summaries.list({ status: 'CANCELLED' })).slice(0, 130)).toEqual(all.toReversed());
    });
  });
}
