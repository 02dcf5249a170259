import { expect, it, vi } from 'vitest';
import { directClient } from '../../cli/client.ts';
import { queueWatcher } from '../../cli/waiting.ts';
import type { ExecutorJob } from '../../core/engine/executor.ts';
import { round } from '../../core/engine/round.ts';
import { task } from '../../core/index.ts';
import { makeWaiting } from '../../functions/waiting.ts';
import { withBatch } from '../support/memory-world.ts';
import { playWorld, start } from '../support/play.ts';

const heavy = task('q.heavy', { version: '1', executor: 'batch' }, (n: number) => n);

async function watched() {
  const world = playWorld();
  const run = await start(world, [heavy(1), heavy(2)]);
  await round(world, run);
  const summary = await world.summaries.get(run);
  if (!summary) throw new Error('there is no summary');
  const looks = { count: 0, fails: false };
  const look = (jobs: readonly ExecutorJob[]) => {
    looks.count++;
    return looks.fails ? Promise.reject(new Error('no answer')) : world.batch.look(jobs);
  };
  const logs = { read: () => Promise.resolve(undefined) };
  const client = directClient((_, event) => waiting(event));
  const waiting = makeWaiting(() => ({ ...withBatch(world, { look }), logs }));
  return { summary, looks, queuedOf: queueWatcher(client) };
}

it('the queue of a run is looked at again after two seconds, and not more often', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const { summary, looks, queuedOf } = await watched();
    for (let poll = 0; poll < 5; poll++) expect(await queuedOf(summary)).toHaveLength(2);
    expect(looks.count).toBe(1);
    vi.advanceTimersByTime(2001);
    expect(await queuedOf(summary)).toHaveLength(2);
    expect(looks.count).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});

it('the queue is not looked at where nothing is in flight, nor of a run that is large to load', async () => {
  const { summary, looks, queuedOf } = await watched();
  const none = { pending: 1, running: 0, failed: 0, cached: 0, done: 0, cancelled: 0 };
  expect(await queuedOf({ ...summary, tally: { 'q.heavy': none } })).toEqual([]);
  expect(await queuedOf({ ...summary, liveNodes: 1_000_000 })).toEqual([]);
  expect(looks.count).toBe(0);
});

it('a look that fails shows nothing, and ends nothing', async () => {
  const { summary, looks, queuedOf } = await watched();
  looks.fails = true;
  expect(await queuedOf(summary)).toEqual([]);
  expect(await queuedOf(summary)).toEqual([]);
  expect(looks.count).toBe(1);
});
