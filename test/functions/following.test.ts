/** What whoever follows a run asks: how it is, what it waits for, what it came to, what its jobs wrote, what a run would do. */

import { describe, expect, it } from 'vitest';
import { BundleGone } from '../../core/engine/deployed.ts';
import { readHistory } from '../../core/engine/history.ts';
import type { JobLogs } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { task, throwError, v } from '../../core/index.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';
import { makeLogs } from '../../functions/logs.ts';
import { makePlan } from '../../functions/plan.ts';
import { makeResult } from '../../functions/result.ts';
import { makeStart } from '../../functions/start.ts';
import { makeWait } from '../../functions/wait.ts';
import { makeWaiting } from '../../functions/waiting.ts';
import { httpEvent } from '../support/lambda-events.ts';
import { play, playWorld, start } from '../support/play.ts';

const one = task('f.one', { version: '1' }, (n: number) => n + 1);
const heavy = task('f.heavy', { version: '1', executor: 'batch' }, (n: number) => n);
task('f.main', { version: '1', params: v.object({ n: v.number() }) }, ({ n }) => [one(n), heavy(n)]);

const BUNDLE = digest('test', 'bundle');
const noLogs: JobLogs = { read: () => Promise.resolve(undefined) };
const statusOf = (answer: unknown) => (answer as { readonly statusCode: number }).statusCode;
const overHttp = (run: string, query: Record<string, string> = {}) =>
  httpEvent('GET', { route: '/runs/{run}/wait', path: { run }, query });

describe('waiting for news of a run', () => {
  async function waited() {
    const world = playWorld();
    const run = await start(world, heavy(1), { run: 'r1' });
    await round(world, run);
    const { updatedAt = 0 } = (await world.summaries.get(run)) ?? {};
    const slept: number[] = [];
    const time = {
      now: world.clock.now,
      sleep: async (ms: number) => {
        slept.push(ms);
        await world.clock.sleep(ms);
      },
    };
    return { world, run, seen: updatedAt, slept, time, wait: makeWait(() => world, time) };
  }

  it('is told at once where nothing was seen, or something else', async () => {
    const { run, seen, slept, wait } = await waited();
    expect(await wait({ run })).toMatchObject({ run, status: 'RUNNING' });
    expect(await wait({ run, seen: seen - 1 })).toMatchObject({ updatedAt: seen });
    expect(slept).toEqual([]);
  });

  it('takes as long as is asked for when there is none', async () => {
    const { run, seen, slept, wait } = await waited();
    expect(await wait({ run, seen, seconds: 3 })).toMatchObject({ updatedAt: seen });
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBe(3_000);
    expect(Math.max(...slept)).toBeLessThanOrEqual(500);
  });

  it('ends when there is some', async () => {
    const { world, run, seen, slept, time } = await waited();
    const wait = makeWait(() => world, {
      ...time,
      sleep: async (ms) => {
        await time.sleep(ms);
        if (slept.length === 3) await play(world, run);
      },
    });
    expect(await wait({ run, seen })).toMatchObject({ status: 'DONE' });
    expect(slept).toHaveLength(3);
    // A run that is over has no more to tell.
    const { updatedAt = 0 } = (await world.summaries.get(run)) ?? {};
    expect(await wait({ run, seen: updatedAt })).toMatchObject({ status: 'DONE' });
    expect(slept).toHaveLength(3);
  });

  it('over HTTP is asked for in texts, and refused where they are none of times', async () => {
    const { run, seen, wait } = await waited();
    expect(statusOf(await wait(overHttp(run, { seen: String(seen), seconds: '1' })))).toBe(200);
    expect(statusOf(await wait(overHttp(run, { seconds: '60' })))).toBe(400);
    expect(statusOf(await wait(overHttp(run, { seen: 'yesterday' })))).toBe(400);
    expect(statusOf(await wait(overHttp('none')))).toBe(404);
  });
});

describe('the result of a run', () => {
  const resultOf = async (expression: unknown) => {
    const world = playWorld();
    const run = await start(world, expression, { run: 'r1' });
    await play(world, run);
    return { world, run, result: makeResult(() => world) };
  };

  it('is JSON, or text as people read it', async () => {
    const { run, result } = await resultOf({ sum: one(1), at: new Date(0), none: undefined });
    expect(await result({ run })).toEqual({ run, value: { sum: 2, at: '1970-01-01T00:00:00.000Z', none: null } });
    expect(await result({ run, form: 'text' })).toEqual({ run, text: expect.stringContaining("'sum': 2") });
  });

  it('is whole, also where the summary has only its hash', async () => {
    const numbers = Array.from({ length: 20_000 }, (_, at) => at);
    const { world, run, result } = await resultOf(numbers);
    expect(JSON.stringify((await world.summaries.get(run))?.result).length).toBeLessThan(1_000);
    expect(await result({ run })).toEqual({ run, value: numbers });
  });

  it('that is too large for an answer is refused with its size', async () => {
    const { run, result } = await resultOf(['x'.repeat(6_000_000)]);
    expect(await result({ run })).toEqual({ errors: [expect.stringMatching(/has 60000\d\d bytes, too many/)] });
    expect(statusOf(await result(httpEvent('GET', { route: '/runs/{run}/result', path: { run } })))).toBe(413);
  });

  it('that the store has lost is gone by name', async () => {
    const { world, run } = await resultOf(Array.from({ length: 20_000 }, (_, at) => at));
    const gone = { ...world, objects: { ...world.objects, get: () => Promise.resolve(undefined) } };
    const lost = makeResult(() => gone);
    expect(await lost({ run })).toEqual({ errors: [expect.stringContaining('is gone from the object store')] });
    expect(statusOf(await lost(httpEvent('GET', { route: '/runs/{run}/result', path: { run } })))).toBe(410);
  });

  it('is not there before the end, and is the error of a run that failed', async () => {
    const { world, run, result } = await resultOf(throwError(new Error('no luck')));
    expect(await result({ run })).toMatchObject({ value: { message: 'no luck' } });
    const running = await start(world, heavy(2), { run: 'r2' });
    await round(world, running);
    expect(await result({ run: running })).toEqual({ errors: ['run r2 has no result: it is RUNNING'] });
    expect(await result({ run: 'none' })).toEqual({ errors: ['there is no run none'] });
  });
});

describe('what a run waits for', () => {
  it('is told by reason, with the jobs that are in the queue', async () => {
    const world = playWorld();
    const run = await start(world, [heavy(1), heavy(2)], { run: 'r1' });
    await round(world, run);
    const answer = await makeWaiting(() => ({ ...world, logs: noLogs }))({ run });
    expect(answer).toMatchObject({ run, waiting: [{ jobs: 2 }] });
    expect((answer as unknown as { queued: { task: string }[] }).queued.map((job) => job.task)).toEqual([
      'f.heavy',
      'f.heavy',
    ]);
  });

  it('is not looked for in a run that is too large, on which nothing is noted', async () => {
    const world = playWorld();
    const run = await start(world, [heavy(1), heavy(2)], { run: 'r1' });
    await round(world, run);
    const before = await world.summaries.get(run);
    const waiting = makeWaiting(() => ({ ...world, logs: noLogs, liveNodesMax: 0 }));
    expect(await waiting({ run })).toEqual({ errors: [expect.stringContaining('too large to be looked at')] });
    expect(await world.summaries.get(run)).toEqual(before);
  });
});

describe('what a job wrote', () => {
  async function written() {
    const world = playWorld();
    const run = await start(world, [heavy(1), one(1)], { run: 'r1' });
    await play(world, run);
    const folds = { count: 0 };
    const journal = {
      ...world.journal,
      readAfter: (...asked: [RunId, number]) => {
        folds.count++;
        return world.journal.readAfter(...asked);
      },
    };
    const parts = ['first\n', 'second\n', ''];
    const logs: JobLogs = {
      read: ({ executorId }, from = '0') =>
        Promise.resolve(
          executorId === undefined
            ? undefined
            : { text: parts[Number(from)] ?? '', next: String(Number(from) + 1), isEnd: from === '2' },
        ),
    };
    return { world, run, folds, ask: makeLogs(() => ({ ...world, journal, logs })) };
  }

  it('comes by parts, of which only the first reads the journal', async () => {
    const { world, run, folds, ask } = await written();
    const { jobs = [] } = (await readHistory(world, run)) ?? {};
    const { id: job = '' } = jobs.find(({ task: name }) => name === 'f.heavy') ?? {};
    let said = '';
    for (let cursor: string | undefined, parts = 0; parts < 10; parts++) {
      const part = await ask({ run, job, ...(cursor !== undefined && { cursor }) });
      if ('errors' in part) throw new Error(part.errors.join());
      said += part.text;
      if (part.end) break;
      ({ cursor } = part);
    }
    expect(said).toBe('first\nsecond\n');
    expect(folds.count).toBe(1);
    const { id: inline = '' } = jobs.find(({ task: name }) => name === 'f.one') ?? {};
    expect(await ask({ run, job: inline })).toEqual({ errors: [expect.stringContaining('has no log')] });
    expect(await ask({ run, job: 'none' })).toEqual({ errors: ['run r1 has no job none'] });
    expect(await ask({ run: 'none', job })).toEqual({ errors: ['there is no run none'] });
    expect(await ask({ run, job, cursor: 'x' })).toEqual({ errors: [expect.stringContaining('cursor')] });
  });
});

describe('a plan', () => {
  it('says what would run and what is cached, with the value where nothing would, and starts nothing', async () => {
    const world = playWorld();
    const plan = makePlan(
      () => world,
      () => Promise.resolve(BUNDLE),
    );
    const asked = { workflow: 'f.main', args: { n: 1 } };
    expect(await plan(asked)).toMatchObject({
      cached: 0,
      jobs: [{ task: 'f.main' }, { task: 'f.one', looked: true }, { task: 'f.heavy', executor: 'batch' }],
    });
    expect(await world.summaries.list({})).toEqual([]);
    const begun = await makeStart(
      () => world,
      () => Promise.resolve(BUNDLE),
    )(asked);
    await play(world, (begun as { run: RunId }).run);
    expect(await plan(asked)).toMatchObject({ cached: 3, jobs: [], value: [2, 1] });
    expect(await plan({ ...asked, cache: false })).toMatchObject({ cached: 0, jobs: { length: 3 } });
  });

  it('refuses what start refuses', async () => {
    const world = playWorld();
    const none = () => Promise.resolve(undefined);
    const plan = makePlan(() => world, none);
    expect(await plan({ workflow: 'f.main' })).toEqual({ errors: [expect.stringContaining('none was deployed')] });
    const deployed = makePlan(
      () => world,
      () => Promise.resolve(BUNDLE),
    );
    expect(await deployed({ workflow: 'f.main', args: { n: 'x' } })).toEqual({
      errors: [expect.stringContaining('n')],
    });
    expect(await deployed({ workflow: 'f.none' })).toEqual({ errors: [expect.stringContaining('f.none')] });
    const gone = makePlan(
      () => ({ ...world, host: { ...world.host, root: () => Promise.reject(new BundleGone('it is gone')) } }),
      none,
    );
    const named = { workflow: 'f.main', args: { n: 1 }, bundle: BUNDLE };
    expect(await gone(named)).toEqual({ errors: ['bundle: it is gone'] });
    expect(await deployed({ workflow: 'f.main', run: 'r1' })).toEqual({ errors: [expect.stringContaining('run')] });
  });
});
