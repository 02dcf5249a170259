import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dir, EXPRESSION, File, Quote, TASK } from '../../core/values/classes.ts';
import {
  isConcrete,
  leavesOf,
  openLeavesOf,
  refsOf,
  spill,
  withLarge,
  withVersions,
} from '../../core/values/contents.ts';
import { encode } from '../../core/values/encode.ts';
import { ABSENT, combine, hashOf, INLINE_VALUE_BYTES_MAX, rootOf, type Table } from '../../core/values/table.ts';

function expression(kind: 'call' | 'op' | 'form', name: string, ...args: unknown[]): unknown {
  return { [EXPRESSION]: { kind, name, args, options: undefined } };
}

const call = (...args: unknown[]) => expression('call', 'some.task', ...args);
const LARGE = Array.from({ length: 400 }, (_, at) => `element ${at}`);

describe('large values', () => {
  it('leave an error readable, with the stacks of its causes, and hash the same', () => {
    const stack = (line: string) => `Error: x\n${`    at ${line}\n`.repeat(40)}`;
    const inner = Object.assign(new Error('inner'), { stack: stack('inner.ts:1'), bytes: 'x'.repeat(5000) });
    const outer = Object.assign(new Error('outer', { cause: inner }), { stack: stack('outer.ts:1') });
    const table = encode(outer);
    const { table: small, large } = spill(table);
    expect(hashOf(small)).toBe(hashOf(table));
    const json = JSON.stringify(small);
    for (const part of ['outer.ts:1', 'inner.ts:1', '"inner"']) expect(json).toContain(part);
    expect(json).not.toContain('xxxx');
    expect(hashOf(withLarge(small, large))).toBe(hashOf(table));
  });

  it('take out the deepest causes of an error that has thousands', () => {
    let error = new Error('deepest');
    for (let depth = 0; depth < 5000; depth++) error = new Error(`above ${depth}`, { cause: error });
    const table = encode(error);
    const { table: small, large } = spill(table);
    expect(small.length).toBeLessThan(100);
    expect(large.size).toBe(1);
    expect(hashOf(withLarge(small, large))).toBe(hashOf(table));
  });

  const jsonValue = fc
    .jsonValue({ maxDepth: 4 })
    .chain((value) => fc.constantFrom<unknown>(value, [LARGE, value], call(value, LARGE)));

  it('are taken out and put back without a change', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const table = encode(value);
        const { table: small, large } = spill(table);
        expect(hashOf(small)).toBe(hashOf(table));
        for (const [hash, part] of large) expect(hashOf(part)).toBe(hash);
        expect(hashOf(withLarge(small, large))).toBe(hashOf(table));
        expect(refsOf(withLarge(small, large))).toEqual([]);
      }),
    );
  });

  it('leave a small table behind: the largest concrete parts go', () => {
    const { table, large } = spill(encode(call({ list: LARGE, n: 1 }, 2)));
    expect([...large.values()]).toEqual([encode({ list: LARGE, n: 1 })]);
    expect(JSON.stringify(table).length).toBeLessThan(INLINE_VALUE_BYTES_MAX);
    expect(spill(table)).toEqual({ table, large: new Map() });
  });

  it('say whether they hold what must be looked at', () => {
    const flags = (value: unknown) => {
      const root = rootOf(spill(encode(value)).table);
      return Array.isArray(root) ? root[3] : undefined;
    };
    expect(flags([LARGE])).toBe(0);
    expect(flags([LARGE, new File('a', 'v')])).toBe(1);
    expect(flags([LARGE, { [TASK]: { name: 'a.b', bound: [] } }])).toBe(1);
    expect(flags([LARGE, new File('a')])).toBe(2);
    expect(flags([LARGE, new Dir('a'), new File('b', 'v')])).toBe(3);
  });
});

describe('concreteness', () => {
  it.each<[string, unknown, boolean]>([
    ['a value', { a: [new File('x')] }, true],
    ['a call', call(1), false],
    ['a value with a call deep inside', { a: [[call(1)]] }, false],
    ['a quoted call', [new Quote(call(1))], true],
    ['a task given a lazy argument', { [TASK]: { name: 'a.b', bound: [call(1)] } }, false],
  ])('%s', (_name, value, concrete) => {
    expect(isConcrete(encode(value))).toBe(concrete);
  });
});

describe('leaves', () => {
  it('are found anywhere: in operators, arguments, forms and quotes', () => {
    const value = [
      new File('a', '1'),
      expression('op', 'get', { x: new Dir('d', '2') }, 'x'),
      new Quote(call(new File('q', '3'))),
      expression('form', 'cond', true, { [TASK]: { name: 'other.task', bound: [] } }),
      new File('unseen'),
    ];
    const { files, tasks } = leavesOf(encode(value));
    expect(files).toEqual([
      { kind: 'file', location: 'a', version: '1' },
      { kind: 'dir', location: 'd/', version: '2' },
      { kind: 'file', location: 'q', version: '3' },
    ]);
    expect(tasks).toEqual(['some.task', 'other.task']);
  });
});

describe('files nobody has looked at', () => {
  const value = [new File('a'), call(new File('b')), new Quote(new File('c')), { d: new Dir('d') }, new File('e', '1')];

  it('are asked for in the data part alone', () => {
    expect(openLeavesOf(encode(value)).files).toEqual([
      { kind: 'file', location: 'a' },
      { kind: 'dir', location: 'd/' },
    ]);
  });

  it('get their versions there alone', () => {
    const versions: Record<string, string> = { a: '7', b: '8', c: '9', 'd/': ABSENT };
    const observed = withVersions(encode(value), (location) => versions[location]);
    const expected = [
      new File('a', '7'),
      call(new File('b')),
      new Quote(new File('c')),
      { d: new Dir('d', '') },
      new File('e', '1'),
    ];
    expect(hashOf(observed)).toBe(hashOf(encode(expected)));
    expect(openLeavesOf(observed).files).toEqual([]);
  });

  it('that stand in an argument and in the data part are looked at in one of them', () => {
    const shared = new File('a');
    const observed = withVersions(encode([shared, call(shared)]), () => '7');
    expect(hashOf(observed)).toBe(hashOf(encode([new File('a', '7'), call(new File('a'))])));
  });

  it('keep sets and maps in canonical order when they get theirs', () => {
    const names = Array.from({ length: 20 }, (_, at) => `file ${at}`);
    const observed = withVersions(encode(new Set(names.map((name) => new File(name)))), (name) => `v${name}`);
    expect(hashOf(observed)).toBe(hashOf(encode(new Set(names.map((name) => new File(name, `v${name}`))))));
  });
});

it('members of a set that turn out to be equal become one', () => {
  const set = (members: readonly Table[]) => combine(members, (roots) => ['set', roots]);
  expect(hashOf(set([encode(2), encode(1), encode(2)]))).toBe(hashOf(encode(new Set([1, 2]))));
  const referred: Table = [['ref', hashOf(encode(LARGE)), 5000, 0]];
  expect(hashOf(set([encode(LARGE), referred]))).toBe(hashOf(encode(new Set([LARGE]))));
});
