/** Failures: docs/acceptance.md, lines 17, 18 and 28, where no other test has them. */
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
  // Acceptance: 17.
  it('catches by a list of names, and takes the first of several pairs that fits', async () => {
    const caught = (name: string) => catchError(broken(name), ['Red', 'Green'], first, ['Green', 'Blue'], second);
    expect(await evaluate(playWorld(), [caught('Green'), caught('Blue')])).toEqual([
      'first: Green failed',
      'second: Blue failed',
    ]);
    await expect(evaluate(playWorld(), caught('Grey'))).rejects.toMatchObject({ name: 'Grey' });
  });

  // Acceptance: 17.
  it('may fail again in its recovery, which its own other pairs do not catch and an outer catch does', async () => {
    const inner = catchError(broken('Red'), 'Red', rethrow, 'TypeError', first);
    await expect(evaluate(playWorld(), inner)).rejects.toThrow('again: Red failed');
    expect(await evaluate(playWorld(), catchError(inner, 'TypeError', second))).toBe('second: again: Red failed');
  });
});

describe('a failure', () => {
  // Acceptance: 18.
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

  // Acceptance: 28.
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
      'a secret of nowhere',
      () => script('true', { secrets: { KEY: { vault: 'x' } } as never }),
      "'secrets.KEY' must say where the secret is",
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

describe('the traceback', () => {
  const outer = task('e.outer', v1, (sample: { name: string; token: string }) => [middle(sample.name, 3)]);
  const middle = task('e.middle', v1, (name: string, _depth: number) => broken(name));

  it('has what each call was given, and never a secret', async () => {
    const world = playWorld();
    const summary = await play(world, await start(world, outer({ name: 'Red', token: 'hunter2' })));
    expect(summary.traceback?.split('\n').slice(0, 5)).toEqual([
      'Traceback (task most recent last):',
      '  e.outer({ name: "Red", token: … })',
      '  e.middle("Red", 3)',
      '  e.broken("Red")',
      'Red: Red failed',
    ]);
    expect(summary.traceback).not.toContain('hunter2');
  });

  it('ends with the frames of the error that are the author’s', async () => {
    const world = playWorld();
    const summary = await play(world, await start(world, broken('Red')));
    expect(summary.traceback).toMatch(/\nRed: Red failed\n {4}at .*errors\.test\.ts:\d+:\d+/);
  });

  it('has what caused the error, and that one’s frames', async () => {
    const world = playWorld();
    const wrapping = task('e.wrapping', v1, () => {
      const inner = new RangeError('inner', { cause: 'a text is shown by nobody' });
      throw new Error('outer', { cause: new TypeError('middle', { cause: inner }) });
    });
    const { traceback = '' } = await play(world, await start(world, wrapping()));
    const lines = traceback.split('\n').filter((line) => !line.startsWith('    at '));
    expect(lines.slice(2)).toEqual(['Error: outer', 'Caused by TypeError: middle', 'Caused by RangeError: inner']);
    expect(traceback).toMatch(/\nCaused by RangeError: inner\n {4}at .*errors\.test\.ts:\d+:\d+/);
  });

  it('has the calls of a run that stopped before those above the failure were over', async () => {
    const world = playWorld();
    const both = task('e.both', v1, (name: string) => [slow(1), middle(name, 3)]);
    const summary = await play(world, await start(world, both('Blue')));
    expect(summary.traceback).toContain('  e.both("Blue")\n  e.middle("Blue", 3)\n  e.broken("Blue")\n');
  });

  it('names other scripts that failed by what they were given and what called them', async () => {
    const world = playWorld();
    const wrong = task('e.wrong', v1, (n: number) => script(`exit ${n}`, { executor: 'batch' }));
    const summary = await play(world, await start(world, [wrong(1), wrong(2)]));
    expect(summary.traceback).toContain('  e.wrong(1)\n  redex.script("exit 1")\n');
    // What called it was given up when the first failure was known.
    expect(summary.otherErrors?.join()).toContain('redex.script("exit 2") in e.wrong: ');
  });
});

const slow = task('e.slow', { ...v1, executor: 'batch' }, (n: number) => n);

class Handle {
  readonly descriptor = 3;
}
const unserialisable = task('e.unserialisable', v1, () => new Handle());

let count = 0;
function unique(): number {
  return count++;
}
