import { describe, expect, it } from 'vitest';
import { reportOf } from '../../core/aws/batch/jobs.ts';
import { cancel } from '../../core/engine/cancel.ts';
import { endOf } from '../../core/engine/executor.ts';
import { readHistory } from '../../core/engine/history.ts';
import type { Entry, World } from '../../core/engine/ports.ts';
import { retry } from '../../core/engine/retry.ts';
import { round } from '../../core/engine/round.ts';
import { sweep } from '../../core/engine/sweep.ts';
import { lookAtQueue } from '../../core/engine/waiting.ts';
import { type WarmGraphs, warmGraphs } from '../../core/engine/warm.ts';
import { draftOf } from '../../core/graph/draft.ts';
import { graphOf, snapshotOf } from '../../core/graph/snapshot.ts';
import { add, catchError, cond, file, le, map, script, task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import { type MemoryWorld, withBatch } from '../support/memory-world.ts';
import { evaluate, plain, play, playJobs, playWorld, start, totals } from '../support/play.ts';

const v1 = { version: '1' };
const batch = { ...v1, executor: 'batch' };
const heavy = task('r.heavy', batch, (n: number) => n * 10);
const fragile = task('r.fragile', batch, (n: number): number => {
  // Without its stack, which names the test's own frames, an error is the same whoever runs the task.
  if (n % 3 === 0) throw Object.assign(new Error(`no ${n}`), { stack: undefined });
  return n;
});
const flaky: { current: () => number } = { current: () => 0 };
const flakyTask = task('r.flaky', batch, (_n: number) => flaky.current());
const zero = task('r.zero', v1, (_error: Error) => 0);
const guarded = task('r.guarded', v1, (n: number) => catchError(fragile(n), 'Error', zero));
const range = task('r.range', v1, (n: number) => Array.from({ length: n }, (_, at) => at));
const sum = task('r.sum', v1, (all: number[]) => all.reduce((a, b) => a + b, 0));
const tree = task('r.tree', v1, (n: number): unknown => (n === 0 ? heavy(1) : add(tree(n - 1) as never, heavy(n))));
const program = () => [sum(map(guarded, range(20))), tree(6), cond(le(heavy(1), 5), heavy(100), heavy(200))];
const PROGRAM_VALUE = [1 + 2 + 4 + 5 + 7 + 8 + 10 + 11 + 13 + 14 + 16 + 17 + 19, 220, 2000];

async function journalOf(world: MemoryWorld, expression: unknown): Promise<Entry[]> {
  const run = await start(world, expression, { run: 'same' });
  await play(world, run);
  return world.journal.readAfter(run, 0);
}

function facts(entries: readonly Entry[]): unknown {
  return entries.map((entry) => entry.facts);
}

describe('the graph between rounds', () => {
  it('is the same kept warm, reloaded from a snapshot at every round, or folded from the first entry', async () => {
    const kept = await journalOf(playWorld(), program());
    const reloading: WarmGraphs = warmGraphs(10);
    const snapshots = await journalOf(
      {
        ...playWorld(),
        warm: {
          take: reloading.take,
          keep: (live) => {
            const graph = graphOf(JSON.parse(JSON.stringify(snapshotOf(live.draft.graph))));
            if (graph) reloading.keep({ ...live, draft: draftOf(graph) });
          },
        },
      },
      program(),
    );
    const cold = await journalOf({ ...playWorld(), warm: warmGraphs(0) }, program());
    expect(facts(snapshots)).toEqual(facts(kept));
    expect(facts(cold)).toEqual(facts(kept));
    expect(kept.length).toBeGreaterThan(5);
  });

  it('is as it was when the append was refused, and what was learned is kept', async () => {
    const world = playWorld();
    const other: World = { ...world, warm: warmGraphs(10) };
    const run = await start(world, program());
    let report = await round(world, run);
    for (let turns = 0; report.status === 'RUNNING' && turns < 100; turns++) {
      const news = await playJobs(world);
      // Two handlers get the same events at the same time: one append is refused.
      const reports = await Promise.all([round(world, run, news), round(other, run, news)]);
      report = reports.find(({ status }) => status !== 'RUNNING') ?? reports[0];
    }
    const summary = await world.summaries.get(run);
    expect(summary?.status).toBe('DONE');
    expect(totals(summary as never)).toMatchObject({ pending: 0, running: 0, failed: 7 });
    expect(await evaluate(world, program())).toEqual(PROGRAM_VALUE);
  });

  it('knows its own entry when the answer to the append was lost', async () => {
    const world = playWorld();
    const lying: World = {
      ...world,
      journal: {
        ...world.journal,
        append: async (entry) => {
          await world.journal.append(entry);
          return 'taken';
        },
      },
    };
    expect(await evaluate(lying as MemoryWorld, program())).toEqual(PROGRAM_VALUE);
  });
});

describe('submission', () => {
  const single = () => heavy(7);

  async function submitted(world: MemoryWorld): Promise<RunId> {
    const run = await start(world, single());
    await round(world, run);
    return run;
  }

  it('claims before it sends, and sends once when told of the same event twice', async () => {
    const world = playWorld();
    const run = await submitted(world);
    expect(world.batch.jobs).toHaveLength(1);
    const reports = await playJobs(world);
    await round(world, run, [...reports, ...reports]);
    await round(world, run, reports);
    expect(world.batch.jobs).toHaveLength(1);
    expect((await world.summaries.get(run))?.status).toBe('DONE');
  });

  it('looks an unanswered claim up by name after its deadline and adopts the job it finds', async () => {
    const world = playWorld();
    world.batch.answerNext({ kind: 'unknown', reason: 'time-out' }, { accepted: true });
    const run = await submitted(world);
    await round(world, run);
    expect(world.batch.jobs).toHaveLength(1);
    world.clock.advance(200_000);
    await round(world, run);
    expect(world.batch.jobs).toHaveLength(1);
    const reports = await playJobs(world);
    expect((await round(world, run, reports)).status).toBe('DONE');
  });

  it('sends again what was never accepted, but not before the deadline and the look-up lag', async () => {
    const world = playWorld();
    world.batch.answerNext({ kind: 'unknown', reason: 'time-out' }, { accepted: false });
    const run = await submitted(world);
    world.clock.advance(100_000);
    await round(world, run);
    expect(world.batch.jobs).toHaveLength(0);
    world.clock.advance(100_000);
    await round(world, run);
    expect(world.batch.jobs).toHaveLength(1);
  });

  it('makes a throttled job ready again and asks for another round', async () => {
    const world = playWorld();
    world.batch.answerNext({ kind: 'throttled' });
    const run = await submitted(world);
    expect(world.batch.jobs).toHaveLength(0);
    expect(world.bus.woken).toContain(run);
    await round(world, run);
    expect(world.batch.jobs).toHaveLength(1);
  });

  it('fails the job that the executor refuses, with its reason', async () => {
    const world = playWorld();
    world.batch.answerNext({ kind: 'refused', reason: 'no such queue' });
    const run = await submitted(world);
    const summary = await world.summaries.get(run);
    expect(summary).toMatchObject({ status: 'FAILED' });
    expect(summary?.traceback).toContain('no such queue');
  });

  it('tries again after a lost machine, up to five attempts, and never after the program failed', async () => {
    const world = playWorld();
    const run = await submitted(world);
    for (let attempt = 1; attempt <= 5; attempt++) {
      expect(world.batch.jobs).toHaveLength(attempt);
      const id = world.batch.jobs.at(-1)?.id as string;
      const report = world.batch.report(id, { status: 'FAILED', statusReason: 'Host EC2 (instance i-1) terminated.' });
      await round(world, run, [report]);
    }
    expect((await world.summaries.get(run))?.traceback).toContain('MachineLost');
    expect(world.batch.jobs).toHaveLength(5);
  });

  it('tries again after the runner could not reach its stores', async () => {
    const world = playWorld();
    const run = await submitted(world);
    await round(world, run, [world.batch.report('job-1', { status: 'FAILED', exitCode: 70 })]);
    expect(world.batch.jobs).toHaveLength(2);
    await round(world, run, await playJobs(world));
    expect((await world.summaries.get(run))?.status).toBe('DONE');
  });

  it('does not count a refused duplicate, nor a report on a job that does not hold the work', async () => {
    const world = playWorld();
    const run = await submitted(world);
    const [name] = [world.batch.jobs[0]?.request.name as string];
    const stranger = reportOf({ id: 'job-99', name, status: 'FAILED', exitCode: 97 });
    const reports = await playJobs(world);
    await round(world, run, [stranger]);
    expect((await world.summaries.get(run))?.status).toBe('DONE');
    expect((await round(world, run, reports)).status).toBe('DONE');
  });

  it('doubles the memory after OutOfMemory', async () => {
    const world = playWorld();
    const run = await start(world, heavy.options({ memory: 2 })(1));
    await round(world, run);
    const report = world.batch.report('job-1', {
      status: 'FAILED',
      exitCode: 137,
      containerReason: 'OutOfMemoryError: killed',
    });
    await round(world, run, [report]);
    expect(world.batch.jobs.map((job) => job.request.resources.memory)).toEqual([2, 4]);
  });
});

describe('cancel', () => {
  // Acceptance: 53.
  it('terminates what is in flight and ends every job and the run', async () => {
    const world = playWorld();
    const run = await start(world, program());
    await round(world, run);
    expect(await cancel(world, run, 'test')).toBe('CANCELLING');
    await round(world, run);
    const reports = world.batch.jobs.flatMap((job) => [...job.reports.values()]);
    expect(reports.every((report) => endOf(report)?.ended === 'interrupted')).toBe(true);
    expect((await round(world, run, reports)).status).toBe('CANCELLED');
    const summary = await world.summaries.get(run);
    expect(totals(summary as never)).toMatchObject({ pending: 0, running: 0 });
  });
});

describe('a round', () => {
  it('fails when the store does, and takes no cached result for lost that it could not look at', async () => {
    const world = playWorld();
    world.files.versions.set('in', '1');
    const parts = Array.from({ length: 100 }, (_, n) => ({ n, part: file('in') }));
    const large = task('r.large', v1, () => parts);
    const expression = () => [large()];
    await play(world, await start(world, expression()));
    const { objects } = world;
    const get: typeof objects.get = (key, range) =>
      key.startsWith('values/') ? Promise.reject(new Error('no network')) : objects.get(key, range);
    const run = await start(world, expression());
    await expect(round({ ...world, objects: { ...objects, get } }, run)).rejects.toThrow('no network');
    expect(totals(await play(world, run))).toMatchObject({ cached: 1, done: 0 });
  });

  it('tells of the end of a run once, also where the run was only looked at before', async () => {
    const world = playWorld();
    const looking = { ...world, warm: warmGraphs(10) };
    const run = await start(world, heavy(1));
    await round(world, run);
    (await lookAtQueue(looking, run)).waiting;
    await play(world, run);
    await round(looking, run, [world.batch.report('job-1', {} as never)]);
    expect(world.bus.endings).toHaveLength(1);
  });

  it('begins no more inline tasks when its time for them is over, and the run is woken for the rest', async () => {
    const world = playWorld();
    const { host, clock } = world;
    let begun = 0;
    const runSlowly: typeof host.run = (...call) => {
      begun++;
      clock.advance(1_000);
      return host.run(...call);
    };
    const slow = { ...world, host: { ...host, run: runSlowly } };
    const run = await start(
      world,
      [...new Array(100).keys()].map((n) => zero.partial(n as never)()),
    );
    await round(slow, run, [], { hardEnd: clock.now() + 60_000 });
    expect(begun).toBe(64);
    expect((await round(slow, run, [], { hardEnd: clock.now() + 60_000 })).status).toBe('DONE');
    expect(begun).toBe(100);
  });
});

describe('retry', () => {
  it('runs only what failed or was cancelled, and attempt numbers go on', async () => {
    const world = playWorld();
    let broken = true;
    flaky.current = () => {
      if (broken) throw new Error('broken');
      return 5;
    };
    const run = await start(world, [heavy(1), add(flakyTask(1), heavy(2))]);
    expect((await play(world, run)).status).toBe('FAILED');
    broken = false;
    const submitted = world.batch.jobs.length;
    expect(await retry(world, run)).toBe('RUNNING');
    const summary = await play(world, run);
    expect(summary.status).toBe('DONE');
    expect(plain(summary.result as never)).toEqual([10, 25]);
    expect(world.batch.jobs.length).toBe(submitted + 1);
    const history = await readHistory(world, run);
    expect(history?.jobs.find(({ task }) => task === 'r.flaky')).toMatchObject({ status: 'DONE', attempt: 2 });
  });

  it('takes up a cancelled run, and leaves a finished one alone', async () => {
    const world = playWorld();
    const run = await start(world, program());
    await round(world, run);
    await cancel(world, run, 'test');
    await round(world, run);
    await round(
      world,
      run,
      world.batch.jobs.flatMap((job) => [...job.reports.values()]),
    );
    await retry(world, run);
    expect((await play(world, run)).status).toBe('DONE');
    expect(await retry(world, run)).toBe('DONE');
  });
});

describe('outputs', () => {
  it('of two jobs in flight never share a location: the second is refused, naming both', async () => {
    const world = playWorld();
    const write = (text: string) => script(text, { executor: 'batch', outputs: file('out/x').stage('x') });
    const summary = await play(world, await start(world, [write('echo a > x'), write('echo b > x')]));
    const refusal = 'OutputConflict: redex.script would write out/x while redex.script is writing it';
    expect(summary.otherErrors).toEqual([`redex.script("echo b > x", out out/x): ${refusal}`]);
    expect(world.batch.jobs).toHaveLength(1);
  });
});

describe('history', () => {
  it('tells status, attempt, times and error of every job', async () => {
    const world = playWorld();
    const run = await start(world, [heavy(1), fragile(3)]);
    await play(world, run);
    const history = await readHistory(world, run);
    expect(history?.jobs.map(({ task, status, attempt, error }) => ({ task, status, attempt, error }))).toEqual([
      { task: 'r.heavy', status: 'DONE', attempt: 1, error: undefined },
      { task: 'r.fragile', status: 'FAILED', attempt: 1, error: 'Error: no 3' },
    ]);
  });
});

describe('the sweep', () => {
  const MINUTE = 60_000;

  it('costs a list of runs when nothing is due', async () => {
    const world = playWorld();
    await round(world, await start(world, heavy(1)));
    expect(await sweep(world)).toEqual({ active: 1, rounds: 0, left: 0, failures: [] });
  });

  it('asks about jobs whose events never came, singles and children', async () => {
    const world = playWorld();
    const run = await start(world, [heavy(1), heavy(2), heavy.options({ memory: 9 })(3)]);
    await round(world, run);
    await playJobs(world);
    for (const job of world.batch.jobs) if (job.request.size > 1) world.batch.report(job.id, { status: 'SUCCEEDED' });
    world.clock.advance(10 * MINUTE);
    await sweep(world);
    expect((await world.summaries.get(run))?.status).toBe('DONE');
  });

  it('takes a job that the executor no longer knows for lost, and tries it again', async () => {
    const world = playWorld();
    const run = await start(world, heavy(1));
    await round(world, run);
    const amnesiac = withBatch(world, { look: async () => [] });
    world.clock.advance(10 * MINUTE);
    await sweep(amnesiac);
    expect(world.batch.jobs).toHaveLength(2);
  });

  it('passes over a run that its user stopped', async () => {
    const world = playWorld();
    const run = await start(world, heavy(1));
    const held = new Set<string>([run]);
    expect(await sweep({ ...world, held })).toMatchObject({ active: 0, rounds: 0 });
    held.delete(run);
    expect(await sweep({ ...world, held })).toMatchObject({ active: 1, rounds: 1 });
  });

  it('takes up a run whose first round died', async () => {
    const world = playWorld();
    const run = await start(world, heavy(1));
    await sweep(world);
    expect(world.batch.jobs).toHaveLength(1);
    expect((await play(world, run)).status).toBe('DONE');
  });
});
