import { describe, expect, it } from 'vitest';
import { PASS_FACTS_MAX } from '../../core/engine/meet.ts';
import { round } from '../../core/engine/round.ts';
import { type File, file, task } from '../../core/index.ts';
import { playWorld, start } from '../support/play.ts';

const v1 = { version: '1' };
const one = task('p.one', v1, (at: number) => at + 1);
const heavy = task('p.heavy', { ...v1, executor: 'batch' }, (at: number) => at);
const first = task('p.first', v1, (at: number) => heavy(at));
const read = task('p.read', v1, (input: File) => input.location);
const count = task('p.count', v1, (all: readonly number[]) => all.length);

const SIZE = 2 * PASS_FACTS_MAX + 10;

function numbers<T>(size: number, of: (at: number) => T): T[] {
  return Array.from({ length: size }, (_, at) => of(at));
}

describe('of more cheap calls at once than an entry is to hold', () => {
  it('a round makes several entries, and tells of each before it goes on', async () => {
    const world = playWorld();
    const told: (number | undefined)[] = [];
    const summaries: typeof world.summaries = {
      ...world.summaries,
      put: async (summary) => {
        told.push(summary.tally['p.one']?.done);
        await world.summaries.put(summary);
      },
    };
    const run = await start(world, count(numbers(SIZE, (at) => one(at))));
    await round({ ...world, summaries }, run);
    expect(await world.summaries.get(run)).toMatchObject({ status: 'DONE', result: [SIZE] });
    const entries = await world.journal.readAfter(run, 0);
    expect(entries.length).toBeGreaterThanOrEqual(4);
    for (const { facts } of entries) expect(facts.length).toBeLessThanOrEqual(PASS_FACTS_MAX + 2);
    expect(told).toEqual([...told].sort((a, b) => (a ?? 0) - (b ?? 0)));
    expect(told).toContain(PASS_FACTS_MAX);
  }, 30_000);

  it('one whose file cannot be seen fails when all the others have gone as far as they go', async () => {
    const world = playWorld();
    world.files.unseen.set('in/hidden', 'its server is down');
    const calls = [read(file('in/hidden')), ...numbers(PASS_FACTS_MAX + 10, (at) => one(at))];
    const run = await start(world, calls);
    await round(world, run);
    const summary = await world.summaries.get(run);
    expect(summary).toMatchObject({ status: 'FAILED', tally: { 'p.one': { done: PASS_FACTS_MAX + 10 } } });
  }, 30_000);

  it('the jobs that they come to share their arrays all the same', async () => {
    const world = playWorld();
    const run = await start(
      world,
      numbers(PASS_FACTS_MAX + 10, (at) => first(at)),
    );
    await round(world, run);
    const entries = await world.journal.readAfter(run, 0);
    const claims = entries.flatMap(({ facts }) => facts.filter((fact) => fact.type === 'claimed'));
    expect(claims.map(({ jobs }) => jobs.length)).toEqual([10_000, 10]);
  }, 30_000);
});
