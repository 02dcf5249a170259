/** How a run's course is changed: recorded by one handler, followed by the next round. */

import { describe, expect, it } from 'vitest';
import { cancel } from '../../core/engine/cancel.ts';
import type { JobReport } from '../../core/engine/executor.ts';
import type { RunSummary, World } from '../../core/engine/ports.ts';
import { retry } from '../../core/engine/retry.ts';
import { round } from '../../core/engine/round.ts';
import { sweep } from '../../core/engine/sweep.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { catchError, task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import { died, dyingAt, dyingAtCall, racedBy } from '../support/dying.ts';
import { type MemoryWorld, withBatch } from '../support/memory-world.ts';
import { play, playJobs, playWorld, start } from '../support/play.ts';

const MINUTE = 60_000;
const heavy = task('i.heavy', { version: '1', executor: 'batch' }, (n: number) => n * 10);
const failing = task('i.failing', { version: '1' }, (n: number): number => {
  throw Object.assign(new Error(`no ${n}`), { stack: undefined });
});
const zero = task('i.zero', { version: '1' }, (_error: Error) => 0);

function statusOf(world: MemoryWorld, run: RunId) {
  return world.summaries.get(run).then((summary) => summary?.status);
}

describe('a retry', () => {
  async function cancelled(): Promise<{ world: MemoryWorld; run: RunId }> {
    const world = playWorld();
    const run = await start(world, heavy(1));
    await round(world, run);
    await cancel(world, run, 'test');
    await round(world, run);
    await round(world, run, world.batch.jobs[0] && [...world.batch.jobs[0].reports.values()]);
    expect(await statusOf(world, run)).toBe('CANCELLED');
    world.bus.woken.splice(0);
    return { world, run };
  }

  it('that dies at any of its calls leaves the run as it was, or its wake-up takes the run up', async () => {
    const statuses: (string | undefined)[] = [];
    for (let call = 0; ; call++) {
      const { world, run } = await cancelled();
      const dying = dyingAtCall(world, call >> 1, call % 2 === 1);
      const isDone = await retry(dying, run).then(
        () => true,
        (error: unknown) => {
          expect(error).toBe(died);
          return false;
        },
      );
      if (isDone) break;
      for (const woken of world.bus.woken.splice(0)) await round(world, woken);
      const status = await statusOf(world, run);
      statuses.push(status);
      if (status === 'CANCELLED') continue;
      expect((await world.summaries.get(run))?.retry).toBeUndefined();
      // A claim whose sender died is settled by the sweep.
      world.clock.advance(3 * MINUTE);
      await sweep(world);
      expect(world.batch.jobs).toHaveLength(2);
      expect((await play(world, run)).status).toBe('DONE');
    }
    const first = statuses.indexOf('RUNNING');
    expect(first).toBeGreaterThan(0);
    expect(new Set(statuses.slice(0, first))).toEqual(new Set(['CANCELLED']));
    expect(new Set(statuses.slice(first))).toEqual(new Set(['RUNNING']));
    expect(statuses.length).toBeGreaterThan(8);
  });

  it('that is asked for twice at once happens once, also when it fails again at once', async () => {
    const world = playWorld();
    const run = await start(world, failing(1));
    expect((await play(world, run)).status).toBe('FAILED');
    const one = { ...world, warm: warmGraphs(1) };
    expect([await retry(world, run), await retry(one, run)]).toEqual(['RUNNING', 'RUNNING']);
    const racing: World = { ...one, journal: { ...one.journal, append: racedBy(() => round(world, run), one) } };
    await round(racing, run);
    const facts = (await world.journal.readAfter(run, 0)).flatMap((entry) => entry.facts.map(({ type }) => type));
    expect(facts.filter((type) => type === 'retried')).toHaveLength(1);
    expect(await statusOf(world, run)).toBe('FAILED');
  });

  it('of a run that never began, or that ended and whose summary is damaged, says so, or goes on', async () => {
    const world = playWorld();
    const run = await start(world, heavy(1));
    const ended = (await world.summaries.get(run)) as RunSummary;
    await world.summaries.put({ ...ended, run: 'never' as RunId, status: 'FAILED', endedAt: 1 });
    expect(await retry(world, 'never' as RunId)).toBe('unknown');
    expect(await statusOf(world, 'never' as RunId)).toBe('FAILED');
    const { world: other, run: damaged } = await cancelled();
    const bare = { ...ended, run: damaged, status: 'CANCELLED' } as const;
    let isDamaged = true;
    const get = async (asked: RunId) => (isDamaged ? bare : other.summaries.get(asked));
    const put = async (summary: RunSummary) => {
      isDamaged = false;
      await other.summaries.put({ ...summary, updatedAt: summary.updatedAt + 1 });
    };
    expect(await retry({ ...other, summaries: { ...other.summaries, get, put } }, damaged)).toBe('RUNNING');
  });
});

describe('a cancel', () => {
  it('that died before its fact was recorded cancels the run when a job is refused: nothing takes that for a failure', async () => {
    const world = playWorld();
    const run = await start(world, catchError(heavy(1), 'Error', zero));
    await round(world, run);
    await expect(cancel(dyingAt(world, 'journal', 'append'), run, 'test')).rejects.toBe(died);
    const refused = world.batch.report('job-1', { status: 'FAILED', exitCode: 97 });
    expect((await round(world, run, [refused])).status).toBe('CANCELLED');
  });

  /** A run with a job in flight. */
  async function running(): Promise<{ world: MemoryWorld; run: RunId }> {
    const world = playWorld();
    const run = await start(world, heavy(1));
    await round(world, run);
    world.bus.woken.splice(0);
    return { world, run };
  }

  async function facts(world: MemoryWorld, run: RunId): Promise<string[]> {
    return (await world.journal.readAfter(run, 0)).flatMap((entry) => entry.facts.map(({ type }) => type));
  }

  it('that dies at any of its calls leaves the run as it was, or its wake-up ends what is in flight', async () => {
    const seen: boolean[] = [];
    for (let call = 0; ; call++) {
      const { world, run } = await running();
      const isDone = await cancel(dyingAtCall(world, call >> 1, call % 2 === 1), run, 'test').then(
        () => true,
        () => false,
      );
      if (isDone) break;
      for (const woken of world.bus.woken.splice(0)) await round(world, woken);
      const isRecorded = (await facts(world, run)).includes('cancelled');
      seen.push(isRecorded);
      expect(await statusOf(world, run)).toBe(isRecorded ? 'CANCELLING' : 'RUNNING');
      expect(world.batch.jobs[0]?.described.get('job-1')?.status === 'FAILED').toBe(isRecorded);
    }
    expect(seen).toEqual([...seen].sort());
    expect([seen[0], seen.at(-1)]).toEqual([false, true]);
  });

  it('comes after whatever others record meanwhile, and once however often it is asked for', async () => {
    const { world, run } = await running();
    const [report] = await playJobs(world);
    const append = racedBy(() => cancel(world, run, 'first'), world);
    expect(await cancel({ ...world, journal: { ...world.journal, append } }, run, 'second')).toBe('CANCELLING');
    expect(await cancel(world, run, 'third')).toBe('CANCELLING');
    expect((await facts(world, run)).filter((type) => type === 'cancelled')).toHaveLength(1);
    expect((await round(world, run, [report as JobReport])).status).toBe('CANCELLED');
    expect(await cancel(world, run, 'fourth')).toBe('CANCELLED');
  });

  it('of a run whose end its summary does not tell yet changes nothing', async () => {
    const { world, run } = await running();
    const before = (await world.summaries.get(run)) as RunSummary;
    const [report] = await playJobs(world);
    await round(world, run, [report as JobReport]);
    const ended = await facts(world, run);
    const get = () => Promise.resolve(before);
    expect(await cancel({ ...world, summaries: { ...world.summaries, get } }, run, 'late')).toBe('RUNNING');
    expect(await facts(world, run)).toEqual(ended);
  });

  it('of a run that is about to be taken up again ends it once more', async () => {
    const world = playWorld();
    const run = await start(world, failing(1));
    expect((await play(world, run)).status).toBe('FAILED');
    await retry(world, run);
    expect(await cancel(world, run, 'no, do not')).toBe('CANCELLING');
    expect((await round(world, run)).status).toBe('CANCELLED');
    expect((await facts(world, run)).slice(-3)).toEqual(['retried', 'cancelled', 'ended']);
  });

  it('is shown by the next round also of a process that keeps the graph', async () => {
    const { world, run } = await running();
    await cancel(world, run, 'test');
    expect(await statusOf(world, run)).toBe('RUNNING');
    await round(world, run);
    expect(await statusOf(world, run)).toBe('CANCELLING');
  });

  it('terminates each job once, however many rounds the ends of the others take, and again when a sweep asks', async () => {
    const world = playWorld();
    const terminated: string[] = [];
    const stop = (id: string) => Promise.resolve(void terminated.push(id));
    const watched = withBatch(world, { stop });
    const run = await start(
      world,
      [1, 2, 3].map((n) => heavy.options({ memory: n })(n)),
    );
    await round(watched, run);
    await cancel(watched, run, 'test');
    await round(watched, run);
    for (const id of ['job-1', 'job-2']) await round(watched, run, [world.batch.report(id, { status: 'FAILED' })]);
    expect(terminated).toEqual(['job-1', 'job-2', 'job-3']);
    await round(watched, run, [], { ask: true });
    expect(terminated.slice(3)).toEqual(['job-3']);
  });
});
