/** Whole runs: docs/acceptance.md, lines 23, 52, 54 and 55, where no other test has them. */

import { describe, expect, it } from 'vitest';
import type { World } from '../../core/engine/ports.ts';
import { lineageOf } from '../../core/engine/provenance.ts';
import { round } from '../../core/engine/round.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { add, catchError, File, file, map, task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { plain, play, playJobs, playWorld, start } from '../support/play.ts';

const v1 = { version: '1' };
const batch = { ...v1, executor: 'batch' };

describe('a run that is killed', () => {
  let ran: string[] = [];
  const heavy = task('w.heavy', batch, (n: number) => {
    ran.push(`heavy ${n}`);
    return n * 10;
  });
  const fragile = task('w.fragile', batch, (n: number): number => {
    ran.push(`fragile ${n}`);
    if (n > 1) throw new RangeError(`no ${n}`);
    return n;
  });
  const zero = task('w.zero', v1, (_error: Error) => 0);
  const guarded = task('w.guarded', v1, (n: number) => catchError(fragile(n), 'RangeError', zero));
  const list = task('w.list', v1, (n: number) => Array.from({ length: n }, (_, at) => at));
  const program = () => [map(guarded, list(3)), add(heavy(add(heavy(1), 1)), 1)];
  const VALUE = [[0, 1, 0], 111];

  class Killed extends Error {}

  /** A world whose process dies at its n-th effect: right before it, or right after. */
  function mortal(
    world: MemoryWorld,
    n: number,
    moment: 'before' | 'after',
  ): MemoryWorld & { readonly alive: () => boolean } {
    let effects = 0;
    const dying = <A extends unknown[], R>(effect: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        effects++;
        if (effects > n || (effects === n && moment === 'before')) throw new Killed();
        const answer = await effect(...args);
        if (effects >= n) throw new Killed();
        return answer;
      };
    };
    return {
      ...world,
      warm: warmGraphs(10),
      journal: { ...world.journal, append: dying(world.journal.append) },
      summaries: { ...world.summaries, put: dying(world.summaries.put) },
      cache: { ...world.cache, write: dying(world.cache.write) },
      objects: { ...world.objects, put: dying(world.objects.put) },
      batch: { ...world.batch, submit: dying(world.batch.submit) },
      bus: { ...world.bus, wake: dying(world.bus.wake), ended: dying(world.bus.ended) },
      alive: () => effects < n,
    };
  }

  /** What the next process does: events come again, claims become overdue, and whatever is left is taken up. */
  async function carryOn(world: MemoryWorld, run: RunId): Promise<void> {
    for (let turn = 0; turn < 50; turn++) {
      world.clock.advance(200_000);
      await playJobs(world);
      const told = world.batch.jobs.flatMap(({ reports }) => [...reports.values()]);
      const { status } = await round(world, run, told);
      if (status !== 'RUNNING') return;
    }
  }

  // Acceptance: 52.
  it.each(['before', 'after'] as const)(
    '%s any of its effects ends as if it had not been, and runs no job twice',
    async (moment) => {
      let survived = false;
      for (let n = 1; !survived; n++) {
        ran = [];
        const world = playWorld();
        const run = await start(world, program());
        const doomed = mortal(world, n, moment);
        await play(doomed, run).catch((error) => {
          if (!(error instanceof Killed)) throw error;
        });
        survived = doomed.alive();
        const next: MemoryWorld = { ...world, warm: warmGraphs(10) };
        await carryOn(next, run);
        const summary = await next.summaries.get(run);
        expect([n, summary?.status, summary?.result && plain(summary.result)]).toEqual([n, 'DONE', VALUE]);
        expect([n, ...ran.sort()]).toEqual([n, 'fragile 0', 'fragile 1', 'fragile 2', 'heavy 1', 'heavy 11']);
      }
    },
  );
});

describe('a value of 10 MB', () => {
  // Acceptance: 54.
  it('is stored once, travels by reference, and is in no journal entry', async () => {
    const big = task('w.big', v1, () => ({ text: 'x'.repeat(10_000_000), n: 5 }));
    const measure = task('w.measure', batch, (value: { text: string }) => value.text.length);
    const through = task('w.through', v1, (value: unknown) => ({ value, seen: 1 }));
    const quiet = playWorld();
    const puts: string[] = [];
    const world: MemoryWorld = {
      ...quiet,
      objects: {
        ...quiet.objects,
        put: (key, bytes) => {
          puts.push(key);
          return quiet.objects.put(key, bytes);
        },
      },
    };
    const carried = through(through(big()));
    const run = await start(world, [measure(big()), add((carried as never as { seen: number }).seen, big().n)]);
    expect(plain((await play(world, run)).result as never)).toEqual([10_000_000, 6]);
    const values = puts.filter((key) => key.startsWith('values/'));
    expect(new Set(values).size).toBe(values.length);
    const entries = await world.journal.readAfter(run, 0);
    expect(JSON.stringify(entries).length).toBeLessThan(50_000);
  });
});

describe('provenance', () => {
  const world = playWorld();
  const write = (path: string, version: string): File => {
    world.files.versions.set(path, version);
    return new File(path, version);
  };
  const sort = task('w.sort', batch, (_input: File, path: string) => write(path, 'sorted'));
  const count = task('w.count', batch, (_input: File, path: string) => write(path, `counted ${path}`));
  const sample = task('w.sample', v1, (input: File) => {
    const sorted = sort(input, 'out/sorted');
    return { left: count(sorted, 'out/left'), right: count(sort(input, 'out/sorted'), 'out/right') };
  });

  const shown = async (run: RunId, location: string) =>
    (await lineageOf(world as World, run, location)).map(({ task, calls, inputs, jobs, reused }) => ({
      task,
      calls,
      inputs: inputs.map((input) => input.location),
      jobs: jobs.length,
      reused,
    }));

  // Acceptance: 23, 55.
  it('says which jobs and inputs made a file, and what made those; both users of one call lead to its one job', async () => {
    world.files.versions.set('in/reads', '1');
    const run = await start(world, sample(file('in/reads')));
    const { tally } = await play(world, run);
    expect(tally).toMatchObject({ 'w.sort': { done: 1 }, 'w.count': { done: 2 } });
    const sorted = { task: 'w.sort', calls: ['w.sample', 'w.sort'], inputs: ['in/reads'], jobs: 1, reused: false };
    const counted = { task: 'w.count', calls: ['w.sample', 'w.count'], inputs: ['out/sorted'], jobs: 1, reused: false };
    expect(await shown(run, 'out/left')).toEqual([counted, sorted]);
    expect(await shown(run, 'out/right')).toEqual([counted, sorted]);
    expect(await shown(run, 'in/reads')).toEqual([]);
  });

  it('of reused results is the same, and says so', async () => {
    const run = await start(world, sample(file('in/reads')));
    await play(world, run);
    expect(await shown(run, 'out/left')).toMatchObject([
      { task: 'w.count', reused: true },
      { task: 'w.sort', reused: true },
    ]);
  });
});
