import { describe, expect, it } from 'vitest';
import type { ExecutorJob } from '../../core/engine/executor.ts';
import { readHistory } from '../../core/engine/history.ts';
import { round } from '../../core/engine/round.ts';
import { lookAtQueue } from '../../core/engine/waiting.ts';
import { task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import { makeAdvance } from '../../functions/advance.ts';
import { stateChange } from '../support/lambda-events.ts';
import { type MemoryWorld, withBatch } from '../support/memory-world.ts';
import { playJobs, playWorld, start } from '../support/play.ts';

const heavy = task('w.heavy', { version: '1', executor: 'batch' }, (n: number) => n);
const limited = task('w.limited', { version: '1', executor: 'batch', limits: { db: 1 } }, (n: number) => n);

async function begun(world: MemoryWorld, expression: unknown): Promise<RunId> {
  const run = await start(world, expression);
  await round(world, run);
  return run;
}

describe('why a run waits', () => {
  it('is told in the executor’s words, by how many jobs they hold up', async () => {
    const world = playWorld();
    const run = await begun(world, [heavy.options({ memory: 9 })(0), ...[1, 2, 3, 4].map((n) => heavy(n))]);
    const [single, array] = world.batch.jobs;
    const reason = 'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - too large';
    world.batch.report(`${array?.id}:0`, { status: 'RUNNING' });
    world.batch.report(`${array?.id}:1`, { status: 'RUNNABLE' });
    world.batch.report(`${array?.id}:2`, { status: 'RUNNABLE' });
    world.batch.report(single?.id as string, { status: 'RUNNABLE', statusReason: reason });
    expect((await lookAtQueue(world, run)).waiting).toEqual([
      { jobs: 2, reason: 'RUNNABLE' },
      { jobs: 1, reason: `RUNNABLE: ${reason}` },
      { jobs: 1, reason: 'SUBMITTED' },
    ]);
  });

  it('costs three requests at the most: of a large array the first jobs speak for the rest', async () => {
    const world = playWorld();
    const jobs = Array.from({ length: 1000 }, (_, n) => heavy(n));
    const run = await begun(world, jobs);
    let asked = 0;
    const look = (jobs: readonly ExecutorJob[]) => {
      asked += jobs.length;
      return world.batch.look(jobs);
    };
    const { waiting } = await lookAtQueue(withBatch(world, { look }), run);
    expect(waiting).toEqual([{ jobs: 1000, reason: 'SUBMITTED' }]);
    expect(asked).toBe(300);
  });

  it('may be a limit, or an answer that did not come', async () => {
    const world = playWorld({ limits: { db: 1 } });
    world.batch.answerNext({ kind: 'unknown', reason: 'time-out' });
    const run = await begun(world, [limited(1), limited(2)]);
    expect((await lookAtQueue(world, run)).waiting).toEqual([
      { jobs: 1, reason: 'submitted, but the executor’s answer is not known yet' },
      { jobs: 1, reason: 'ready, within the limit of db' },
    ]);
    expect((await lookAtQueue(world, 'nothing' as RunId)).waiting).toEqual([]);
  });
});

describe('the jobs in the queue', () => {
  it('are those that were submitted and have not begun, each by its task', async () => {
    const world = playWorld();
    const run = await begun(world, [
      heavy.options({ memory: 9 })(0),
      ...[1, 2, 3].map((n) => heavy(n)),
      limited.options({ memory: 5 })(1),
    ]);
    const [single, array, other] = world.batch.jobs;
    world.batch.report(single?.id as string, { status: 'RUNNING' });
    world.batch.report(`${array?.id}:1`, { status: 'RUNNING' });
    world.batch.report(other?.id as string, { status: 'STARTING' });
    const { queued } = await lookAtQueue(world, run);
    expect(queued.map(({ task: name }) => name).sort()).toEqual(['w.heavy', 'w.heavy', 'w.limited']);
    const history = await readHistory(world, run);
    const given = history?.jobs.filter(({ id }) => queued.some((job) => job.id === id)).map((job) => job.given);
    expect(given?.sort()).toEqual(['1', '1', '3']);
  });

  it('are counted whole when the executor was asked of the first ones only, or has not answered', async () => {
    const world = playWorld();
    const jobs = Array.from({ length: 1000 }, (_, n) => heavy(n));
    expect((await lookAtQueue(world, await begun(world, jobs))).queued).toHaveLength(1000);
    world.batch.answerNext({ kind: 'unknown', reason: 'time-out' });
    expect((await lookAtQueue(world, await begun(world, heavy(-1)))).queued).toHaveLength(1);
  });

  it('are looked at without keeping the graph from a round that wants it', async () => {
    const world = playWorld();
    const run = await begun(world, heavy(1));
    const look = (jobs: readonly ExecutorJob[]) => {
      const kept = world.warm.take(run);
      expect(kept).toBeDefined();
      if (kept) world.warm.keep(kept);
      return world.batch.look(jobs);
    };
    expect((await lookAtQueue(withBatch(world, { look }), run)).queued).toHaveLength(1);
  });
});

describe('a blocked queue', () => {
  const reason = 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - none of p4d.24xlarge';

  function blockedEvent(name: string): object {
    const event = stateChange({ id: 'x', name, status: 'RUNNABLE', statusReason: reason }) as object;
    return { ...event, 'detail-type': 'Batch Job Queue Blocked' };
  }

  it('is noted on the run whose job is at its head, without an entry in the journal, until the run moves on', async () => {
    const world = playWorld();
    const run = await begun(world, [heavy(1), heavy.options({ memory: 9 })(2)]);
    const entries = (await world.journal.readAfter(run, 0)).length;
    const name = world.batch.jobs[0]?.request.name as string;
    const advance = makeAdvance(() => world);
    await advance(blockedEvent(name));
    expect((await world.summaries.get(run))?.blocked).toEqual({ reason, at: world.clock.now() });
    expect(await world.journal.readAfter(run, 0)).toHaveLength(entries);
    const [report] = await playJobs(world);
    if (!report) throw new Error('no job was played');
    await advance(stateChange(report));
    expect((await world.summaries.get(run))?.blocked).toBeUndefined();
  });

  it('is known from a job’s own RUNNABLE event, too; other RUNNABLE events cost no read', async () => {
    const world = playWorld();
    const run = await begun(world, heavy(1));
    const name = world.batch.jobs[0]?.request.name as string;
    let reads = 0;
    const get = (asked: RunId) => {
      reads++;
      return world.summaries.get(asked);
    };
    const advance = makeAdvance(() => ({ ...world, summaries: { ...world.summaries, get } }));
    await advance(stateChange({ id: 'x', name, status: 'RUNNABLE' }));
    await advance(stateChange({ id: 'x', name, status: 'RUNNING', statusReason: reason }));
    expect(reads).toBe(0);
    await advance(stateChange({ id: 'x', name, status: 'RUNNABLE', statusReason: reason }));
    expect((await world.summaries.get(run))?.blocked?.reason).toBe(reason);
  });

  it('of somebody else is nobody’s note', async () => {
    const world = playWorld();
    await makeAdvance(() => world)(blockedEvent('redex_other_run1_1-ab-0'));
    await makeAdvance(() => world)(blockedEvent('event-test'));
    expect(await world.summaries.list({ limit: 10 })).toEqual([]);
  });
});
