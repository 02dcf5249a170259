import { describe, expect, it } from 'vitest';
import { BundleGone } from '../../core/engine/deployed.ts';
import type { Host } from '../../core/engine/ports.ts';
import { task, v } from '../../core/index.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';
import { makeStart, type StartAnswer } from '../../functions/start.ts';
import { httpEvent } from '../support/lambda-events.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { playWorld, takeOn } from '../support/play.ts';

const params = v.object({ count: v.number(), name: v.optional(v.string(), 'x') });
task('s.main', { version: '1', params }, ({ count, name }) => `${name}${count}`);

const BUNDLE = digest('test', 'bundle');

function startOn(world: MemoryWorld) {
  return makeStart(
    () => world,
    () => Promise.resolve(BUNDLE),
  );
}

function runOf(answer: StartAnswer): RunId {
  if (!('run' in answer)) throw new Error(answer.errors.join('\n'));
  return answer.run;
}

describe('start', () => {
  it('begins a run, which whoever is woken takes on', async () => {
    const world = playWorld();
    const answer = await startOn(world)({
      workflow: 's.main',
      args: { count: 2 },
      tags: { who: 'me', constructor: 'it' },
    });
    const run = runOf(answer);
    expect(await world.summaries.get(run)).toMatchObject({ status: 'RUNNING', sequence: 0 });
    expect(world.bus.woken).toEqual([run]);
    await takeOn(world);
    expect(await world.summaries.get(run)).toMatchObject({
      status: 'DONE',
      workflow: 's.main',
      args: { count: 2 },
      bundle: BUNDLE,
      tags: { who: 'me', constructor: 'it' },
      result: ['x2'],
    });
  });

  it('tells the bus of a run once, before it begins', async () => {
    const world = playWorld();
    const request = { workflow: 's.main', args: { count: 2 }, run: 'mine1' };
    await startOn(world)(request);
    await startOn(world)(request);
    await takeOn(world);
    expect(world.bus.beginnings).toMatchObject([{ run: 'mine1', workflow: 's.main', sequence: 0 }]);
    expect(world.bus.endings).toMatchObject([{ run: 'mine1', status: 'DONE' }]);
  });

  it('passes on how the run is to be: context, failure policy, cache', async () => {
    const world = playWorld({ context: { a: 1, b: 1 } });
    const request = { workflow: 's.main', args: { count: 1 }, context: { b: 2 }, failure: 'cancel', cache: false };
    const run = runOf(await startOn(world)(request));
    const [entry] = await world.journal.readAfter(run, 0);
    expect(entry?.facts[0]).toMatchObject({
      type: 'started',
      failure: 'cancel',
      cache: false,
      program: { context: { a: 1, b: 2 } },
    });
  });

  it('pins the run to the bundle that was asked for, else to the one that was deployed', async () => {
    const world = playWorld();
    const bundles: string[] = [];
    const root: Host['root'] = (bundle, workflow, args) => {
      bundles.push(bundle);
      return world.host.root(bundle, workflow, args);
    };
    const start = makeStart(
      () => ({ ...world, host: { ...world.host, root } }),
      () => Promise.resolve(BUNDLE),
    );
    const another = digest('test', 'another bundle');
    await start({ workflow: 's.main', args: { count: 1 } });
    await start({ workflow: 's.main', args: { count: 1 }, bundle: another });
    expect(bundles).toEqual([BUNDLE, another]);
  });

  it('starts one run however often it is asked for it by the same id', async () => {
    const world = playWorld();
    const request = { workflow: 's.main', args: { count: 2 }, run: 'mine1' };
    expect(await startOn(world)(request)).toEqual({ run: 'mine1' });
    const entries = await world.journal.readAfter('mine1' as RunId, 0);
    expect(await startOn(world)(request)).toEqual({ run: 'mine1' });
    expect(await world.journal.readAfter('mine1' as RunId, 0)).toEqual(entries);
    expect(await world.summaries.list({ limit: 10 })).toHaveLength(1);
  });

  it.each([
    ['arguments', { args: { count: 3 } }],
    ['tags', { tags: { who: 'me' } }],
    ['context', { context: { a: 1 } }],
    ['failure policy', { failure: 'cancel' }],
    ['use of the cache', { cache: false }],
  ])('answers 409 to a request for the same run with another %s, and leaves the run as it is', async (_, change) => {
    const world = playWorld();
    const request = { workflow: 's.main', args: { count: 2 }, run: 'mine3' };
    await startOn(world)(request);
    const before = await world.summaries.get('mine3' as RunId);
    const answer = await startOn(world)(httpEvent('POST', { body: JSON.stringify({ ...request, ...change }) }));
    expect(answer).toMatchObject({ statusCode: 409, body: expect.stringContaining('mine3') });
    expect(await world.summaries.get('mine3' as RunId)).toEqual(before);
  });

  it('lets one of two different requests for one run begin it when they come at once', async () => {
    const world = playWorld();
    const ask = (count: number) => startOn(world)({ workflow: 's.main', args: { count }, run: 'mine4' });
    const answers = await Promise.all([ask(1), ask(2)]);
    expect(answers.filter((answer) => 'run' in answer)).toHaveLength(1);
    expect(answers.flatMap((answer) => ('errors' in answer ? answer.errors : []))).toEqual([
      expect.stringContaining('mine4'),
    ]);
  });

  it('gives the id of a run that never began to whoever asks next, and tells how that run was to begin', async () => {
    const world = playWorld();
    const request = { workflow: 's.main', args: { count: 2 }, run: 'mine6', failure: 'cancel', context: { a: 1 } };
    const dying = { ...world, journal: { ...world.journal, append: () => Promise.reject(new Error('no database')) } };
    await expect(startOn(dying)(request)).rejects.toThrow('no database');
    const unbegun = await world.summaries.get('mine6' as RunId);
    expect(unbegun).toMatchObject({ sequence: 0, beginning: { failure: 'cancel', cache: true, context: { a: 1 } } });
    world.clock.advance(1);
    expect(await startOn(world)({ workflow: 's.main', args: { count: 3 }, run: 'mine6' })).toEqual({ run: 'mine6' });
    await takeOn(world);
    expect((await world.summaries.get('mine6' as RunId))?.result).toEqual(['x3']);
    expect(await world.summaries.get('mine6' as RunId)).not.toHaveProperty('beginning');
  });

  it('takes the same request again after a deploy, and with its arguments in another order, for the same run', async () => {
    const world = playWorld();
    await startOn(world)({ workflow: 's.main', args: { count: 2, name: 'n' }, run: 'mine5' });
    const again = { workflow: 's.main', args: { name: 'n', count: 2 }, run: 'mine5', bundle: digest('test', 'newer') };
    expect(await startOn(world)(again)).toEqual({ run: 'mine5' });
  });

  it('begins one run for a key, however often it comes with the same request, and refuses it with another', async () => {
    const world = playWorld();
    const ask = async (key: string, count: number, more: object = {}) => {
      const body = JSON.stringify({ workflow: 's.main', args: { count }, ...more });
      const answer = await startOn(world)(httpEvent('POST', { body, headers: { 'idempotency-key': key } }));
      return answer as unknown as { statusCode: number; body: string };
    };
    const first = await ask('order 1/a', 1);
    expect(first.statusCode).toBe(202);
    expect(await ask('order 1/a', 1)).toEqual(first);
    expect(await ask('order 1/a', 2)).toMatchObject({ statusCode: 409 });
    expect((await ask('order 1/b', 1)).body).not.toBe(first.body);
    expect(await world.summaries.list({})).toHaveLength(2);
    expect(await ask('order 1/c', 1, { run: 'mine' })).toMatchObject({ statusCode: 400 });
    for (const key of ['', 'ä', 'a\u0000', 'x'.repeat(256)])
      expect(await ask(key, 1)).toMatchObject({ statusCode: 400 });
    expect(await world.summaries.list({})).toHaveLength(2);
  });

  it('answers HTTP with 202 and the run', async () => {
    const world = playWorld();
    const body = JSON.stringify({ workflow: 's.main', args: { count: 2 }, run: 'mine2' });
    expect(await startOn(world)(httpEvent('POST', { body }))).toEqual({
      statusCode: 202,
      headers: { 'content-type': 'application/json' },
      body: '{"run":"mine2"}',
    });
    const base64 = { ...(httpEvent('POST', { body: btoa(body) }) as object), isBase64Encoded: true };
    expect(await startOn(world)(base64)).toMatchObject({ statusCode: 202 });
  });
});

describe('start refuses', () => {
  async function errorsOf(request: unknown, world = playWorld()): Promise<string> {
    const answer = await startOn(world)(request);
    expect(await world.summaries.list({ limit: 10 })).toEqual([]);
    return 'errors' in answer ? answer.errors.join('\n') : '';
  }

  it('arguments that do not fit, and lists what is wrong with them', async () => {
    const errors = await errorsOf({ workflow: 's.main', args: { count: 'two', nmae: 'y' } });
    expect(errors).toMatch(/count: .*number/);
    expect(errors).toMatch(/nmae: there is no such parameter/);
  });

  it('a workflow that is not there, and names those that are', async () => {
    expect(await errorsOf({ workflow: 's.mian' })).toMatch(/s\.mian[\s\S]*s\.main/);
  });

  it.each([
    [undefined, /workflow/],
    [{}, /workflow/],
    [{ workflow: '' }, /workflow: is empty/],
    [{ workflow: 's.main', args: [] }, /args: is no JSON object/],
    [{ workflow: 's.main', run: 'a-b' }, /run: is no id of a run: 1 to 40 letters and digits/],
    [{ workflow: 's.main', tags: { a: 1 } }, /tags\.a/],
    [{ workflow: 's.main', failure: 'never' }, /failure/],
    [{ workflow: 's.main', bundle: 'new' }, /bundle: is no hash of a bundle/],
    [{ workflow: 's.main', argz: {} }, /argz/],
    [
      { workflow: 's.main', context: JSON.parse(`{"a":${'['.repeat(100)}1${']'.repeat(100)}}`) },
      /context: has more than/,
    ],
  ])('%j', async (request, error) => {
    expect(await errorsOf(request)).toMatch(error);
  });

  it('all at once, with 400 over HTTP', async () => {
    const body = JSON.stringify({ args: 5, cache: 'no' });
    const answer = await startOn(playWorld())(httpEvent('POST', { body }));
    const { statusCode, body: text } = answer as unknown as { statusCode: number; body: string };
    expect(statusCode).toBe(400);
    expect(JSON.parse(text).errors.map((error: string) => error.split(':')[0])).toEqual(
      expect.arrayContaining(['args', 'cache']),
    );
  });

  it.each(['not json', '[]', '"text"', 'null'])('the body %s with 400', async (body) => {
    const answer = await startOn(playWorld())(httpEvent('POST', { body }));
    expect(answer).toMatchObject({ statusCode: 400, body: '{"errors":["the body is no JSON object"]}' });
  });

  it('to run without a bundle', async () => {
    const start = makeStart(
      () => playWorld(),
      () => Promise.resolve(undefined),
    );
    expect(await start({ workflow: 's.main' })).toEqual({
      errors: ['bundle: none was deployed, and the request names none'],
    });
  });

  it('a bundle that is not there where the request names it, and fails where that was deployed', async () => {
    const gone = () => Promise.reject(new BundleGone('it is gone'));
    const world = playWorld();
    const start = startOn({ ...world, host: { ...world.host, root: gone } });
    expect(await start({ workflow: 's.main', bundle: BUNDLE })).toEqual({ errors: ['bundle: it is gone'] });
    await expect(start({ workflow: 's.main' })).rejects.toThrow('it is gone');
  });

  it('nothing when the fault is its own: that is a 500, or an exception', async () => {
    const broken = makeStart(
      () => {
        throw new Error('no database');
      },
      () => Promise.resolve(BUNDLE),
    );
    const request = { workflow: 's.main', args: { count: 1 } };
    await expect(broken(request)).rejects.toThrow('no database');
    const answer = await broken(httpEvent('POST', { body: JSON.stringify(request) }));
    expect(answer).toMatchObject({ statusCode: 500 });
    expect(JSON.stringify(answer)).not.toContain('no database');
  });
});
