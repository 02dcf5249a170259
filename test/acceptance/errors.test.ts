/** Failures: SEMANTICS.md section 10, lines 17, 18 and 28, where no other test has them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { add, catchError, identity, map, script, task } from '../../core/index.ts';
import { callable } from '../../core/language/callable.ts';
import { evaluate, play, playWorld, start, totals } from '../support/play.ts';

const v1 = { version: '1' };
let ran: string[] = [];
beforeEach(() => {
  ran = [];
});

const broken = task('e.broken', v1, (name: string): number => {
  ran.push('broken');
  throw Object.assign(new Error(`${name} failed`), { name });
});
const first = task('e.first', v1, (error: Error) => `first: ${error.message}`);
const second = task('e.second', v1, (error: Error) => `second: ${error.message}`);
const rethrow = task('e.rethrow', v1, (error: Error): number => {
  throw new TypeError(`again: ${error.message}`);
});

describe('a catch', () => {
  it('catches by a list of names, and takes the first of several pairs that fits', async () => {
    const caught = (name: string) => catchError(broken(name), ['Red', 'Green'], first, ['Green', 'Blue'], second);
    expect(await evaluate(playWorld(), [caught('Green'), caught('Blue')])).toEqual([
      'first: Green failed',
      'second: Blue failed',
    ]);
    await expect(evaluate(playWorld(), caught('Grey'))).rejects.toMatchObject({ name: 'Grey' });
  });

  it('may fail again in its recovery, which its own other pairs do not catch and an outer catch does', async () => {
    const inner = catchError(broken('Red'), 'Red', rethrow, 'TypeError', first);
    await expect(evaluate(playWorld(), inner)).rejects.toThrow('again: Red failed');
    expect(await evaluate(playWorld(), catchError(inner, 'TypeError', second))).toBe('second: again: Red failed');
  });
});

describe('a failure', () => {
  it('is never reused from another run', async () => {
    const world = playWorld();
    await expect(evaluate(world, broken('Red'))).rejects.toThrow('Red failed');
    await expect(evaluate(world, broken('Red'))).rejects.toThrow('Red failed');
    expect(ran).toEqual(['broken', 'broken']);
  });

  it('of one evaluation is joined within its run', async () => {
    const one = task('e.one', v1, () => broken('Red'));
    const other = task('e.other', v1, () => broken('Red'));
    const values = [catchError(one(), 'Red', first), catchError(other(), 'Red', second)];
    expect(await evaluate(playWorld(), values)).toEqual(['first: Red failed', 'second: Red failed']);
    expect(ran).toEqual(['broken']);
  });

  it.each<[string, () => unknown, string]>([
    ['a task that is not there', () => callable('e.gone')(1), "there is no task 'e.gone' in the bundle of this run"],
    [
      'an executor that is not there',
      () => first.options({ executor: 'moon' })(new Error('x')),
      "no executor 'moon'; redex.config.ts has inline, batch",
    ],
    [
      'an option that is none',
      () => first.options({ memroy: 3 } as never)(new Error('x')),
      "there is no option 'memroy'; did you mean 'memory'?",
    ],
    [
      'an option of the wrong kind',
      () => first.options({ memory: 'lots' } as never)(new Error('x')),
      "'memory' must be a positive number of GiB",
    ],
    [
      'a script without an executor of its own',
      () => script('true', { executor: 'inline' }),
      "give it executor: 'batch'",
    ],
    ['a result that cannot be encoded', () => unserialisable(), 'NotEncodable'],
    ['a text where a task is needed', () => map(identity('e.first') as never, [1]), 'map needs a task to apply'],
  ])('says what is wrong: %s', async (_name, expression, said) => {
    const parent = task(`e.parent${unique()}`, v1, () => expression());
    const world = playWorld();
    const summary = await play(world, await start(world, add(parent() as never, 1)));
    expect(summary.status).toBe('FAILED');
    expect(summary.traceback).toContain(said);
    expect(summary.traceback).toContain('e.parent');
    expect(totals(summary)).toMatchObject({ pending: 0, running: 0 });
    expect(totals(summary).failed).toBeGreaterThan(0);
  });
});

class Handle {
  readonly descriptor = 3;
}
const unserialisable = task('e.unserialisable', v1, () => new Handle());

let count = 0;
function unique(): number {
  return count++;
}
