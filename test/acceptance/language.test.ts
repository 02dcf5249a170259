/** What authors write, evaluated: docs/acceptance.md, lines 1 to 24, where no other test has them. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  add,
  catchAll,
  cond,
  constant,
  context,
  eq,
  flatMap,
  flatten,
  force,
  identity,
  type Lazy,
  map,
  quote,
  seq,
  type Task,
  task,
  text,
  throwError,
  v,
  zip,
} from '../../core/index.ts';
import { apply } from '../../core/language/lazy.ts';
import { Dir, File } from '../../core/values/classes.ts';
import { OPERATOR_NAMES } from '../../core/values/operators.ts';
import { withCode } from '../support/changed-code.ts';
import { evaluate, play, playWorld, start, totals } from '../support/play.ts';

const v1 = { version: '1' };
let ran: string[] = [];
beforeEach(() => {
  ran = [];
});

const inc = task('a.inc', v1, (n: number) => {
  ran.push(`inc ${n}`);
  return n + 1;
});
const sum = task('a.sum', v1, (...all: number[]) => all.reduce((a, b) => a + b, 0));
const same = task('a.same', v1, (value: unknown) => value);
const heavy = task('a.heavy', { ...v1, executor: 'batch' }, (n: number) => n * 10);
const broken = task('a.broken', v1, (message: string): number => {
  ran.push(`broken ${message}`);
  throw new RangeError(message);
});
const message = task('a.message', v1, (error: Error) => error.message);
const range = task('a.range', v1, (n: number) => Array.from({ length: n }, (_, at) => at));

describe('calls', () => {
  // Acceptance: 3.
  it('the same call made twice runs once', async () => {
    const twice = task('a.twice_the_same', v1, () => [inc(1), sum(inc(1), inc(1))]);
    expect(await evaluate(playWorld(), twice())).toEqual([2, 4]);
    expect(ran).toEqual(['inc 1']);
  });

  // Acceptance: 12.
  it('whose value nobody uses never run', async () => {
    const world = playWorld();
    const wasteful = task('a.wasteful', v1, () => {
      heavy(1);
      const pair = { used: inc(1), unused: heavy(2) };
      return pair.used;
    });
    expect(await evaluate(world, wasteful())).toBe(2);
    expect(world.batch.jobs).toHaveLength(0);
  });

  // Acceptance: 22.
  it('nested 10,000 deep as arguments finish, and so does a value nested as deep', async () => {
    let call: Lazy<number> = inc(0);
    for (let depth = 1; depth < 10_000; depth++) call = inc(call);
    expect(await evaluate(playWorld(), call)).toBe(10_000);
    let value: unknown = 'core';
    for (let depth = 0; depth < 10_000; depth++) value = [value];
    let found = await evaluate(playWorld(), same(value));
    for (let depth = 0; depth < 10_000; depth++) found = (found as unknown[])[0];
    expect(found).toBe('core');
  }, 60_000);

  // Acceptance: 8.
  it('with a declared default left out are those with the default given; a changed default is a new call', async () => {
    const params = v.object({ name: v.string(), times: v.optional(v.number(), 2) });
    const greet = task('a.greet', { ...v1, params }, ({ name, times }) => `${name} × ${times}`);
    const world = playWorld();
    expect(await evaluate(world, [greet({ name: 'ada' }), greet({ name: 'ada', times: 2 })])).toEqual([
      'ada × 2',
      'ada × 2',
    ]);
    expect(totals(await play(world, await start(world, greet({ name: 'ada', times: 2 }))))).toMatchObject({
      cached: 1,
    });
    // The default is filled in before the call is hashed, so another default makes another call.
    expect(totals(await play(world, await start(world, greet({ name: 'ada', times: 3 }))))).toMatchObject({ done: 1 });
  });

  // Acceptance: 11.
  it('made by an async task are evaluated like any others', async () => {
    const later = task('a.later', v1, async (n: number) => {
      await Promise.resolve();
      return inc(n);
    });
    expect(await evaluate(playWorld(), later(4))).toBe(5);
  });
});

describe('the parts of results', () => {
  // Acceptance: 5.
  it('keep the shape of lists, records and tuples with lazy leaves, also in results', async () => {
    const shaped = task('a.shaped', v1, () => ({
      list: [inc(0), inc(1)],
      pair: [inc(2), 'x'] as [Lazy<number>, string],
      deep: { empty: [], none: {}, map: new Map([['k', inc(3)]]) },
    }));
    expect(await evaluate(playWorld(), shaped())).toEqual({
      list: [1, 2],
      pair: [3, 'x'],
      deep: { empty: [], none: {}, map: new Map([['k', 4]]) },
    });
  });

  // Acceptance: 6.
  it('are had by destructuring by index and by name', async () => {
    const measure = task('a.measure', v1, () => ({ size: [3, 4] as [number, number], name: 'box' }));
    const { size, name } = measure();
    const [width, height] = size;
    expect(await evaluate(playWorld(), text`${name}: ${add(width, height)}`)).toBe('box: 7');
  });
});

describe('tasks as values', () => {
  const twice = task('a.twice', v1, (f: Task<[number], number>, n: number) => f(f(n)));

  // Acceptance: 7.
  it('are arguments and results, and are partially applied, once or twice', async () => {
    const three = task('a.three', v1, (a: number, b: number, c: number) => `${a}${b}${c}`);
    const chooser = task('a.chooser', v1, (up: boolean) => (up ? inc : sum.partial(10)) as Task<[number], number>);
    expect(await evaluate(playWorld(), twice(inc, 1))).toBe(3);
    expect(await evaluate(playWorld(), [chooser(true)(1), chooser(false)(1)])).toEqual([2, 11]);
    expect(await evaluate(playWorld(), three.partial(1).partial(2)(3))).toBe('123');
    expect(await evaluate(playWorld(), three.partial(inc(0))(2, 3))).toBe('123');
    expect(await evaluate(playWorld(), map(sum.partial(1, 1), [1, 2]))).toEqual([3, 4]);
  });

  // Acceptance: 7.
  it('of which one changed re-run only that one', async () => {
    const world = playWorld();
    await evaluate(world, twice(inc, 1));
    const edited = withCode(world, { 'a.inc': 'edited' });
    const summary = await play(edited, await start(edited, twice(inc, 1)));
    expect(summary.tally).toMatchObject({ 'a.twice': { cached: 1, done: 0 }, 'a.inc': { cached: 0, done: 2 } });
  });
});

/** Each operator with operands and the value they give. */
const OPERATORS: Readonly<Record<string, readonly [readonly unknown[], unknown]>> = {
  add: [[1, 2], 3],
  sub: [[5, 2], 3],
  mul: [[2, 3], 6],
  div: [[3, 2], 1.5],
  mod: [[7, 4], 3],
  pow: [[2, 10], 1024],
  neg: [[2], -2],
  eq: [[{ a: [1] }, { a: [1] }], true],
  ne: [[1, 1n], true],
  lt: [[1, 2], true],
  le: [['a', 'a'], true],
  gt: [[1, 2], false],
  ge: [[2, 2], true],
  and: [[0, 1], 0],
  or: [['', 'x'], 'x'],
  not: [[0], true],
  get: [[{ a: 5 }, 'a'], 5],
  concat: [
    [[1], [2]],
    [1, 2],
  ],
  len: [['abc'], 3],
  contains: [[[1, 2], 2], true],
  keys: [[{ b: 1, a: 2 }], ['a', 'b']],
  values: [[{ b: 1, a: 2 }], [2, 1]],
  entries: [[{ a: 2 }], [['a', 2]]],
  format: [[['a ', ' b ', ''], 1, 2], 'a 1 b 2'],
  join: [[['a', 'b'], '-'], 'a-b'],
  slice: [[[1, 2, 3], 1, 2], [2]],
  merge: [[{ a: 1, b: 1 }, { b: 2 }], { a: 1, b: 2 }],
  record: [[[['a', 1]]], { a: 1 }],
  zip: [
    [
      [1, 2],
      ['a', 'b'],
    ],
    [
      [1, 'a'],
      [2, 'b'],
    ],
  ],
  flatten: [[[[1], [2, 3]]], [1, 2, 3]],
  partial: [[sum, 1], { name: 'a.sum', bound: [1] }],
  file: [['in/x'], new File('in/x')],
  dir: [['in'], new Dir('in')],
  location: [[new File('in/x')], 'in/x'],
  stage: [[new File('in/x', '1'), 'y', 'copy'], new File('in/x', '1').stage('y', { copy: true })],
  dedent: [['\n  a\n  b\n'], 'a\nb\n'],
  argv: [[['echo', "it's"]], `exec 'echo' 'it'\\''s'\n`],
  sh: [[['  echo ', '\n'], ['word'], "it's"], `echo 'it'\\''s'\n`],
  outputs: [[['x', new File('out/x')]], expect.anything()],
};

describe('operators', () => {
  it('are all in the table below', () => {
    expect(Object.keys(OPERATORS).sort()).toEqual([...OPERATOR_NAMES]);
  });

  // Acceptance: 10.
  it.each(Object.entries(OPERATORS))('%s takes lazy operands on every side', async (name, [operands, value]) => {
    const lazily = operands.map((operand) => same(operand));
    expect(await evaluate(playWorld(), apply(name, ...lazily))).toEqual(value);
  });

  // Acceptance: 10.
  it('string templates take any number of lazy parts', async () => {
    expect(await evaluate(playWorld(), text`${inc(1)} and ${text`x`}, ${eq(1, 1)}`)).toBe('2 and x, true');
  });
});

describe('control forms', () => {
  // Acceptance: 14.
  it('seq begins an expression only when the one before it has its value', async () => {
    const world = playWorld();
    const seen: number[] = [];
    const between = () => void seen.push(world.batch.jobs.length);
    expect(await evaluate(world, seq([heavy(1), heavy(2), heavy(3)]), { between })).toEqual([10, 20, 30]);
    expect(seen).toEqual([1, 2, 3]);
  });

  // Acceptance: 13.
  it('cond evaluates no test after the one that holds', async () => {
    const value = cond(eq(inc(0), 2), broken('a'), eq(inc(0), 1), 'second', broken('never'), 'x');
    expect(await evaluate(playWorld(), value)).toBe('second');
    expect(ran).toEqual(['inc 0']);
  });

  // Acceptance: 16.
  it('flatMap, zip, flatten, constant and identity give what they say', async () => {
    const world = playWorld();
    expect(await evaluate(world, flatMap(range, range(4)))).toEqual([0, 0, 1, 0, 1, 2]);
    expect(await evaluate(world, flatten([range(2), [inc(1)]]))).toEqual([0, 1, 2]);
    expect(await evaluate(world, zip(range(2), [inc(0), inc(1)]))).toEqual([
      [0, 1],
      [1, 2],
    ]);
    await expect(evaluate(world, zip(range(2), range(3)))).rejects.toThrow('unequal lengths 2, 3');
    expect(await evaluate(world, constant(inc(1), heavy(1)))).toBe(2);
    expect(world.batch.jobs).toHaveLength(1);
    expect(await evaluate(world, identity({ a: inc(1) }))).toEqual({ a: 2 });
  });

  // Acceptance: 20.
  it('throwError fails where its value is needed, with the error or with a text', async () => {
    await expect(evaluate(playWorld(), [1, throwError(new TypeError('typed'))])).rejects.toMatchObject({
      name: 'TypeError',
    });
    await expect(evaluate(playWorld(), throwError(text`${inc(0)} wrong`))).rejects.toThrow('1 wrong');
    expect(await evaluate(playWorld(), cond(true, 1, throwError('never')))).toBe(1);
    const seen = catchAll([inc(1), throwError('in place')], 'Error');
    expect(await evaluate(playWorld(), same(seen))).toMatchObject([2, { message: 'in place' }]);
  });

  // Acceptance: 21.
  it('quote keeps an expression unevaluated until force evaluates it in the context of the job that forces it', async () => {
    const keeper = task('a.keeper', v1, () => ({ plan: quote([inc(41), context('place', 'nowhere')]), cost: 1 }));
    const forcer = task('a.forcer', v1, (plan: ReturnType<typeof quote<unknown>>) => force(plan));
    expect(await evaluate(playWorld(), keeper().cost)).toBe(1);
    expect(ran).toEqual([]);
    const forced = forcer.options({ context: { place: 'here' } })(keeper().plan as never);
    expect(await evaluate(playWorld(), [forced, message.partial(new Error('m'))()])).toEqual([[42, 'here'], 'm']);
  });
});

describe('two samples of the same expression under one parent', () => {
  // Acceptance: 23.
  it('are one job with one node, on which both users wait', async () => {
    const world = playWorld();
    const both = task('a.both', v1, () => ({ left: sum(heavy(1), 1), right: sum(heavy(1), 2) }));
    const run = await start(world, both());
    const summary = await play(world, run);
    expect(summary.tally).toMatchObject({ 'a.heavy': { done: 1 }, 'a.sum': { done: 2 } });
    expect(world.batch.jobs).toHaveLength(1);
  });
});
