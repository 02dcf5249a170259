import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXPRESSION, File, Quote, TASK } from '../../core/values/classes.ts';
import { decode, type Revive } from '../../core/values/decode.ts';
import { encode, NotEncodable } from '../../core/values/encode.ts';
import { hashOf, type Table } from '../../core/values/table.ts';

const REVIVE: Revive = {
  task: (reference) => ({ [TASK]: reference }),
  expression: (expression) => ({ [EXPRESSION]: expression }),
};

function call(name: string, ...args: unknown[]): unknown {
  return { [EXPRESSION]: { kind: 'call', name, args, options: undefined } };
}

/** Any value that has an encoding. Strings are well-formed. */
const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<unknown>(
      undefined,
      null,
      true,
      false,
      Number.NaN,
      -0,
      0,
      Number.POSITIVE_INFINITY,
      '',
      '__proto__',
    ),
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array(),
    fc.string({ unit: 'grapheme', minLength: 1 }).map((location) => new File(`x${location}`)),
    fc.array(tie('value')),
    fc.array(fc.tuple(fc.constantFrom('a', 'b', '__proto__', 'é', '10', '9'), tie('value'))).map(Object.fromEntries),
    fc.array(fc.tuple(tie('value'), tie('value'))).map((entries) => new Map(entries)),
    fc.array(tie('value')).map((members) => new Set(members)),
    fc.array(tie('value'), { maxLength: 3 }).map((args) => call('some.task', ...args)),
    tie('value').map((value) => new Quote(value)),
    fc.string({ unit: 'grapheme' }).map((message) => new RangeError(message)),
  ),
})).value;

describe('encoding', () => {
  it('round trips every value', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(hashOf(encode(decode(encode(value), REVIVE)))).toBe(hashOf(encode(value)));
      }),
      { numRuns: 500 },
    );
  });

  it('survives JSON', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const table = encode(value);
        const again = JSON.parse(JSON.stringify(table)) as Table;
        expect(hashOf(again)).toBe(hashOf(table));
        expect(hashOf(encode(decode(again, REVIVE)))).toBe(hashOf(table));
      }),
      { numRuns: 200 },
    );
  });

  it('gives the same hash whatever order keys and members were put in', () => {
    const values = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), fc.integer()), {
      selector: ([key]) => key,
    });
    fc.assert(
      fc.property(values, (entries) => {
        const turned = entries.toReversed();
        expect(encode(Object.fromEntries(turned))).toEqual(encode(Object.fromEntries(entries)));
        expect(hashOf(encode(new Map(turned)))).toBe(hashOf(encode(new Map(entries))));
        expect(hashOf(encode(new Set(turned)))).toBe(hashOf(encode(new Set(entries))));
      }),
    );
  });

  it('gives the same hash to a copy as to what is shared', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const copy = decode(encode(value), REVIVE);
        expect(hashOf(encode([value, copy]))).toBe(hashOf(encode([value, value])));
      }),
      { numRuns: 200 },
    );
  });

  it('tells apart what looks alike', () => {
    const alike = [
      {},
      { a: undefined },
      { a: null },
      [],
      [undefined],
      '',
      0,
      -0,
      0n,
      '0',
      false,
      null,
      undefined,
      new Map(),
      new Set(),
    ];
    const hashes = alike.map((value) => hashOf(encode(value)));
    expect(new Set(hashes).size).toBe(alike.length);
    expect(hashOf(encode('\u00e9'))).not.toBe(hashOf(encode('e\u0301')));
    expect(hashOf(encode(['list', [0]]))).not.toBe(hashOf(encode([['list', [0]]])));
  });

  it('makes equal members of sets and keys of maps one', () => {
    expect(encode(new Set([new File('a'), new File('./a')]))).toEqual(encode(new Set([new File('a')])));
    const map = new Map([
      [new File('a'), 1],
      [new File('a'), 2],
    ]);
    expect(encode(map)).toEqual(encode(new Map([[new File('a'), 2]])));
  });

  it('takes f(a) and f(a, undefined) for one call', () => {
    expect(encode(call('f', 1, undefined))).toEqual(encode(call('f', 1)));
    expect(encode(call('f', undefined, 1))).not.toEqual(encode(call('f', 1)));
  });
});

describe('depth and sharing', () => {
  it('goes 10,000 deep both ways', () => {
    let list: unknown = [];
    let chain: unknown = 0;
    for (let depth = 0; depth < 10_000; depth++) {
      list = [list];
      chain = call('next', chain);
    }
    for (const value of [list, chain]) {
      const table = encode(value);
      expect(table).toHaveLength(10_001);
      expect(encode(decode(table, REVIVE))).toEqual(table);
      expect(hashOf(table)).toMatch(/^[0-9a-f]{40}$/);
    }
  });

  it('keeps a diamond 60 levels deep small, shared or equal', () => {
    let shared: unknown = call('leaf');
    for (let level = 0; level < 60; level++) shared = call('both', shared, shared);
    const table = encode(shared);
    expect(table).toHaveLength(61);
    const again = decode(table, REVIVE);
    expect(encode([again, shared])).toHaveLength(62);
  });
});

describe('what has no encoding', () => {
  class Sample {}
  class Names extends Array<string> {}
  const self: { me?: unknown } = {};
  self.me = { again: [self] };

  it.each<[string, unknown, string]>([
    ['a function', { a: [() => 1] }, 'the function (anonymous) cannot be encoded; make it a task, at value.a[0]'],
    ['a class instance', [1, new Sample()], 'an instance of Sample cannot be encoded, at value[1]'],
    ['a subclass of a built-in', { names: new Names() }, 'an instance of Names cannot be encoded, at value.names'],
    ['a regular expression', /a/, 'an instance of RegExp cannot be encoded, at value'],
    ['a promise', [Promise.resolve(1)], 'a promise cannot be encoded; await it or return it by itself, at value[0]'],
    ['a symbol', { deep: { s: Symbol('x') } }, 'a symbol cannot be encoded, at value.deep.s'],
    ['a key that is a symbol', [{ [Symbol('x')]: 1 }], 'a property named by a symbol cannot be encoded, at value[0]'],
    ['a cycle', self, 'a value that contains itself cannot be encoded, at value.me.again[0]'],
    ['a lone surrogate', { a: ['\ud800'] }, 'a string with a lone surrogate cannot be encoded, at value.a[0]'],
    [
      'a lone surrogate in a key',
      { a: { '\udc00': 1 } },
      'a string with a lone surrogate cannot be encoded, at value.a',
    ],
    ['an argument', call('f', 1, Symbol('x')), 'a symbol cannot be encoded, at value › argument 2 of f'],
    ['other typed arrays', new Float64Array(1), 'an instance of Float64Array cannot be encoded, at value'],
  ])('refuses %s and says where it is', (_name, value, message) => {
    expect(() => encode(value)).toThrow(NotEncodable);
    expect(() => encode(value)).toThrow(message);
  });
});
