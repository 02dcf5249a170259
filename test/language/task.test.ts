import { describe, expect, it } from 'vitest';
import { add, file, type Lazy, map, type Task, task, v } from '../../core/index.ts';
import { REVIVE } from '../../core/language/callable.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import { rootOf } from '../../core/values/table.ts';

const join3 = task('task.join3', { version: '1' }, (a: string, b: number, c: boolean) => `${a}${b}${c}`);
const double = task('task.double', { version: '1' }, (n: number) => n * 2);
const choose = task('task.choose', { version: '1' }, () => double);

describe('a call', () => {
  it('is data: task, arguments, options', () => {
    expect(encode(double(3))).toEqual([3, ['call', 'task.double', [0], null]]);
    expect(encode(double.options({ memory: 60 })(3))).toEqual([
      3,
      60,
      ['record', ['memory'], [1]],
      ['call', 'task.double', [0], 2],
    ]);
  });

  it('holds lazy arguments at any depth', () => {
    const nested = task('task.nested', { version: '1' }, (by: Record<string, { n: number[] }>) => by);
    const table = encode(nested({ a: { n: [1, double(2)] } }));
    expect(table).toContainEqual(['call', 'task.double', [1], null]);
    expect(rootOf(table)).toEqual(['call', 'task.nested', [table.length - 2], null]);
  });

  it('takes the nearest options', () => {
    const call = double.options({ memory: 1, vcpus: 2 }).options({ memory: double(2) })(1);
    expect(encode(call)).toEqual(encode(double.options({ memory: double(2), vcpus: 2 })(1)));
  });
});

describe('a task as a value', () => {
  it('is encoded by name and what is bound to it, and can be called when decoded', () => {
    const bound = join3.partial('a');
    const table = encode([double, bound]);
    expect(table).toContainEqual(['task', 'task.double', []]);
    const [again, partly] = decode(table, REVIVE) as [typeof double, typeof bound];
    expect(encode(again(2))).toEqual(encode(double(2)));
    expect(encode(partly(1, true))).toEqual(encode(join3('a', 1, true)));
  });

  it('given its first arguments makes the same call as with all at once', () => {
    const whole = encode(join3('a', 1, true));
    expect(encode(join3.partial('a')(1, true))).toEqual(whole);
    expect(encode(join3.partial('a').partial(1)(true))).toEqual(whole);
    expect(encode(join3.partial('a', 1, true)())).toEqual(whole);
    const lazy = double(1);
    expect(encode(join3.partial('a', lazy)(true))).toEqual(encode(join3('a', lazy, true)));
  });

  it('with lazy arguments given is the operator partial', () => {
    expect(encode(join3.partial('a', double(1)))).toEqual([
      ['task', 'task.join3', []],
      'a',
      1,
      ['call', 'task.double', [2], null],
      ['op', 'partial', [0, 1, 3]],
    ]);
  });

  it('cannot take call options with it', () => {
    const takes = task('task.takes', { version: '1' }, (f: Task<[n: number], number>) => f(1));
    expect(() => encode(takes(double.options({ memory: 1 })))).toThrow('pass the task task.double without .options()');
    const mapped = map(join3.partial('a', double(1)).options({ memory: 1 }) as never, [true]);
    expect(encode(mapped)).toContainEqual(['op', 'partial', expect.any(Array)]);
    expect(encode(mapped)).toContainEqual(['record', ['memory'], expect.any(Array)]);
  });

  it('that is not known yet is applied by a form', () => {
    expect(encode(choose()(3))).toEqual([['call', 'task.choose', [], null], 3, ['form', 'apply', [0, 1]]]);
    const both = task('task.both', { version: '1' }, () => ({ first: double }));
    expect(encode(both().first(3)).at(-1)).toEqual(['form', 'apply', expect.any(Array)]);
    const untyped = choose() as unknown as { options: () => unknown };
    expect(() => untyped.options()).toThrow('options cannot be given to a task that is not known yet');
  });
});

describe('a name', () => {
  it('is taken once: both definitions are shown', () => {
    task('task.taken', { version: '1' }, (first: number) => first);
    const again = () => task('task.taken', { version: '1' }, (second: number) => second);
    expect(again).toThrow('two tasks are named task.taken: (first) => first and (second) => second');
  });

  it.each(['', 'a b', '.a', 'a.', 'a..b', '1a', 'a/b'])('is words joined by dots, not %j', (name) => {
    expect(() => task(name, { version: '1' }, () => 1)).toThrow('is no task name');
  });

  it('needs a function', () => {
    expect(() => task('task.none', 3 as unknown as () => number)).toThrow('needs a function as its last argument');
  });
});

describe('options', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['a size below nothing', { memory: -3 }, "the option 'memory' must be a positive number of GiB, and is -3"],
    ['a size of nothing', { vcpus: 0 }, "the option 'vcpus' must be a positive number, and is 0"],
    ['no number', { timeoutSeconds: Number.NaN }, "'timeoutSeconds' must be a positive number of seconds, and is NaN"],
    ['a part of a device', { gpus: 0.5 }, "the option 'gpus' must be a whole number, 0 or more, and is 0.5"],
    ['a text for a number', { memoryMax: '8' }, `'memoryMax' must be a positive number of GiB, and is "8"`],
    [
      'a maximum below the beginning',
      { memory: 8, memoryMax: 4 },
      "the option 'memoryMax' must be no less than memory, which is 8, and is 4",
    ],
    ['a word of none', { cacheScope: 'nnoe' }, `must be 'any' or 'none', and is "nnoe"; did you mean 'none'?`],
    ['a misspelled name', { memroy: 3 }, "there is no option 'memroy'; did you mean 'memory'?"],
    ['half a name', { timeout: 3 }, "there is no option 'timeout'; did you mean 'timeoutSeconds'?"],
    [
      'a name for what the task itself declares',
      { includs: [] },
      "there is no option 'includs'; did you mean 'includes'?",
    ],
    ['a name that every object knows', { toString: 1 }, "there is no option 'toString'; there are version, includes,"],
    [
      'a cause that is none',
      { attempts: { 'out-of-memroy': 2 } },
      "no option 'attempts.out-of-memroy'; did you mean 'out-",
    ],
    ['a count that is none', { attempts: { program: -1 } }, "the option 'attempts.program' must be a whole number"],
    [
      'an amount that is none',
      { limits: { db: 'all' } },
      `the option 'limits.db' must be a number, 0 or more, and is "all"`,
    ],
    ['a tag that is no text', { tags: { sample: 3 } }, "the option 'tags.sample' must be a text, and is 3"],
    [
      'a secret that is no place',
      { secrets: { KEY: 'hunter22' } },
      "the option 'secrets.KEY' must say where the secret is",
    ],
    [
      'an ARN of what is no secret',
      { secrets: { KEY: 'arn:aws:s3:::b' } },
      "'secrets.KEY' must say where the secret is",
    ],
    ['two places for a secret', { secrets: { KEY: { env: 'A', file: 'b' } } }, "'secrets.KEY' must say where"],
    [
      'a secret of no variable',
      { secrets: { 'a-b': { env: 'A' } } },
      "'secrets.a-b' must be called like an environment",
    ],
    ['a list for a record', { limits: ['db'] }, "the option 'limits' must be a record, and is a list"],
    ['what only a call has', { context: {} }, "there is no option 'context'"],
    ['something lazy', { memory: double(2) }, "the option 'memory' must be a positive number of GiB, and is a "],
  ])('are looked at where the task is defined: %s', (_what, options, said) => {
    const define = () => task('task.odd', options as never, () => 1);
    expect(define).toThrow('the task task.odd: ');
    expect(define).toThrow(said);
  });

  it('name a secret that was written in the place of its place without showing it', () => {
    const define = () => task('task.odd', { secrets: { KEY: 'hunter22' } } as never, () => 1);
    expect(define).toThrow('secrets.KEY');
    expect(define).not.toThrow('hunter22');
  });

  it('that are undefined are as good as left out', () => {
    task('task.left', { version: '1', memory: undefined, tags: { sample: undefined } } as never, () => 1);
    expect(() => task('task.three', 3 as never, () => 1)).toThrow('must be a record, and is 3');
  });
});

describe('declared parameters', () => {
  const main = task(
    'task.main',
    {
      version: '1',
      params: v.object({
        samples: v.file(),
        out: v.dir(),
        lanes: v.optional(v.number(), 2),
        note: v.optional(v.string()),
        names: v.optional(v.array(v.string()), []),
      }),
    },
    ({ samples }) => samples,
  );

  it('are read and filled in before the call is encoded', () => {
    const full = encode(main({ samples: file('a'), out: 'b', lanes: 2, names: [] }));
    expect(encode(main({ samples: 'a', out: 'b' }))).toEqual(full);
    expect(encode(main({ samples: 'a', out: 'b', note: undefined }))).toEqual(full);
    expect(full).toContainEqual(['record', ['lanes', 'names', 'out', 'samples'], expect.any(Array)]);
    expect(full).toContainEqual(['dir', 'b/', null]);
  });

  it('may be lazy, in whole or in part', () => {
    const lazy = main({ samples: main({ samples: 'a', out: 'b' }), out: 'b', lanes: double(2), names: [textOf(3)] });
    expect(encode(lazy)).toContainEqual(['record', ['lanes', 'names', 'out', 'samples'], expect.any(Array)]);
    const whole = main(double(1) as unknown as { samples: string; out: string });
    expect(encode(whole)).toEqual([1, ['call', 'task.double', [0], null], ['call', 'task.main', [1], null]]);
  });

  it('are read once when given by partial', () => {
    expect(encode(main.partial({ samples: file('a'), out: 'b', lanes: 2, names: [] } as never)())).toEqual(
      encode(main({ samples: 'a', out: 'b' })),
    );
  });

  it('are refused with every problem listed', () => {
    const wrong = () => main({ samples: 3, lanes: 'x', nmaes: [], names: ['a', 4] } as never);
    expect(wrong).toThrow(
      [
        'bad arguments for task.main:',
        '  nmaes: there is no such parameter',
        '  samples: expected the location of a file, got 3',
        '  out: missing; expected the location of a directory',
        '  lanes: expected number, got "x"',
        '  names[1]: expected string, got 4',
        'it takes samples, out, lanes?, note?, names?',
      ].join('\n'),
    );
    expect(() => main([] as never)).toThrow('task.main takes one record of arguments: samples, out');
  });
});

function textOf(n: number): Lazy<string> {
  return add('x', n);
}
