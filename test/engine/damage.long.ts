/** Every object of the store damaged, replaced or removed in turn, between two runs and in the middle of one. */

import { describe, expect, it } from 'vitest';
import { retry } from '../../core/engine/retry.ts';
import { round } from '../../core/engine/round.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { add, catchError, map, task } from '../../core/index.ts';
import { type MemoryWorld, withBatch } from '../support/memory-world.ts';
import { evaluate, play, playJobs, playWorld, start } from '../support/play.ts';

const v1 = { version: '1' };
const batch = { ...v1, executor: 'batch' };
const text = task('m.text', batch, (n: number) => `${n} `.repeat(1000));
const length = task('m.length', batch, (all: string) => all.length);
const numbers = task('m.numbers', v1, (n: number) => Array.from({ length: n }, (_, at) => at));
const heavy = task('m.heavy', batch, (n: number) => ({ n, text: 'x'.repeat(1500) }));
const sizes = task('m.sizes', v1, (all: { n: number }[]) => all.map(({ n }) => n));
const fragile = task('m.fragile', batch, (n: number): number => {
  throw Object.assign(new Error(`no ${n}`), { stack: undefined });
});
const zero = task('m.zero', v1, (_error: Error) => 0);

const expression = () => [
  add(length(text(1)), length(text(2))),
  sizes(map(heavy, numbers(300)) as never),
  catchError(fragile(3), 'Error', zero),
];
const RIGHT = [4000, Array.from({ length: 300 }, (_, at) => at), 0];
const BY_NAME = /^(ValueGone|ValueDamaged): /m;

const DAMAGES: Readonly<Record<string, (bytes: Uint8Array, others: readonly Uint8Array[]) => Uint8Array | undefined>> =
  {
    removed: () => undefined,
    emptied: () => new Uint8Array(),
    cut: (bytes) => bytes.slice(0, Math.floor(bytes.length / 2)),
    'another one': (bytes, others) => others.find((other) => other.length !== bytes.length),
  };

/** `name`: of an object, or how that of the only one begins. */
function harm(world: MemoryWorld, name: string, damage: keyof typeof DAMAGES): void {
  const stored = world.objects.stored as Map<string, Uint8Array>;
  const key = [...stored.keys()].find((each) => each.startsWith(name)) as string;
  const bytes = stored.get(key) as Uint8Array;
  const damaged = DAMAGES[damage]?.(bytes, [...stored.values()]);
  if (damaged) stored.set(key, damaged);
  else stored.delete(key);
}

/** One key of each kind, and every value. */
function keysOf(world: MemoryWorld): string[] {
  const keys = [...world.objects.stored.keys()];
  const kinds = new Map(keys.map((key) => [key.split('/')[0], key]));
  return [...keys.filter((key) => key.startsWith('values/')).slice(0, 12), ...kinds.values()];
}

describe.each(Object.keys(DAMAGES))('an object of the store that is %s', (damage) => {
  it('between two runs: the next one is right', async () => {
    const world = playWorld();
    await evaluate(world, expression());
    for (const key of keysOf(world)) {
      harm(world, key, damage);
      expect(await evaluate(world, expression()), key).toEqual(RIGHT);
    }
  });

  it('in the middle of a run: it ends right or fails by name, and the next one is right', async () => {
    const probe = playWorld();
    await round(probe, await start(probe, expression(), { run: 'probe' }));
    await playJobs(probe);
    for (const key of keysOf(probe).filter((each) => !each.startsWith('specs/'))) {
      const world = playWorld();
      const run = await start(world, expression(), { run: 'probe' });
      await round(world, run);
      const reports = await playJobs(world);
      if (!world.objects.stored.has(key)) continue;
      harm(world, key, damage);
      const cold = { ...world, warm: warmGraphs(1) };
      await round(cold, run, reports);
      const { status, traceback = '', otherErrors = [] } = await play(cold, run);
      if (status !== 'DONE') expect([traceback, ...otherErrors].join('\n'), key).toMatch(BY_NAME);
      expect(await evaluate(world, expression()), key).toEqual(RIGHT);
    }
  });

  it('a job spec: its job fails by name, and a retry writes another', async () => {
    const world = playWorld();
    const run = await start(world, length(text(1)));
    await round(world, run);
    harm(world, 'specs/', damage);
    await expect(playJobs(world)).rejects.toThrow(/job spec/);
    // The runner ends like this when it throws.
    const [job] = world.batch.jobs;
    const report = world.batch.report(job?.id as string, { status: 'FAILED', exitCode: 1 });
    expect(await round(world, run, [report])).toMatchObject({ status: 'FAILED' });
    expect((await world.summaries.get(run))?.traceback).toMatch(/^JobFailed: m\.text/m);
    await retry(world, run);
    expect(await play(world, run)).toMatchObject({ status: 'DONE' });
    expect(world.batch.jobs).toHaveLength(3);
  });

  it('the spec of a claim whose sender died: what is sent anew fails by name, and a retry writes another', async () => {
    const world = playWorld();
    const run = await start(world, length(text(1)));
    const silent = withBatch(world, { submit: () => Promise.reject(new Error('the handler died')) });
    await expect(round(silent, run)).rejects.toThrow('the handler died');
    harm(world, 'specs/', damage);
    world.clock.advance(10 * 60_000);
    await round({ ...world, warm: warmGraphs(1) }, run);
    await expect(playJobs(world)).rejects.toThrow(/job spec/);
    const [job] = world.batch.jobs;
    const report = world.batch.report(job?.id as string, { status: 'FAILED', exitCode: 1 });
    expect(await round(world, run, [report])).toMatchObject({ status: 'FAILED' });
    await retry(world, run);
    expect(await play(world, run)).toMatchObject({ status: 'DONE' });
  });
});
