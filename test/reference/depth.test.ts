import { describe, expect, it } from 'vitest';
import { add, catchAll, catchError, cond, eq, get, map, seq, task } from '../../core/index.ts';
import { evaluate, playWorld } from '../support/play.ts';

type Loose = (...args: unknown[]) => never;

const v1 = { version: '1' };
const inc = task('d.inc', v1, ((n: number) => n + 1) as Loose) as unknown as Loose;
const both = task('d.both', v1, ((a: number, b: number) => (a + b) % 9973) as Loose) as unknown as Loose;
const range = task('d.range', v1, ((n: number) =>
  Array.from({ length: n }, (_, at) => at)) as Loose) as unknown as Loose;
const incAll = task('d.inc_all', v1, ((n: number) => map(inc as never, range(n))) as Loose) as unknown as Loose;
const count = task('d.count', v1, ((n: number) => (n === 0 ? 0 : count(n - 1))) as Loose) as unknown as Loose;
const pass = task('d.pass', v1, ((value: unknown) => value) as Loose) as unknown as Loose;
const passLazily = task('d.pass_lazily', v1, ((value: unknown) => [value, inc(1)]) as Loose) as unknown as Loose;
const depth = task('d.depth', v1, ((value: unknown) => depthOf(value)) as Loose) as unknown as Loose;

const climb = task('d.climb', v1, ((n: number) => (n === 0 ? 0 : add(climb(n - 1), 1))) as Loose) as unknown as Loose;
const fail = task('d.fail', v1, ((n: number) => {
  throw Object.assign(new RangeError(`no ${n}`), { stack: undefined });
}) as Loose) as unknown as Loose;
const message = task('d.message', v1, ((error: Error) => error.message) as Loose) as unknown as Loose;
const size = task('d.size', v1, ((terms: unknown[]) => terms.length) as Loose) as unknown as Loose;

function depthOf(value: unknown): number {
  let levels = 0;
  for (let at = value; Array.isArray(at); at = at[0]) levels++;
  return levels;
}

/** `step` applied `times` times to `seed`. */
function nested<T>(times: number, seed: T, step: (inner: T) => T): T {
  let value = seed;
  for (let at = 0; at < times; at++) value = step(value);
  return value;
}

/** Processor time, which others on the machine do not lengthen much. */
async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Four times as much takes about four times as long; if it were quadratic, sixteen times. */
async function expectLinear(most: number, work: (n: number) => Promise<unknown>): Promise<void> {
  await work(Math.ceil(most / 20));
  const [less, more] = [await cpuMs(() => work(most / 4)), await cpuMs(() => work(most))];
  expect(more, `${most / 4}: ${less.toFixed()} ms, ${most}: ${more.toFixed()} ms`).toBeLessThan(9 * less + 100);
}

describe('depth and width', () => {
  it('22 a tail-recursive chain of calls takes linear time', async () => {
    await expectLinear(8_000, async (n) => expect(await evaluate(playWorld(), count(n))).toBe(0));
  });

  it('22 arguments nested 10,000 deep take linear time', async () => {
    await expectLinear(10_000, async (n) => {
      expect(
        await evaluate(
          playWorld(),
          nested<unknown>(n, 0, (inner) => inc(inner)),
        ),
      ).toBe(n);
    });
  });

  it('a recursion 4,000 deep whose calls wait for one another takes linear time', async () => {
    await expectLinear(4_000, async (n) => expect(await evaluate(playWorld(), climb(n))).toBe(n));
  });

  it('an error passes 10,000 calls on its way to a catch in linear time', async () => {
    await expectLinear(10_000, async (n) => {
      const failing = nested<unknown>(n, fail(n), (inner) => inc(inner));
      expect(await evaluate(playWorld(), catchError(failing, 'Error', message as never))).toBe(`no ${n}`);
    });
  });

  it('an error passes 4,000 catches that do not want it in linear time', async () => {
    await expectLinear(4_000, async (n) => {
      const failing = nested<unknown>(n, fail(n), (inner) => catchError(inner, 'TypeError', message as never));
      expect(await evaluate(playWorld(), catchError(failing, 'Error', message as never))).toBe(`no ${n}`);
    });
  });

  it('catchAll waits for 4,000 terms that fail in linear time', async () => {
    await expectLinear(4_000, async (n) => {
      const terms = Array.from({ length: n }, (_, at) => fail(at));
      expect(await evaluate(playWorld(), catchAll(terms, 'Error', size as never))).toBe(n);
    });
  });

  it('a seq of 4,000 and conds nested 4,000 deep take linear time', async () => {
    await expectLinear(4_000, async (n) => {
      const all = await evaluate(playWorld(), seq(Array.from({ length: n }, (_, at) => inc(at))));
      expect((all as number[]).length).toBe(n);
      expect(
        await evaluate(
          playWorld(),
          nested<unknown>(n, inc(0), (inner) => cond(inner, inner, 0)),
        ),
      ).toBe(1);
    });
  });

  it('operators nested 4,000 deep take linear time', async () => {
    await expectLinear(4_000, async (n) => {
      expect(
        await evaluate(
          playWorld(),
          nested<unknown>(n, inc(0), (inner) => add(inner as never, 1)),
        ),
      ).toBe(n + 1);
    });
  });

  it('a diamond of calls 60 levels deep is 61 jobs', async () => {
    const world = playWorld();
    const value = await evaluate(
      world,
      nested<unknown>(60, inc(0), (inner) => both(inner, inner)),
    );
    expect(value).toBe(nested(60, 1, (n) => (n * 2) % 9973));
  });

  it('a diamond of values 60 levels deep passes through tasks, operators and expressions', async () => {
    const diamond = nested<unknown>(60, [], (inner) => [inner, inner]);
    const lazyDiamond = nested<unknown>(60, inc(0), (inner) => [inner, inner]);
    expect(await evaluate(playWorld(), depth(pass(diamond)))).toBe(61);
    expect(await evaluate(playWorld(), depth(get(passLazily(pass(diamond)), 0)))).toBe(61);
    expect(await evaluate(playWorld(), eq(pass(diamond), diamond))).toBe(true);
    expect(await evaluate(playWorld(), depth(lazyDiamond))).toBe(60);
    expect(depthOf(await evaluate(playWorld(), lazyDiamond))).toBe(60);
  });

  it('15 a map over 10,000 elements inside a map takes linear time', async () => {
    await expectLinear(10_000, async (n) => {
      const [first, second] = (await evaluate(playWorld(), map(incAll as never, [n, n / 2] as never))) as number[][];
      expect([first?.length, first?.at(-1), second?.length]).toEqual([n, n, n / 2]);
    });
  });

  it('plain values nested 10,000 deep take linear time', async () => {
    await expectLinear(10_000, async (n) => {
      const deep = nested<unknown>(n, [], (inner) => [inner]);
      expect(await evaluate(playWorld(), [depth(pass(deep)), eq(pass(deep), deep)])).toEqual([n + 1, true]);
      expect(depthOf(await evaluate(playWorld(), get(passLazily(deep), 0)))).toBe(n + 1);
    });
  });

  it('lists nested 4,000 deep around one lazy value take linear time', async () => {
    await expectLinear(4_000, async (n) => {
      expect(await evaluate(playWorld(), depth(nested<unknown>(n, inc(0), (inner) => [inner])))).toBe(n);
    });
  });
});
