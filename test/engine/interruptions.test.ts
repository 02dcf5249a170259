/** What the simulator found, each reduced to its smallest history. */

import { describe, expect, it } from 'vitest';
import { cancel } from '../../core/engine/cancel.ts';
import type { JobReport } from '../../core/engine/executor.ts';
import type { RunSummary, World } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { sweep } from '../../core/engine/sweep.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { catchError, file, script, task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import { died, dyingAt } from '../support/dying.ts';
import { type MemoryWorld, withBatch } from '../support/memory-world.ts';
import { evaluate, plain, play, playJobs, playWorld, start } from '../support/play.ts';

const MINUTE = 60_000;
const batch = { version: '1', executor: 'batch' };
const heavy = task('i.heavy', batch, (n: number) => n * 10);
const fragile = task('i.fragile', batch, (n: number): number => {
  throw Object.assign(new Error(`no ${n}`), { stack: undefined });
});
const zero = task('i.zero', { version: '1' }, (_error: Error) => 0);
const heavyInstead = task('i.heavy_instead', { version: '1' }, (_error: Error): never => heavy(1) as never);

function statusOf(world: MemoryWorld, run: RunId) {
  return world.summaries.get(run).then((summary) => summary?.status);
}

describe('a failing run that cancels the rest', () => {
  it('tells of the failure, not of the jobs it ended itself', async () => {
    const world = playWorld();
    const run = await start(world, [heavy(1), fragile.options({ memory: 2 })(2)], { failure: 'cancel' });
    await round(world, run);
    const [failed] = (await playJobs({ ...world, batch: { ...world.batch, jobs: world.batch.jobs.slice(1) } })) as [
      JobReport,
    ];
    await round(world, run, [failed]);
    const ended = [...(world.batch.jobs[0]?.reports.values() ?? [])];
    expect(ended[0]?.state).toEqual({ is: 'over', ended: 'interrupted', said: 'another job of the run failed' });
    expect((await round(world, run, ended)).status).toBe('FAILED');
    const summary = await world.summaries.get(run);
    expect(summary?.traceback).toContain('no 2');
    expect(summary?.tally['i.heavy']).toMatchObject({ cancelled: 1, failed: 0 });
  });
});

describe('a request that went out twice', () => {
  it('is asked about also when the job that does the work was never heard of', async () => {
    const world = playWorld();
    const run = await start(world, heavy(1));
    await round(world, run);
    const request = world.batch.jobs[0]?.request as never;
    // The first request, whose answer was lost, was taken up late: its job got the claim, and its machine was lost.
    await world.batch.submit(request);
    const [claim] = await claimsOf(world, run);
    await world.attempts.claim(run, claim?.eval as never, 1, 'job-2');
    world.batch.report('job-2', { status: 'FAILED', statusReason: 'Host EC2 (instance i-1) terminated.' });
    await round(world, run, [world.batch.report('job-1', { status: 'FAILED', exitCode: 97 })]);
    world.clock.advance(10 * MINUTE);
    await sweep(world);
    expect(world.batch.jobs).toHaveLength(3);
    expect((await play(world, run)).status).toBe('DONE');
  });
});

describe('an overdue claim', () => {
  it('is not sent again by the round that learns how its job ended', async () => {
    const world = playWorld();
    world.batch.answerNext({ kind: 'unknown', reason: 'time-out' }, { accepted: true });
    const run = await start(world, heavy(1));
    await round(world, run);
    const reports = await playJobs(world);
    world.clock.advance(10 * MINUTE);
    // The look-up does not show the job yet.
    const lagging = withBatch(world, { find: async () => [] });
    expect((await round(lagging, run, reports)).status).toBe('DONE');
    expect(world.batch.jobs).toHaveLength(1);
  });
});

async function claimsOf(world: MemoryWorld, run: RunId) {
  const facts = (await world.journal.readAfter(run, 0)).flatMap((entry) => entry.facts);
  return facts.flatMap((fact) => (fact.type === 'claimed' ? fact.jobs : []));
}

describe('a job that its cancelled run ended', () => {
  it('stays cancelled, whatever else is said of it in the same round', async () => {
    const world = playWorld();
    const run = await start(world, heavy(1));
    await round(world, run);
    await cancel(world, run, 'test');
    await round(world, run);
    const [ended] = [...(world.batch.jobs[0]?.reports.values() ?? [])] as [JobReport];
    const state = { is: 'over', ended: 'machine-lost', said: 'nobody knows it' } as const;
    const vanished: JobReport = { ...ended, job: { submission: 'job-9' }, state };
    expect((await round(world, run, [ended, vanished])).status).toBe('CANCELLED');
    expect((await world.summaries.get(run))?.tally['i.heavy']).toMatchObject({ cancelled: 1, failed: 0 });
  });
});

describe('work that is dropped and wanted again', () => {
  it('goes on with its attempts: the earlier one has a record', async () => {
    const world = playWorld();
    const both = [fragile(1), heavy.options({ memory: 2 })(1)] as never;
    const run = await start(world, catchError(both, 'Error', heavyInstead));
    await round(world, run);
    const [, second] = await claimsOf(world, run);
    await world.attempts.claim(run, second?.eval as never, 1, 'job-2');
    const lost = world.batch.report('job-2', { status: 'FAILED', statusReason: 'Host EC2 (instance i-1) terminated.' });
    const [failed] = await playJobs({ ...world, batch: { ...world.batch, jobs: world.batch.jobs.slice(0, 1) } });
    // Ready again, dropped with the list that failed, and wanted by the recovery: all in one round.
    await round(world, run, [lost, failed as JobReport]);
    const summary = await play(world, run);
    expect(plain(summary.result as never)).toBe(10);
  });
});

describe('two jobs that write one place', () => {
  it('do not hold up what a catch makes of it', async () => {
    const write = (text: string) => script(text, { executor: 'batch', outputs: file('out/y').stage('y') });
    const world = playWorld();
    const all = [write('echo a > y'), write('echo b > y'), heavy.options({ memory: 2 })(7)] as never;
    expect(await evaluate(world, catchError(all, 'Error', zero))).toBe(0);
  });
});

describe('a summary that fell behind', () => {
  it('is brought up to date by the sweep, which then asks about what is in flight', async () => {
    const world = playWorld();
    const run = await start(world, heavy(1));
    const stale = await world.summaries.get(run);
    await expect(round(dyingAt(world, 'summaries', 'put'), run)).rejects.toBe(died);
    await world.summaries.put({ ...(stale as never as object), sequence: 1, open: { ready: true } } as never);
    await playJobs(world);
    for (let hour = 0; hour < 12; hour++) {
      world.clock.advance(5 * MINUTE);
      await sweep(world);
    }
    expect(await statusOf(world, run)).toBe('DONE');
  });
});

describe('the questions of a sweep', () => {
  it('become rarer as a job grows older', async () => {
    const world = playWorld();
    await round(world, await start(world, heavy(1)));
    let asked = 0;
    const counting = withBatch(world, {
      look: (jobs) => {
        asked++;
        return world.batch.look(jobs);
      },
    });
    const counts: number[] = [];
    for (let hour = 0; hour < 6; hour++) {
      asked = 0;
      for (let at = 0; at < 12; at++) {
        world.clock.advance(5 * MINUTE);
        await sweep(counting);
      }
      counts.push(asked);
    }
    expect(counts).toEqual([4, 1, 1, 1, 1, 1]);
  });
});

describe('of two rounds that race', () => {
  const limited = task('i.limited', { ...batch, limits: { seat: 1 } }, (n: number) => n);

  it('the one that loses gives its claims up: a limit holds for both together', async () => {
    const world = playWorld({ limits: { seat: 1 } });
    const run = await start(world, [limited(heavy(1)), limited(heavy(2))]);
    await round(world, run);
    const [one, two] = (await playJobs(world)) as [JobReport, JobReport];
    const other: World = { ...world, warm: warmGraphs(1) };
    let isFirst = true;
    const append: World['journal']['append'] = async (entry) => {
      // Each has learned of another job's end, so that each would claim what the other does not know to be ready.
      if (isFirst) {
        isFirst = false;
        await round(other, run, [two]);
      }
      return await world.journal.append(entry);
    };
    await round({ ...world, warm: warmGraphs(1), journal: { ...world.journal, append } }, run, [one]);
    const entries = (await world.journal.readAfter(run, 0)).flatMap(({ facts }) => facts);
    expect(entries.filter(({ type }) => type === 'returned')).toHaveLength(2);
    // The first was the array of both heavy ones.
    expect(world.batch.jobs.slice(1).map(({ request }) => request.size)).toEqual([1]);
    expect((await play(world, run)).status).toBe('DONE');
  });
});

describe('a run that is stopping', () => {
  it.each([
    ['failed', () => [heavy(1), fragile(2)] as unknown],
    ['was cancelled', () => [heavy(1), heavy(2)] as unknown],
  ])('because it %s tries no lost job again', async (why, expression) => {
    const world = playWorld();
    const run = await start(world, expression());
    await round(world, run);
    const ids = world.batch.jobs.flatMap(({ described }) =>
      [...described.values()].filter(({ index }) => index !== undefined || described.size === 1).map(({ id }) => id),
    );
    const [first, second] = ids as [string, string];
    if (why === 'failed') await round(world, run, await playJobs(world, (id) => id === second));
    else await cancel(world, run, 'test');
    await round(world, run);
    const lost = world.batch.report(first, { status: 'FAILED', statusReason: 'Host EC2 (instance i-1) terminated.' });
    const stopping = await world.journal.readAfter(run, 0);
    await round(world, run, [lost]);
    if (why === 'was cancelled') await round(world, run, [world.batch.report(second, { status: 'FAILED' })]);
    const since = (await world.journal.readAfter(run, stopping.length)).flatMap(({ facts }) => facts);
    expect(since.filter(({ type }) => type === 'claimed')).toEqual([]);
    const summary = await world.summaries.get(run);
    expect(summary?.status).toBe(why === 'failed' ? 'FAILED' : 'CANCELLED');
    expect(summary?.tally['i.heavy']).toMatchObject({ pending: 0, failed: 1 });
  });
});

describe('the end of a run', () => {
  it.each<[string, (world: World) => World]>([
    ['is told', (world) => dyingAt(world, 'bus', 'ended')],
    ['was told', (world) => dyingAt(world, 'bus', 'ended', true)],
    ['is summed up', (world) => dyingAt(world, 'summaries', 'put')],
  ])('is made known though a process dies when it %s', async (_, dying) => {
    const world = playWorld();
    const run = await start(world, heavy(1));
    await round(world, run);
    const reports = await playJobs(world);
    await expect(round(dying(world), run, reports)).rejects.toBe(died);
    // The message of the event comes again.
    await round({ ...world, warm: warmGraphs(1) }, run, reports);
    expect(await statusOf(world, run)).toBe('DONE');
    expect(world.bus.endings.map((ending) => ending.run)).toContain(run);
    const told = world.bus.endings.length;
    await round({ ...world, warm: warmGraphs(1) }, run, reports);
    expect(world.bus.endings).toHaveLength(told);
  });
});

describe('the sweep', () => {
  it('finds a run that is older than thousands of others', async () => {
    const world = playWorld();
    const old = await start(world, heavy(1));
    world.clock.advance(MINUTE);
    const summary = (await world.summaries.get(old)) as RunSummary;
    for (let at = 0; at < 2_500; at++) {
      const run = `later${at}` as RunId;
      await world.summaries.put({
        ...summary,
        run,
        startedAt: summary.startedAt + 1 + at,
        sequence: 1,
        open: { ready: false },
      });
    }
    expect((await sweep(world)).rounds).toBe(1);
    expect(world.batch.jobs).toHaveLength(1);
  });
});
