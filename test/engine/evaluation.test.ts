import { describe, expect, it } from 'vitest';
import {
  add,
  catchAll,
  catchError,
  cond,
  constant,
  context,
  flatMap,
  force,
  le,
  map,
  quote,
  seq,
  sub,
  task,
  throwError,
  zip,
} from '../../core/index.ts';
import { evaluate, play, playWorld, start, totals } from '../support/play.ts';

const v1 = { version: '1' };
const inc = task('t.inc', v1, (n: number) => n + 1);
const addTask = task('t.add', v1, (a: number, b: number) => a + b);
const fib = task('t.fib', v1, (n: number): number => (n < 2 ? n : (add(fib(n - 1), fib(n - 2)) as unknown as number)));
const range = task('t.range', v1, (n: number) => Array.from({ length: n }, (_, at) => at));
const heavy = task('t.heavy', { ...v1, executor: 'batch' }, (n: number) => n * 10);
const fail = task('t.fail', v1, (message: string): number => {
  throw new RangeError(message);
});
const failHeavy = task('t.fail_heavy', { ...v1, executor: 'batch' }, (message: string): number => {
  throw new RangeError(message);
});
const recoverZero = task('t.recover', v1, (error: Error) => `caught ${error.message}`);

describe('evaluation', () => {
  // Acceptance: 1.
  it('reduces nested calls to a value', async () => {
    expect(await evaluate(playWorld(), inc(inc(addTask(1, inc(2)))))).toBe(6);
  });

  // Acceptance: 2.
  it('evaluates lazy arguments anywhere in nested lists and records, keeping their shape', async () => {
    const id = constant;
    expect(await evaluate(playWorld(), id({ a: [inc(1), { b: inc(2) }], c: 'x' }))).toEqual({
      a: [2, { b: 3 }],
      c: 'x',
    });
  });

  // Acceptance: 4.
  it('runs fib(25) as 26 jobs, and none of them again the second time', async () => {
    const world = playWorld();
    const first = await play(world, await start(world, fib(25)));
    expect(totals(first)).toMatchObject({ done: 26, cached: 0 });
    const second = await play(world, await start(world, fib(25)));
    expect(totals(second)).toMatchObject({ done: 0, cached: 26 });
    expect(second.result).toEqual([75025]);
  });

  it('submits equal resources as one array and uses every child', async () => {
    const world = playWorld();
    expect(await evaluate(world, [heavy(1), heavy(2), heavy(3), inc(heavy(4))])).toEqual([10, 20, 30, 41]);
    expect(world.batch.jobs.map((job) => job.request.size)).toEqual([4]);
    await evaluate(world, [heavy(1), heavy(2), heavy(3), inc(heavy(4))]);
    expect(world.batch.jobs).toHaveLength(1);
  });

  // Acceptance: 15.
  it('maps over a list known at run time, also nested and empty', async () => {
    expect(await evaluate(playWorld(), map(inc, range(3)))).toEqual([1, 2, 3]);
    expect(await evaluate(playWorld(), map(range, map(inc, range(3))))).toEqual([[0], [0, 1], [0, 1, 2]]);
    expect(await evaluate(playWorld(), map(inc, range(0)))).toEqual([]);
    expect(await evaluate(playWorld(), flatMap(range, range(4)))).toEqual([0, 0, 1, 0, 1, 2]);
    expect(await evaluate(playWorld(), zip(range(2), map(inc, range(2))))).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  // Acceptance: 15.
  it('maps over 10,000 elements in linear time', async () => {
    const world = playWorld();
    expect(((await evaluate(world, map(inc, range(10_000)))) as number[]).length).toBe(10_000);
  }, 60_000);

  // Acceptance: 13.
  it('evaluates only the branch of a cond that is chosen', async () => {
    expect(await evaluate(playWorld(), cond(le(inc(0), 0), fail('never'), le(inc(0), 1), inc(41), fail('x')))).toBe(42);
    expect(await evaluate(playWorld(), cond(false, 1))).toBeUndefined();
  });

  // Acceptance: 14.
  it('runs a seq strictly one after another', async () => {
    expect(await evaluate(playWorld(), seq([inc(1), heavy(2), inc(3)]))).toEqual([2, 20, 4]);
    expect(await evaluate(playWorld(), seq([]))).toEqual([]);
    await expect(evaluate(playWorld(), seq([inc(1), fail('second'), fail('third')]))).rejects.toThrow('second');
  });

  // Acceptance: 17.
  it('catches by class name, lets others pass, recovers', async () => {
    expect(await evaluate(playWorld(), catchError(fail('a'), 'RangeError', recoverZero))).toBe('caught a');
    expect(await evaluate(playWorld(), catchError(failHeavy('h'), 'Error', recoverZero))).toBe('caught h');
    await expect(evaluate(playWorld(), catchError(fail('a'), 'TypeError', recoverZero))).rejects.toThrow('a');
    expect(await evaluate(playWorld(), catchError(throwError(new TypeError('t')), TypeError, recoverZero))).toBe(
      'caught t',
    );
  });

  // Acceptance: 19.
  it('catchAll waits for all and sees values and errors in place', async () => {
    const see = task('t.see', v1, (terms: unknown[]) =>
      terms.map((term) => (term instanceof Error ? term.message : term)),
    );
    expect(await evaluate(playWorld(), catchAll([inc(1), fail('b'), heavy(3)], 'Error', see))).toEqual([2, 'b', 30]);
  });

  it('forces a quote where it stands', async () => {
    expect(await evaluate(playWorld(), add(force(quote(inc(1))), 1))).toBe(3);
  });

  it('reads the context by path, with a default', async () => {
    const world = playWorld({ context: { tools: { name: 'debian' } } });
    expect(await evaluate(world, [context('tools.name', 'x'), context('tools.other', 'y')])).toEqual(['debian', 'y']);
  });

  it('fails with the first error by position and drains what is in flight', async () => {
    const world = playWorld();
    const summary = await play(world, await start(world, [heavy(1), fail('first'), fail('second'), heavy(7)]));
    expect(summary.status).toBe('FAILED');
    expect(summary.traceback).toContain('first');
    expect(summary.otherErrors).toEqual(['RangeError: second']);
  });

  it('passes a result of 1 MB by reference', async () => {
    const big = task('t.big', v1, () => ({ text: 'x'.repeat(1_000_000), n: 5 }));
    const size = task('t.size', v1, (value: { text: string }) => value.text.length);
    const world = playWorld();
    expect(await evaluate(world, [size(big()), sub(big().n, 1)])).toEqual([1_000_000, 4]);
  });
});
