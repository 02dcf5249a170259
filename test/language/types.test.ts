import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  add,
  catchAll,
  catchError,
  cond,
  copyFile,
  type Dir,
  dir,
  entries,
  type File,
  file,
  flatMap,
  force,
  get,
  isLazy,
  type Lazy,
  map,
  merge,
  quote,
  type Staging,
  script,
  seq,
  type Task,
  task,
  text,
  throwError,
  v,
  values,
} from '../../core/index.ts';

const count = task('types.count', { version: '1' }, (reads: File, limit?: number) => ({ reads, limit: limit ?? 0 }));
const pair = task('types.pair', { version: '1' }, (): [File, string] => [file('a'), 'b']);
const names = task('types.names', { version: '1' }, (from: Dir): string[] => [from.name]);
const twice = task('types.twice', { version: '1' }, (n: number) => n * 2);
const nested = task('types.nested', { version: '1' }, (by: Record<string, { files: File[] }>) => Object.keys(by));

describe('a call', () => {
  it('gives a lazy value of what the function returns', () => {
    expectTypeOf(count(file('a'))).toEqualTypeOf<Lazy<{ reads: File; limit: number }>>();
    expectTypeOf(count(file('a')).reads).toEqualTypeOf<Lazy<File>>();
    expectTypeOf(count(file('a')).reads.location).toEqualTypeOf<Lazy<string>>();
  });

  it('takes concrete values, lazy ones, and any nesting of both', () => {
    const counted = count(count(file('a')).reads, twice(3));
    nested({ a: { files: [counted.reads, file('b')] }, b: { files: [] } });
    nested({ a: names(dir('x')) as unknown as Lazy<{ files: File[] }> });
    expect(isLazy(counted)).toBe(true);
  });

  it('does not compile with the wrong arguments', () => {
    // @ts-expect-error a string is no file
    expect(() => count('a')).not.toThrow();
    // @ts-expect-error a lazy number is no file
    expect(() => count(twice(1))).not.toThrow();
    // @ts-expect-error an argument is missing
    expect(() => count()).not.toThrow();
    // @ts-expect-error one argument too many
    expect(() => twice(1, 2)).not.toThrow();
    // @ts-expect-error a record with a wrong field deep inside
    expect(() => nested({ a: { files: [twice(1)] } })).not.toThrow();
  });

  it('has no promise and no lazy part left in its result', () => {
    const later = task('types.later', { version: '1' }, () => Promise.resolve({ n: twice(1), list: [pair()] }));
    expectTypeOf(later()).toEqualTypeOf<Lazy<{ n: number; list: [File, string][] }>>();
    const either = task('types.either', { version: '1' }, (n: number): number | Lazy<number> => (n > 1 ? twice(n) : n));
    expectTypeOf(either(1)).toEqualTypeOf<Lazy<number>>();
  });
});

describe('a lazy value', () => {
  it('is taken apart by position and by name', () => {
    const [reads, name] = pair();
    expectTypeOf(reads).toEqualTypeOf<Lazy<File>>();
    expectTypeOf(name).toEqualTypeOf<Lazy<string>>();
    const { limit } = count(file('a'));
    expectTypeOf(limit).toEqualTypeOf<Lazy<number>>();
  });

  it('has no properties its value has not, and no methods', () => {
    // @ts-expect-error there is no such property
    count(file('a')).bam;
    // @ts-expect-error a lazy list has no map
    expect(() => names(dir('a')).map(String)).toThrow('map(task, list)');
    // @ts-expect-error a lazy tuple has no map
    expect(() => pair().map(String)).toThrow('map(task, list)');
    // @ts-expect-error a lazy file has no text
    expect(() => count(file('a')).reads.text()).not.toThrow();
  });

  // Acceptance: 11.
  it('is not iterated, tested or used as its value', () => {
    // @ts-expect-error the length of a lazy list is not known
    expect(() => [...names(dir('a'))]).toThrow('not iterated');
    const n = twice(1);
    // @ts-expect-error a lazy value is always true
    if (n) expect(isLazy(twice(2))).toBe(true);
    // @ts-expect-error a lazy value is always true
    if (twice(1)) expect(isLazy(n)).toBe(true);
    // @ts-expect-error a lazy number is no number
    expect(() => n + 1).toThrow('add(a, b)');
    // @ts-expect-error a lazy number is no number
    const concrete: number = n;
    expect(isLazy(concrete)).toBe(true);
  });

  // Acceptance: 11.
  it('is of no use when it was awaited', async () => {
    const awaited = await twice(1);
    // @ts-expect-error lazy values are not awaited
    expect(isLazy(twice(awaited))).toBe(true);
    // @ts-expect-error lazy values are not awaited
    const [all] = await Promise.all([twice(1)]).then(([first]) => [twice(first)]);
    expect(isLazy(all)).toBe(true);
  });

  it('is returned by async functions and through promises', () => {
    const direct = task('types.async', { version: '1' }, async (n: number) => twice(n));
    expectTypeOf(direct(1)).toEqualTypeOf<Lazy<number>>();
    const typed = task('types.typed', { version: '1' }, async (n: number): Promise<Lazy<number>> => twice(n));
    expectTypeOf(typed(1)).toEqualTypeOf<Lazy<number>>();
    const chained = task('types.chained', { version: '1' }, (a: File) => a.text().then((t) => twice(t.length)));
    expectTypeOf(chained(file('a'))).toEqualTypeOf<Lazy<number>>();
    const either = task('types.maybe', { version: '1' }, async (n: number) => (n > 1 ? twice(n) : [twice(n)]));
    expectTypeOf(either(1)).toEqualTypeOf<Lazy<number | number[]>>();
  });

  it('stages lazily when it is a file', () => {
    expectTypeOf(count(file('a')).reads.stage('x')).toEqualTypeOf<Lazy<Staging<File>>>();
  });

  it('is called when it is a task', () => {
    const choose = task('types.choose', { version: '1' }, () => twice);
    expectTypeOf(choose()(1)).toEqualTypeOf<Lazy<number>>();
    // @ts-expect-error the task takes a number
    expect(() => choose()('1')).not.toThrow();
  });
});

describe('a task as a value', () => {
  it('is an argument and is partially applied', () => {
    const applyTwice = task('types.apply', { version: '1' }, (f: Task<[n: number], number>, n: number) => f(f(n)));
    expectTypeOf(applyTwice(twice, 1)).toEqualTypeOf<Lazy<number>>();
    const join3 = task('types.join3', { version: '1' }, (a: string, b: number, c: File) => `${a}${b}${c.location}`);
    expectTypeOf(join3.partial('a')).toEqualTypeOf<Task<[b: number, c: File], string>>();
    expectTypeOf(join3.partial('a').partial(twice(1))).toEqualTypeOf<Task<[c: File], string>>();
    // @ts-expect-error the first argument is a string
    join3.partial(1);
    // @ts-expect-error the wrong kind of task
    applyTwice(join3, 1);
  });

  it('takes options whose values may be lazy', () => {
    expectTypeOf(twice.options({ memory: twice(30), executor: 'batch' })(1)).toEqualTypeOf<Lazy<number>>();
    // @ts-expect-error memory is a number of GiB
    twice.options({ memory: '30' });
    // @ts-expect-error there is no such option
    twice.options({ memroy: 30 });
  });
});

describe('a task with declared parameters', () => {
  const main = task(
    'types.main',
    {
      version: '1',
      params: v.object({ samples: v.file(), outputPath: v.string(), platform: v.optional(v.string(), 'illumina') }),
    },
    (params) => {
      expectTypeOf(params).toEqualTypeOf<{ samples: File; outputPath: string; platform: string }>();
      return params.platform;
    },
  );

  it('takes one record in which defaults may be left out', () => {
    expectTypeOf(main({ samples: 'a', outputPath: 'b' })).toEqualTypeOf<Lazy<string>>();
    main({ samples: count(file('a')).reads, outputPath: text`x/${twice(1)}`, platform: 'x' });
    const records = task('types.records', { version: '1' }, () => [
      { samples: file('a'), outputPath: '', platform: '' },
    ]);
    expectTypeOf(map(main, records())).toEqualTypeOf<Lazy<string[]>>();
    main(get(records(), 0));
    // @ts-expect-error outputPath is missing
    expect(() => main({ samples: 'a' })).toThrow('outputPath');
    // @ts-expect-error outputPath is a string
    expect(() => main({ samples: 'a', outputPath: 1 })).toThrow('outputPath');
    // @ts-expect-error outputPath is a string
    main({ samples: 'a', outputPath: twice(1) });
  });
});

describe('recursion', () => {
  const fib = task('types.fib', { version: '1' }, (n: number): number | Lazy<number> =>
    n < 2 ? n : add(fib(n - 1), fib(n - 2)),
  );
  const even = task('types.even', { version: '1' }, (n: number): boolean | Lazy<boolean> => n === 0 || odd(n - 1));
  const odd = task('types.odd', { version: '1' }, (n: number): boolean | Lazy<boolean> => n !== 0 && even(n - 1));

  it('needs no more than a return type', () => {
    expectTypeOf(fib(3)).toEqualTypeOf<Lazy<number>>();
    expectTypeOf(even(3)).toEqualTypeOf<Lazy<boolean>>();
    expectTypeOf(cond(odd(1), 'a', fib(2))).toEqualTypeOf<Lazy<string | number>>();
  });
});

describe('operators and forms', () => {
  it('have the types of their results', () => {
    expectTypeOf(add(1, twice(2))).toEqualTypeOf<Lazy<number>>();
    expectTypeOf(add('a', text`b`)).toEqualTypeOf<Lazy<string>>();
    expectTypeOf(get(names(dir('a')), 0)).toEqualTypeOf<Lazy<string>>();
    const byName = task('types.byName', { version: '1' }, (): Record<string, File> => ({}));
    expectTypeOf(get(byName(), 'fai')).toEqualTypeOf<Lazy<File>>();
    expectTypeOf(byName().fai).toEqualTypeOf<Lazy<File> | undefined>();
    expectTypeOf(get(count(file('a')), 'limit')).toEqualTypeOf<Lazy<number>>();
    expectTypeOf(cond(twice(1), 'a', twice(2))).toEqualTypeOf<Lazy<string | number>>();
    expectTypeOf(cond(true, 1)).toEqualTypeOf<Lazy<number | undefined>>();
    expectTypeOf(seq([twice(1), text`a`])).toEqualTypeOf<Lazy<[number, string]>>();
    expectTypeOf(map(twice, [1, twice(2)])).toEqualTypeOf<Lazy<number[]>>();
    expectTypeOf(flatMap(names, [dir('a')])).toEqualTypeOf<Lazy<string[]>>();
    expectTypeOf(values(count(file('a')))).toEqualTypeOf<Lazy<(File | number)[]>>();
    expectTypeOf(entries({ a: 1 })).toEqualTypeOf<Lazy<[string, number][]>>();
    expectTypeOf(merge(count(file('a')), { name: 'x' }).name).toEqualTypeOf<Lazy<string>>();
    expectTypeOf(force(quote(twice(1)))).toEqualTypeOf<Lazy<number>>();
    expectTypeOf(throwError('no')).toEqualTypeOf<Lazy<never>>();
    // @ts-expect-error the elements are not numbers
    map(twice, ['a']);
  });

  it('recover by a task of the error', () => {
    const recover = task('types.recover', { version: '1' }, (error: Error) => error.message);
    expectTypeOf(catchError(twice(1), 'ScriptError', recover)).toEqualTypeOf<Lazy<number | string>>();
    expectTypeOf(catchError(twice(1), [RangeError, 'TimedOut'], recover)).toEqualTypeOf<Lazy<number | string>>();
    const both = catchAll([twice(1), text`a`]);
    expectTypeOf(both[1].length).not.toBeNever();
    // @ts-expect-error recover takes no number
    catchError(twice(1), 'Error', twice);
  });

  it('give scripts the shape of their outputs', () => {
    const bam = script('true', {
      memory: 30,
      inputs: [file('a').stage()],
      outputs: { bam: file('b').stage('x'), stdout: file('-'), n: twice(1), dirs: [dir('d').stage()] },
    });
    expectTypeOf(bam.bam).toEqualTypeOf<Lazy<File>>();
    expectTypeOf(bam.stdout).toEqualTypeOf<Lazy<string>>();
    expectTypeOf(bam.n).toEqualTypeOf<Lazy<number>>();
    expectTypeOf(bam.dirs[0]).toEqualTypeOf<Lazy<Dir>>();
    const again = script(text`x ${bam.stdout}`, { outputs: [bam.bam.stage('y'), bam.bam] });
    expectTypeOf(again[0]).toEqualTypeOf<Lazy<File>>();
    expectTypeOf(again[1]).toEqualTypeOf<Lazy<File>>();
    expectTypeOf(script('echo')).toEqualTypeOf<Lazy<string>>();
    expectTypeOf(copyFile(bam.bam, 'c')).toEqualTypeOf<Lazy<File>>();
  });
});
