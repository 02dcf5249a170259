import { describe, expect, it } from 'vitest';
import { cancel } from '../../core/engine/cancel.ts';
import type { World } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { add, task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import { makeCancel } from '../../functions/cancel.ts';
import { makeRetry } from '../../functions/retry.ts';
import { makeSweep } from '../../functions/sweep.ts';
import { summary } from '../contract/summaries.ts';
import { httpEvent } from '../support/lambda-events.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { play, playWorld, start, takeOn } from '../support/play.ts';

const heavy = task('c.heavy', { version: '1', executor: 'batch' }, (n: number) => n * 10);

/** A run that waits for its jobs. */
async function waitingRun(world: MemoryWorld, run?: string): Promise<RunId> {
  const id = await start(world, add(heavy(1), heavy(2)), { cache: false, ...(run !== undefined && { run }) });
  await round(world, id);
  return id;
}

async function endJobs(world: MemoryWorld, run: RunId): Promise<void> {
  await round(
    world,
    run,
    world.batch.jobs.flatMap((job) => [...job.reports.values()]),
  );
}

function post(run: string, body?: string): unknown {
  return httpEvent('POST', { path: { run }, ...(body !== undefined && { body }) });
}

function statusOf(world: World, run: RunId) {
  return world.summaries.get(run).then((known) => known?.status);
}

describe('cancel', () => {
  it('takes a run to CANCELLING, and to CANCELLED when its jobs have ended', async () => {
    const world = playWorld();
    const run = await waitingRun(world);
    expect(await makeCancel(() => world)({ run })).toEqual({ run, status: 'CANCELLING' });
    expect(await makeCancel(() => world)({ run })).toEqual({ run, status: 'CANCELLING' });
    await takeOn(world);
    await endJobs(world, run);
    expect(await statusOf(world, run)).toBe('CANCELLED');
  });

  it('does it over HTTP, too, and keeps the reason', async () => {
    const world = playWorld();
    const run = await waitingRun(world);
    const answer = await makeCancel(() => world)(post(run, '{"reason":"wrong samples"}'));
    expect(answer).toMatchObject({ statusCode: 202, body: JSON.stringify({ run, status: 'CANCELLING' }) });
    const facts = (await world.journal.readAfter(run, 0)).flatMap((entry) => entry.facts);
    expect(facts).toContainEqual(expect.objectContaining({ type: 'cancelled', reason: 'wrong samples' }));
  });

  it('refuses a run that is over, that is not there, or that has not begun', async () => {
    const world = playWorld();
    const over = await waitingRun(world, 'over');
    await play(world, over);
    const begun = summary({ run: 'young' as RunId, sequence: 0, status: 'RUNNING' });
    await world.summaries.put(begun);
    const cancelling = makeCancel(() => world);
    expect(await cancelling({ run: over })).toEqual({ errors: ['run over is over already: DONE'] });
    expect(await cancelling(post(over))).toMatchObject({ statusCode: 409 });
    expect(await cancelling(post('nothing'))).toMatchObject({
      statusCode: 404,
      body: '{"errors":["there is no run nothing"]}',
    });
    expect(await cancelling({ run: 'a/b' })).toEqual({
      errors: ['run: is no id of a run: 1 to 40 letters and digits'],
    });
    expect(await cancelling(post('young'))).toMatchObject({ statusCode: 409 });
  });
});

describe('retry', () => {
  it('takes a cancelled run up and on to its end', async () => {
    const world = playWorld();
    const run = await waitingRun(world);
    await cancel(world, run, 'test');
    await round(world, run);
    await endJobs(world, run);
    expect(await makeRetry(() => world)(post(run))).toMatchObject({
      statusCode: 202,
      body: JSON.stringify({ run, status: 'RUNNING' }),
    });
    expect(await play(world, run)).toMatchObject({ status: 'DONE', result: [30] });
  });

  it('refuses a run that goes on, that is done, or that is not there', async () => {
    const world = playWorld();
    const run = await waitingRun(world, 'busy');
    const retrying = makeRetry(() => world);
    expect(await retrying({ run })).toEqual({ errors: ['run busy is not over yet: RUNNING'] });
    await cancel(world, run, 'test');
    expect(await retrying(post(run))).toMatchObject({ statusCode: 409 });
    const done = await waitingRun(world, 'done');
    await play(world, done);
    expect(await retrying({ run: done })).toEqual({ errors: ['run done is done: there is nothing to retry'] });
    expect(await retrying(post('nothing'))).toMatchObject({ statusCode: 404 });
  });
});

describe('sweep', () => {
  const schedule = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} };
  const nothing = { active: 0, rounds: 0, left: 0, failures: [] };
  const MINUTE_MS = 60_000;

  it('does nothing while nothing is active', async () => {
    const world = playWorld();
    expect(await makeSweep(() => world)(schedule)).toEqual(nothing);
  });

  it('brings every active run forward that no event would, whatever becomes of the others', async () => {
    const world = playWorld();
    const [bad, good] = [await start(world, heavy(1)), await start(world, heavy(2))];
    const readAfter: World['journal']['readAfter'] = (asked, sequence) =>
      asked === bad ? Promise.reject(new Error('no database')) : world.journal.readAfter(asked, sequence);
    const broken: World = { ...world, journal: { ...world.journal, readAfter } };
    const report = await makeSweep(() => broken)(schedule);
    expect(report).toEqual({ ...nothing, active: 2, rounds: 1, failures: [`${bad}: Error: no database`] });
    expect(world.batch.jobs).toHaveLength(1);
    expect(await play(world, good)).toMatchObject({ status: 'DONE' });
  });

  it('leaves what it has no time for to the next one, which begins elsewhere', async () => {
    const world = playWorld();
    const runs: RunId[] = [];
    for (let at = 0; at < 3; at++) runs.push(await start(world, heavy(at)));
    const seen = new Set<string>();
    for (let turn = 0; turn < 3; turn++) {
      let calls = 0;
      const invocation = { getRemainingTimeInMillis: () => 16_000 };
      const readAfter: World['journal']['readAfter'] = (run, sequence) => {
        if (calls++ === 0) seen.add(run);
        world.clock.advance(MINUTE_MS);
        return Promise.reject(new Error(`${sequence}`));
      };
      const slow: World = { ...world, journal: { ...world.journal, readAfter } };
      expect(await makeSweep(() => slow)(schedule, invocation)).toMatchObject({ active: 3, left: 2 });
      world.clock.advance(4 * MINUTE_MS);
    }
    expect([...seen].sort()).toEqual([...runs].sort());
  });

  it('ends a run that was never begun, after longer than any start takes', async () => {
    const world = playWorld();
    const young = summary({
      run: 'young' as RunId,
      sequence: 0,
      status: 'RUNNING',
      startedAt: world.clock.now(),
      updatedAt: world.clock.now(),
    });
    await world.summaries.put(young);
    await makeSweep(() => world)(schedule);
    expect(await statusOf(world, young.run)).toBe('RUNNING');
    world.clock.advance(30 * MINUTE_MS);
    await makeSweep(() => world)(schedule);
    const given = await world.summaries.get(young.run);
    expect(given).toMatchObject({ status: 'FAILED', traceback: expect.stringContaining('never begun') });
    expect(world.bus.endings.map(({ run }) => run)).toEqual(['young']);
    expect(await makeSweep(() => world)(schedule)).toEqual(nothing);
  });
});
