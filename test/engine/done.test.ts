import { beforeAll, describe, expect, it } from 'vitest';
import { readHistory } from '../../core/engine/history.ts';
import { loadLarge, putSealed } from '../../core/engine/objects.ts';
import { retry } from '../../core/engine/retry.ts';
import { round } from '../../core/engine/round.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { cond, gt, len, map, seq, task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { evaluate, plain, play, playWorld, start, totals } from '../support/play.ts';

const v1 = { version: '1' };
const heavy = task('d.heavy', { ...v1, executor: 'batch' }, (n: number) => n);
let runs = 0;
const small = task('d.small', { ...v1, cache: false }, (n: number) => {
  runs++;
  return n * 2;
});
const range = task('d.range', v1, (n: number) => Array.from({ length: n }, (_, at) => at));
const many = task('d.many', v1, (n: number) => map(small, range(n)));
const again = task('d.again', v1, (n: number) => len(map(small, range(n))));
const count = task('d.count', v1, (n: number) => len(many(n)));
/** Rounds enough for a snapshot, one job each. */
const slow = task('d.slow', v1, (n: number): unknown => cond(gt(n, 0), seq([heavy(n), slow(n - 1)]), 0));

async function playThrough(world: MemoryWorld) {
  runs = 0;
  const run = await start(world, seq([count(1_500), slow(70), small(7), count(1_500), small(1_499)]), { cache: false });
  return { run, summary: await play(world, run) };
}

const DAMAGES: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array | undefined>> = {
  removed: () => undefined,
  cut: (bytes) => bytes.slice(0, bytes.length / 2),
  "another key's": () => otherBytes,
};
let otherBytes: Uint8Array;

beforeAll(async () => {
  const { objects } = playWorld();
  await putSealed(objects, 'snapshots/other/64', {});
  otherBytes = objects.stored.get('snapshots/other/64') as Uint8Array;
});

function harm({ objects }: MemoryWorld, folder: string, damage: string): number {
  const stored = objects.stored as Map<string, Uint8Array>;
  const chosen = [...stored].filter(([key]) => key.startsWith(folder));
  for (const [key, bytes] of chosen) {
    const damaged = DAMAGES[damage]?.(bytes);
    if (damaged) stored.set(key, damaged);
    else stored.delete(key);
  }
  return chosen.length;
}

const facts = async (world: MemoryWorld, run: RunId) =>
  (await world.journal.readAfter(run, 0)).flatMap((entry) => entry.facts);

describe('jobs that nothing refers to any more', () => {
  it('leave the live graph, and an equal call made later is joined and not run, also without cache', async () => {
    const world = playWorld();
    const { run, summary } = await playThrough(world);
    const told = await facts(world, run);
    expect(told.filter((fact) => fact.type === 'left')).toHaveLength(1);
    expect(told.filter((fact) => fact.type === 'joined').length).toBeGreaterThanOrEqual(2);
    expect(runs).toBe(1_500);
    const value = plain(await loadLarge(world.objects, summary.result as never));
    expect(value).toMatchObject({ 0: 1_500, 2: 14, 3: 1_500, 4: 2_998 });
    expect(totals(summary)).toMatchObject({ pending: 0, running: 0, done: 1_500 + 3 + 71 + 70 });
    expect((await readHistory(world, run))?.jobs.filter(({ status }) => status === 'DONE')).toHaveLength(1_644);
  });

  it('are read once a round, however many of them are joined', async () => {
    const world = playWorld();
    const read: string[] = [];
    const { objects } = world;
    const get: typeof objects.get = (key, range) => {
      if (key.startsWith('done/')) read.push(key);
      return objects.get(key, range);
    };
    const watched = { ...world, objects: { ...objects, get } };
    const run = await start(watched, seq([count(1_500), slow(70), again(1_500)]), { cache: false });
    await play(watched, run);
    const told = await facts(world, run);
    expect(told.filter((fact) => fact.type === 'joined').length).toBeGreaterThanOrEqual(1_500);
    expect(read.length).toBeGreaterThan(0);
    expect(read.length).toBeLessThan(10);
  });

  it.each(Object.keys(DAMAGES))('and whose values are %s fail the calls that join them by name', async (damage) => {
    const world = playWorld();
    const between = () => void harm(world, 'done/', damage);
    const run = await start(world, seq([count(1_500), slow(70), small(7)]), { cache: false });
    const summary = await play(world, run, { between });
    expect(summary.status).toBe('FAILED');
    expect(summary.traceback).toMatch(/^Value(Gone|Damaged): the object .*done\//m);
    expect((await facts(world, run)).map(({ type }) => type).slice(-2)).toEqual(['gone', 'ended']);
  });

  it('and whose values are lost fail a retry by the same name, which goes on once they are back', async () => {
    const world = playWorld();
    let kept: [string, Uint8Array][] = [];
    const between = () => {
      kept = [...kept, ...[...world.objects.stored].filter(([key]) => key.startsWith('done/'))];
      harm(world, 'done/', 'removed');
    };
    const run = await start(world, seq([count(1_500), slow(70), small(7)]), { cache: false });
    await play(world, run, { between });
    runs = 0;
    await retry(world, run);
    expect(await round(world, run)).toMatchObject({ status: 'FAILED' });
    expect((await world.summaries.get(run))?.traceback).toMatch(/^ValueGone: the object .*done\//m);
    for (const [key, bytes] of kept) (world.objects.stored as Map<string, Uint8Array>).set(key, bytes);
    await retry(world, run);
    expect(await round(world, run)).toMatchObject({ status: 'DONE' });
    expect(runs).toBe(0);
  });

  it.each(Object.keys(DAMAGES))('are in the journal, too, where the snapshot is %s', async (damage) => {
    const world: MemoryWorld = { ...playWorld(), warm: warmGraphs(0) };
    let harmed = 0;
    const between = () => {
      harmed += harm(world, 'snapshots/', damage);
    };
    expect(await evaluate(world, seq([len(range(5)), slow(66)]), { between })).toMatchObject({ 0: 5 });
    expect(harmed).toBeGreaterThan(0);
  });

  it('leave the same way when the graph is folded from its first entry at every round', async () => {
    const warm = playWorld();
    const cold: MemoryWorld = { ...playWorld(), warm: warmGraphs(0) };
    const [a, b] = [await playThrough(warm), await playThrough(cold)];
    expect(b.summary.tally).toEqual(a.summary.tally);
    expect(b.summary.sequence).toBe(a.summary.sequence);
  });
});
