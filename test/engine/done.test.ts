import { describe, expect, it } from 'vitest';
import { readHistory } from '../../core/engine/history.ts';
import { loadLarge } from '../../core/engine/objects.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { cond, gt, len, map, seq, task } from '../../core/index.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { plain, play, playWorld, start, totals } from '../support/play.ts';

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

describe('jobs that nothing refers to any more', () => {
  it('leave the live graph, and an equal call made later is joined and not run, also without cache', async () => {
    const world = playWorld();
    const { run, summary } = await playThrough(world);
    const facts = (await world.journal.readAfter(run, 0)).flatMap((entry) => entry.facts);
    expect(facts.filter((fact) => fact.type === 'left')).toHaveLength(1);
    expect(facts.filter((fact) => fact.type === 'joined').length).toBeGreaterThanOrEqual(2);
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
    const facts = (await world.journal.readAfter(run, 0)).flatMap((entry) => entry.facts);
    expect(facts.filter((fact) => fact.type === 'joined').length).toBeGreaterThanOrEqual(1_500);
    expect(read.length).toBeGreaterThan(0);
    expect(read.length).toBeLessThan(10);
  });

  it('leave the same way when the graph is folded from its first entry at every round', async () => {
    const warm = playWorld();
    const cold: MemoryWorld = { ...playWorld(), warm: warmGraphs(0) };
    const [a, b] = [await playThrough(warm), await playThrough(cold)];
    expect(b.summary.tally).toEqual(a.summary.tally);
    expect(b.summary.sequence).toBe(a.summary.sequence);
  });
});
