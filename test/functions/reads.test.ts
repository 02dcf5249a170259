/** What can be read of runs, their jobs, and what can be started. */

import { describe, expect, it } from 'vitest';
import { deployBundle } from '../../core/engine/deployed.ts';
import { keys, putSealed } from '../../core/engine/objects.ts';
import { add, task } from '../../core/index.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';
import { makeJobHistory } from '../../functions/jobhistory.ts';
import { makeJobs } from '../../functions/jobs.ts';
import { makeRuns, type RunsAnswer } from '../../functions/runs.ts';
import { makeWorkflow } from '../../functions/workflow.ts';
import { makeWorkflows } from '../../functions/workflows.ts';
import { summary } from '../contract/summaries.ts';
import { httpEvent } from '../support/lambda-events.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { play, playWorld, start } from '../support/play.ts';

const one = task('r.one', { version: '1' }, (n: number) => n + 1);

async function withRuns(count: number, change: (at: number) => object = () => ({})): Promise<MemoryWorld> {
  const world = playWorld();
  for (let at = 0; at < count; at++) {
    await world.summaries.put(
      summary({ run: `run${String(at).padStart(3, '0')}` as RunId, startedAt: 1_000 + at, ...change(at) }),
    );
  }
  return world;
}

const idsOf = (answer: RunsAnswer): string[] => ('runs' in answer ? answer.runs.map(({ run }) => run) : []);

describe('the list of runs', () => {
  it('comes newest first and by the page, each run once, also those of one millisecond', async () => {
    const world = await withRuns(30, (at) => ({ startedAt: 1_000 + Math.floor(at / 7) }));
    const runs = makeRuns(() => world);
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < 20; pages++) {
      const answer = await runs({ limit: 4, ...(cursor && { cursor }) });
      seen.push(...idsOf(answer));
      cursor = 'cursor' in answer ? answer.cursor : undefined;
      if (cursor === undefined) break;
    }
    expect(seen).toEqual((await world.summaries.list({})).map(({ run }) => run));
  });

  it('is of one workflow, status, tag or time', async () => {
    const world = await withRuns(6, (at) => ({
      workflow: at % 2 ? 'odd' : 'even',
      status: at < 3 ? 'DONE' : 'RUNNING',
      tags: { who: at === 4 ? 'me' : 'you' },
    }));
    const runs = makeRuns(() => world);
    expect(idsOf(await runs({ workflow: 'odd' }))).toEqual(['run005', 'run003', 'run001']);
    expect(idsOf(await runs({ workflow: 'odd', status: 'DONE' }))).toEqual(['run001']);
    expect(idsOf(await runs({ tag: 'who=me' }))).toEqual(['run004']);
    expect(idsOf(await runs({ tag: 'who' }))).toHaveLength(6);
    expect(idsOf(await runs({ tag: 'constructor' }))).toEqual([]);
    expect(idsOf(await runs({ from: 1_002, until: 1_004 }))).toEqual(['run004', 'run003', 'run002']);
    expect(idsOf(await runs({ until: '1970-01-01T00:00:01.001Z' }))).toEqual(['run001', 'run000']);
  });

  it('ends a page early where it has looked through many, and goes on from there', async () => {
    const world = await withRuns(1_200, (at) => ({ workflow: at === 0 ? 'rare' : 'usual' }));
    const runs = makeRuns(() => world);
    const first = await runs({ workflow: 'rare', limit: 100 });
    expect(first).toEqual({ runs: [], cursor: expect.any(String) });
    const { cursor } = first as { cursor: string };
    expect(idsOf(await runs({ workflow: 'rare', limit: 100, cursor }))).toEqual(['run000']);
  });

  it('comes over HTTP, where all is text, and holds no value', async () => {
    const world = await withRuns(3, () => ({ result: ['large'] }));
    const answer = await makeRuns(() => world)(httpEvent('GET', { query: { limit: '2', from: '1000' } }));
    const { statusCode, body } = answer as unknown as { statusCode: number; body: string };
    expect(statusCode).toBe(200);
    expect(idsOf(JSON.parse(body))).toEqual(['run002', 'run001']);
    expect(body).not.toContain('large');
  });

  it.each([
    [{ limit: 'many' }, /^limit: is no whole number$/],
    [{ limit: 0 }, /^limit: is less than 1$/],
    [{ limit: 100_000 }, /^limit: is more than 200$/],
    [{ status: 'FINE' }, /^status: /],
    [{ from: 'yesterday' }, /^from: is neither a time/],
    [{ cursor: 'x' }, /^cursor: is no cursor that a list gave$/],
    [{ cursor: Buffer.from('{"startedAt":"1"}').toString('base64url') }, /^cursor\./],
    [{ wokflow: 'x' }, /wokflow/],
  ])('is refused for %j', async (request, problem) => {
    const world = playWorld();
    expect(await makeRuns(() => world)(request)).toEqual({
      errors: expect.arrayContaining([expect.stringMatching(problem)]),
    });
  });
});

describe('the jobs of a run', () => {
  it('come in the order in which they came up, by status, task and page, and each by its id', async () => {
    const world = playWorld();
    const run = await start(world, add(one(1), one(2)), { run: 'r1' });
    await play(world, run);
    const jobs = makeJobs(() => world);
    const all = (await jobs({ run })) as unknown as { jobs: { id: string; task: string; status: string }[] };
    expect(all.jobs.map(({ task: name, status }) => [name, status])).toEqual([
      ['r.one', 'DONE'],
      ['r.one', 'DONE'],
    ]);
    expect(await jobs({ run, task: 'none' })).toEqual({ run, jobs: [] });
    const first = (await jobs({ run, limit: 1 })) as unknown as { jobs: object[]; cursor: string };
    expect(first).toEqual({ run, jobs: [all.jobs[0]], cursor: expect.any(String) });
    expect(await jobs({ run, limit: 1, cursor: first.cursor })).toEqual({ run, jobs: [all.jobs[1]] });
    expect(await makeJobHistory(() => world)({ run, job: all.jobs[1]?.id })).toMatchObject({
      ...all.jobs[1],
      attempts: [{ attempt: 1, status: 'DONE' }],
    });
    expect(await makeJobHistory(() => world)({ run, job: 'none' })).toEqual({ errors: ['run r1 has no job none'] });
  });

  it.each([
    [{ run: 'none' }, 'there is no run none'],
    [{ run: '../x' }, 'run: is no id of a run: 1 to 40 letters and digits'],
    [{}, 'run: '],
    [{ run: 'r1', cursor: 'x' }, 'cursor: is no cursor that a list gave'],
  ])('are refused for %j', async (request, problem) => {
    const world = playWorld();
    expect(await makeJobs(() => world)(request)).toMatchObject({
      errors: expect.arrayContaining([expect.stringContaining(problem)]),
    });
  });
});

describe('what can be started', () => {
  it('is what was deployed, with its parameters', async () => {
    const world = playWorld();
    const workflows = makeWorkflows(() => world);
    expect(await workflows({})).toEqual({ errors: ['no workflows were deployed'] });
    const bundle = digest('test', 'deployed');
    const params = { type: 'object', properties: { n: { type: 'number' } } };
    const tasks = {
      'w.main': { hash: 'h', options: {}, params, description: 'Does it', place: 'workflow.ts:3' },
      'w.part': { hash: 'h', options: {} },
    };
    await putSealed(world.objects, keys.program(bundle), { bundle, tasks });
    await deployBundle(world.objects, bundle);
    const main = { name: 'w.main', description: 'Does it', place: 'workflow.ts:3' };
    expect(await workflows({})).toEqual({ bundle, workflows: [main] });
    expect(await makeWorkflow(() => world)({ workflow: 'w.main' })).toEqual({ bundle, ...main, params });
    for (const workflow of ['w.part', 'constructor', '__proto__']) {
      expect(await makeWorkflow(() => world)({ workflow })).toEqual({ errors: [`there is no workflow ${workflow}`] });
    }
  });
});
