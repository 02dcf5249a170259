import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { add, get, isLazy, type Lazy, task, text } from '../../core/index.ts';
import { encode } from '../../core/values/encode.ts';
import type { Node } from '../../core/values/table.ts';

interface Sample {
  readonly bam: string;
  readonly files: string[];
  readonly pair: [string, number];
}
const sample = task('lazy.sample', { version: '1' }, (): Sample => ({ bam: 'b', files: [], pair: ['p', 1] }));
// biome-ignore lint/suspicious/noExplicitAny: what plain JavaScript can do to a lazy value.
const untyped = (): any => sample();

describe('parts of a lazy value', () => {
  it('are lazy: a property is the operator get', () => {
    expect(isLazy(sample().bam)).toBe(true);
    expect(encode(sample().bam)).toEqual(encode(get(sample(), 'bam')));
    expect(encode(sample().bam)).toEqual([['call', 'lazy.sample', [], null], 'bam', ['op', 'get', [0, 1]]]);
  });

  it('are the same expression by index and by get', () => {
    expect(encode(sample().files[0])).toEqual(encode(get(sample().files, 0)));
    expect(encode(sample().files.length)).toEqual(encode(get(sample().files, 'length')));
  });

  it('are had by destructuring, by name and by position', () => {
    const { bam, pair } = sample();
    const [name, count] = pair;
    expect(encode(bam)).toEqual(encode(sample().bam));
    expect(encode([name, count])).toEqual(encode([get(sample().pair, 0), get(sample().pair, 1)]));
  });

  it('with names that mean something else are had by get', () => {
    for (const name of ['then', 'toJSON', 'constructor', 'options', 'stage']) {
      const root = encode(get(untyped(), name)).at(-1) as Node;
      expect(root).toEqual(['op', 'get', [0, 1]]);
    }
  });

  it('have names that functions have too', () => {
    for (const name of ['name', 'length', 'prototype', 'caller', 'arguments']) {
      expect(encode(untyped()[name])).toEqual(encode(get(untyped(), name)));
    }
  });
});

describe('what needs the value itself', () => {
  // Acceptance: 11.
  it.each<[string, (value: Lazy<Sample>) => unknown, string]>([
    [
      'a loop',
      (value) => {
        for (const each of value as unknown as Iterable<unknown>) expect(isLazy(each)).toBe(true);
      },
      'map(task, list) instead of a loop',
    ],
    ['a spread', (value) => [...(value as unknown as Iterable<unknown>)], 'concat(a, b) instead of [...a, ...b]'],
    ['Array.from', (value) => Array.from(value as unknown as Iterable<unknown>), 'length is not known yet'],
    [
      'a rest pattern',
      (value) => {
        const [, ...rest] = value as unknown as unknown[];
        return rest;
      },
      'length is not known yet',
    ],
    ['a record spread', (value) => ({ ...value }), 'merge(a, b) instead of {...a}'],
    ['Object.keys', (value) => Object.keys(value), 'keys(value) instead of Object.keys'],
    ['JSON.stringify', (value) => JSON.stringify({ deep: [value] }), 'has no JSON yet'],
    ['a template', (value) => `${value}`, 'text`'],
    ['concatenation', (value) => `a${value}`, 'text`'],
    ['String', (value) => String(value), 'text`'],
    ['toString', (value) => value.toString(), 'has no .toString() yet: write text`'],
    ['addition', (value) => (value as unknown as number) + 1, 'add(a, b)'],
    ['comparison', (value) => (value as unknown as number) < 1, 'eq(a, b)'],
    // biome-ignore lint/suspicious/noDoubleEquals: what an author may write by mistake.
    ['loose equality', (value) => (value as unknown as number) == 1, 'eq(a, b)'],
    ['in', (value) => 'bam' in value, 'contains(keys(value), name)'],
    ['assignment', (value) => Object.assign(value, { bam: 1 }), 'cannot be changed'],
    ['deletion', (value) => delete (value as { bam?: unknown }).bam, 'cannot be changed'],
    ['a method', (value) => (value as unknown as unknown[]).map(String), 'has no .map() yet: write map(task, list)'],
    ['a number’s method', (value) => (value as unknown as number).toFixed(2), 'has no .toFixed() yet'],
  ])('fails at once with advice: %s', (_name, use, advice) => {
    expect(() => use(sample())).toThrow(TypeError);
    expect(() => use(sample())).toThrow(advice);
  });

  it('leaves then undefined, so that an async function may return it', async () => {
    expect(untyped().then).toBeUndefined();
    const later = (async () => sample())();
    expect(isLazy(await (later as Promise<unknown>))).toBe(true);
  });

  it('shows itself in a debugger without failing', () => {
    expect(inspect([sample(), sample().bam])).toBe('[ Lazy(call lazy.sample), Lazy(op get) ]');
  });
});

describe('a large expression', () => {
  it('shares what is used twice', () => {
    let sum: Lazy<number> = add(1, 2);
    for (let level = 0; level < 60; level++) sum = add(sum, sum);
    expect(encode(sum)).toHaveLength(63);
  });

  it('nests 10,000 deep', () => {
    let grown: Lazy<string> = text`a`;
    for (let level = 0; level < 10_000; level++) grown = text`${grown}b`;
    expect(encode(grown).length).toBeGreaterThan(10_000);
  });
});
