import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { round } from '../../core/engine/round.ts';
import { add, catchError, dir, file, script, task } from '../../core/index.ts';
import { encode } from '../../core/values/encode.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { evaluate, play, playJobs, playWorld, start } from '../support/play.ts';

const v1 = { version: '1' };
const list = task('l.list', v1, (n: number) => Array.from({ length: n }, (_, at) => ({ at, text: 'x'.repeat(40) })));
const heavyList = task('l.heavy_list', { ...v1, executor: 'batch' }, (n: number) =>
  Array.from({ length: n }, (_, at) => ({ at, text: 'x'.repeat(40) })),
);
const spread = task('l.spread', v1, (n: number) => {
  const lazy = list(n);
  return Array.from({ length: n }, (_, at) => (lazy as unknown as { at: number }[])[at]?.at);
});
const recover = task('l.recover', v1, (error: Error) => error.name);

describe('a large value', () => {
  it('is loaded once, however many of its parts are wanted', async () => {
    const world = playWorld();
    let reads = 0;
    const get = (key: string) => {
      reads++;
      return world.objects.get(key);
    };
    const counting = {
      ...world,
      objects: { ...world.objects, get },
    };
    const parts = (await evaluate(counting, spread(2_000))) as number[];
    expect(parts).toEqual(Array.from({ length: 2_000 }, (_, at) => at));
    expect(reads).toBeLessThan(10);
  });

  it('that is gone from the store fails what needs it, which can be caught', async () => {
    const world = playWorld();
    const first = (heavyList(100) as unknown as { at: number }[])[0]?.at as number;
    const run = await start(world, catchError(add(first, 1), 'ValueGone', recover));
    await round(world, run);
    const reports = await playJobs(world);
    const stored = world.objects.stored as Map<string, Uint8Array>;
    for (const key of stored.keys()) if (key.startsWith('values/')) stored.delete(key);
    await round(world, run, reports);
    expect(await world.summaries.get(run)).toMatchObject({ status: 'DONE', result: ['ValueGone'] });
  });
});

/** What can become of an object of the store, told of its bytes. */
const DAMAGES: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array | undefined, string])[] = [
  ['gone', () => undefined, 'ValueGone'],
  ['cut off', (bytes) => bytes.slice(0, bytes.length / 2), 'ValueDamaged'],
  ['another value', () => gzipSync(JSON.stringify(encode('x'.repeat(2_000)))), 'ValueDamaged'],
  ['no table', () => gzipSync('{"a":[1]}'), 'ValueDamaged'],
  ['empty', () => new Uint8Array(), 'ValueDamaged'],
  ['of 300 MB', () => gzipSync(Buffer.alloc(300 * 1024 * 1024, 0x20)), 'ValueDamaged'],
];

function damageValues(world: MemoryWorld, damage: (bytes: Uint8Array) => Uint8Array | undefined): void {
  const stored = world.objects.stored as Map<string, Uint8Array>;
  for (const [key, bytes] of stored) {
    if (!key.startsWith('values/')) continue;
    const damaged = damage(bytes);
    if (damaged) stored.set(key, damaged);
    else stored.delete(key);
  }
}

describe('a large value that is', () => {
  it.each(DAMAGES)('%s in the store fails what needs it by name', async (_, damage, name) => {
    const world = playWorld();
    const first = (heavyList(100) as unknown as { at: number }[])[0]?.at as number;
    const run = await start(world, add(first, 1));
    await round(world, run);
    const reports = await playJobs(world);
    damageValues(world, damage);
    await round(world, run, reports);
    expect(await world.summaries.get(run)).toMatchObject({
      status: 'FAILED',
      traceback: expect.stringContaining(name),
    });
  });

  it.each(DAMAGES)('%s in the store is no cached result: it is computed again', async (_, damage) => {
    const world = playWorld();
    const value = await evaluate(world, [heavyList(100), list(100)]);
    damageValues(world, damage);
    const submitted = world.batch.jobs.length;
    expect(await evaluate(world, [heavyList(100), list(100)])).toEqual(value);
    expect(world.batch.jobs.length).toBe(submitted + 1);
    expect(await evaluate(world, [heavyList(100), list(100)])).toEqual(value);
    expect(world.batch.jobs.length).toBe(submitted + 1);
  });
});

describe('outputs', () => {
  const many = (text: string, folder: string) =>
    script(text, {
      executor: 'batch',
      outputs: Array.from({ length: 60 }, (_, at) => file(`${folder}/part-${at}.txt`).stage(`${at}`)),
    });

  it('too many to be held inline are looked through for conflicts all the same', async () => {
    const world = playWorld();
    const { otherErrors, traceback } = await play(
      world,
      await start(world, [many('echo a', 'out'), many('echo b', 'out')]),
    );
    expect([traceback, ...(otherErrors ?? [])].join()).toContain(
      'would write out/part-0.txt while redex.script is writing',
    );
    expect(world.batch.jobs).toHaveLength(1);
  });

  it('of one script to one place are refused before it is submitted, also where they come to be known in the run', async () => {
    const place = task('l.place', v1, (name: string) => file(`out/${name}`));
    const world = playWorld();
    const outputs = [place('b/../a'), file('out/a').stage('x')];
    const run = await start(world, script('true', { executor: 'batch', outputs }));
    await round(world, run);
    const summary = await world.summaries.get(run);
    expect(summary?.traceback).toMatch(/OutputConflict: redex.script: outputs: .*out\/a.* are one place/);
    expect(world.batch.jobs).toHaveLength(0);
  });

  it('in a directory that another job writes as a whole are a conflict, whichever comes first', async () => {
    const whole = script('mkdir d', { executor: 'batch', outputs: dir('out/a').stage('d') });
    const part = script('echo x > x', { executor: 'batch', outputs: file('out/a/b/x').stage('x') });
    const beside = script('echo y > y', { executor: 'batch', outputs: file('out/ab').stage('y') });
    for (const both of [
      [whole, part],
      [part, whole],
    ]) {
      const world = playWorld();
      await round(world, await start(world, both));
      expect(world.batch.jobs).toHaveLength(1);
    }
    const world = playWorld();
    await round(world, await start(world, [whole, beside]));
    expect(world.batch.jobs.map((job) => job.request.size)).toEqual([2]);
  });
});
