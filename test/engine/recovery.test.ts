import { describe, expect, it } from 'vitest';
import { add, catchError, task } from '../../core/index.ts';
import { digest } from '../../core/values/hash.ts';
import type { Program } from '../../core/values/program.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { plain, play, playWorld, start, totals } from '../support/play.ts';

const v1 = { version: '1' };
let calls: string[] = [];
const inner = task('c.inner', v1, (n: number): number => {
  calls.push('inner');
  if (n > 0) throw new RangeError('inner is broken');
  return n;
});
const middle = task('c.middle', v1, (n: number) => add(inner(n), 1));
const unrelated = task('c.unrelated', v1, () => 1);
const recover = task('c.recover', v1, (error: Error) => {
  calls.push('recover');
  return error.message;
});

/** The world as it is after the code of some tasks changed. */
function withCode(world: MemoryWorld, changes: Record<string, string>): MemoryWorld {
  const program = async (bundle: Program['bundle']): Promise<Program> => {
    const made = await world.host.program(bundle);
    const tasks = Object.entries(made.tasks).map(([name, info]) => [
      name,
      changes[name] ? { ...info, hash: digest('task', changes[name]) } : info,
    ]);
    return { ...made, tasks: Object.fromEntries(tasks) };
  };
  return { ...world, host: { ...world.host, program } };
}

async function run(world: MemoryWorld, cache = true) {
  calls = [];
  const guarded = catchError(middle(1), 'RangeError', recover);
  const summary = await play(world, await start(world, [guarded, unrelated()], { cache }));
  expect(plain(summary.result as never)).toEqual(['inner is broken', 1]);
  return totals(summary);
}

describe('a recovered catch', () => {
  // Acceptance: 18.
  it('is cached, though the failure is not: nothing runs again', async () => {
    const world = playWorld();
    await run(world);
    expect(calls).toEqual(['inner', 'recover']);
    expect(await run(world)).toMatchObject({ failed: 0, done: 0, cached: 2 });
    expect(calls).toEqual([]);
  });

  // Acceptance: 18.
  it('with a new recovery runs just that', async () => {
    const world = playWorld();
    await run(world);
    await run(withCode(world, { 'c.recover': 'new' }));
    expect(calls).toEqual(['recover']);
  });

  // Acceptance: 18.
  it('runs the failing evaluation again when any task of it changed, and not when another did', async () => {
    const world = playWorld();
    await run(world);
    await run(withCode(world, { 'c.unrelated': 'new' }));
    expect(calls).toEqual([]);
    await run(withCode(world, { 'c.inner': 'repaired' }));
    expect(calls[0]).toBe('inner');
    await run(withCode(world, { 'c.middle': 'new' }));
    expect(calls[0]).toBe('inner');
  });

  it('is not read by a run without cache', async () => {
    const world = playWorld();
    await run(world);
    await run(world, false);
    expect(calls).toEqual(['inner', 'recover']);
  });
});
