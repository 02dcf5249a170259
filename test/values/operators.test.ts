import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dir, EXPRESSION, File, Place, Quote, STDOUT, TASK } from '../../core/values/classes.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import { applyOperator, OPERATOR_NAMES } from '../../core/values/operators.ts';
import { hashOf } from '../../core/values/table.ts';

function compute(name: string, ...operands: unknown[]): unknown {
  return decode(applyOperator(name, encode(operands)), {
    task: (reference) => reference,
    expression: (expression) => expression,
  });
}

const number = fc.double();

describe('arithmetic and comparison', () => {
  it('are JavaScript’s', () => {
    const operators: Record<string, (a: number, b: number) => unknown> = {
      add: (a, b) => a + b,
      sub: (a, b) => a - b,
      mul: (a, b) => a * b,
      div: (a, b) => a / b,
      mod: (a, b) => a % b,
      pow: (a, b) => a ** b,
      lt: (a, b) => a < b,
      le: (a, b) => a <= b,
      gt: (a, b) => a > b,
      ge: (a, b) => a >= b,
    };
    for (const [name, expected] of Object.entries(operators)) {
      fc.assert(
        fc.property(number, number, (a, b) => {
          expect(compute(name, a, b)).toBe(expected(a, b));
        }),
      );
    }
  });

  it.each<[string, unknown[], unknown]>([
    ['neg', [3], -3],
    ['neg', [0], -0],
    ['add', [1n, 2n], 3n],
    ['add', ['a', 1], 'a1'],
    ['lt', ['a', 'b'], true],
    ['lt', [new Date(1), new Date(2)], true],
    ['sub', [new Date(5), new Date(2)], 3],
    ['and', [0, 'x'], 0],
    ['and', ['a', 'x'], 'x'],
    ['or', ['', 'x'], 'x'],
    ['or', [[], 'x'], []],
    ['not', [''], true],
    ['not', [[]], false],
  ])('%s, example %#', (name, operands, expected) => {
    expect(compute(name, ...operands)).toEqual(expected);
  });

  it.each<[string, unknown[], string]>([
    ['add', [1, {}], 'add: a record is not a number or text'],
    ['add', [1, 1n], 'BigInt'],
    ['mul', [[2], 2], 'mul: a list is not a number or text'],
    ['lt', [new File('a'), 1], 'lt: a File is not a number or text'],
    ['div', [1n, 0n], 'zero'],
  ])('%s refuses example %#', (name, operands, message) => {
    expect(() => compute(name, ...operands)).toThrow(message);
  });
});

describe('eq', () => {
  it('is equality of value hashes', () => {
    expect(compute('eq', { a: [1, new File('x', 'v')] }, { a: [1, new File('x', 'v')] })).toBe(true);
    expect(compute('eq', new File('x', 'v'), new File('x', 'w'))).toBe(false);
    expect(compute('eq', Number.NaN, Number.NaN)).toBe(true);
    expect(compute('eq', 0, -0)).toBe(false);
    expect(compute('eq', 1, 1n)).toBe(false);
    expect(compute('ne', 1, '1')).toBe(true);
  });
});

describe('get', () => {
  const failure = Object.assign(new RangeError('no'), { exitCode: 3 });

  it.each<[string, unknown, unknown, unknown]>([
    ['a field', { a: { b: 1 } }, 'a', { b: 1 }],
    ['a field by number', { 1: 'x' }, 1, 'x'],
    ['a field that is not there', { a: 1 }, 'b', undefined],
    ['an inherited property', { a: 1 }, 'toString', undefined],
    ['a field named __proto__', JSON.parse('{"__proto__": 7}'), '__proto__', 7],
    ['an element', ['x', 'y'], 1, 'y'],
    ['an element by text', ['x', 'y'], '1', 'y'],
    ['an element beyond the end', ['x'], 5, undefined],
    ['an element before the start', ['x'], -1, undefined],
    ['an element between', ['x'], 0.5, undefined],
    ['a method of lists', ['x'], 'map', undefined],
    ['a length', ['x', 'y'], 'length', 2],
    ['a length of a text', 'abc', 'length', 3],
    ['a character', 'abc', 1, 'b'],
    ['what a map holds', new Map([[{ k: [1] }, 'v']]), { k: [1] }, 'v'],
    ['what a map does not hold', new Map([['1', 'v']]), 1, undefined],
    ['the size of a map', new Map([['1', 'v']]), 'size', 1],
    ['a location', new File('a/b.txt', 'v'), 'location', 'a/b.txt'],
    ['a file’s name', new File('s3://x/a/b.txt'), 'name', 'b.txt'],
    ['a directory’s name', new Dir('a/b'), 'name', 'b'],
    ['a version', new File('a', 'v'), 'version', 'v'],
    ['a version nobody knows', new File('a'), 'version', undefined],
    ['a message', failure, 'message', 'no'],
    ['an error’s field', failure, 'exitCode', 3],
    ['a field of a number', 1, 'a', undefined],
    ['the file of an input', new File('a').stage('b'), 'source', new File('a')],
  ])('%s', (_name, container, key, expected) => {
    expect(compute('get', container, key)).toEqual(expected);
  });

  it('names the key when there is nothing to read it from', () => {
    expect(() => compute('get', undefined, 'bam')).toThrow('cannot read "bam" of undefined');
    expect(() => compute('get', null, 3)).toThrow('cannot read 3 of null');
  });
});

describe('lists, records and text', () => {
  it.each<[string, unknown[], unknown]>([
    ['concat', [[1], [2, [3]]], [1, 2, [3]]],
    ['concat', ['a', 1, 'b'], 'a1b'],
    ['len', [[1, 2]], 2],
    ['len', [{ a: 1 }], 1],
    ['len', [new Set([1, 2, 3])], 3],
    ['contains', [[{ a: 1 }], { a: 1 }], true],
    ['contains', [{ a: 1 }, 'b'], false],
    ['contains', ['reads', 'ad'], true],
    ['contains', [new Map([[1, 2]]), 1], true],
    ['keys', [{ b: 1, a: 2 }], ['a', 'b']],
    ['values', [{ b: 1, a: 2 }], [2, 1]],
    [
      'entries',
      [{ b: 1, a: 2 }],
      [
        ['a', 2],
        ['b', 1],
      ],
    ],
    ['entries', [['x']], [[0, 'x']]],
    ['format', [['a ', ' b ', ''], 1, new File('f.txt')], 'a 1 b f.txt'],
    ['join', [['a', 1, true], '-'], 'a-1-true'],
    ['slice', [[1, 2, 3], 1], [2, 3]],
    ['slice', ['abc', 0, -1], 'ab'],
    ['merge', [{ a: 1, b: 1 }, { b: 2 }], { a: 1, b: 2 }],
    ['record', [[['a', 1]]], { a: 1 }],
    [
      'zip',
      [
        [1, 2],
        ['a', 'b'],
      ],
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    ['zip', [[], []], []],
    ['flatten', [[[1], [], [2, [3]]]], [1, 2, [3]]],
    ['file', ['a//b'], new File('a/b')],
    ['dir', ['a'], new Dir('a/')],
    ['location', [new Dir('a')], 'a/'],
    ['stage', [new File('x/a'), undefined, 'link'], new File('x/a').stage()],
    ['stage', [new File('x/a'), 'b', 'copy'], new File('x/a').stage('b', { copy: true })],
    ['argv', [['echo', "it's", 3]], "exec 'echo' 'it'\\''s' '3'\n"],
    [
      'outputs',
      [{ a: new File('-'), b: [new Dir('d')], c: 1 }],
      { a: STDOUT, b: [new Place('dir', 'd/', undefined)], c: 1 },
    ],
  ])('%s, example %#', (name, operands, expected) => {
    expect(compute(name, ...operands)).toEqual(expected);
  });

  it('outputs finds every place of a value nested 100,000 deep, under keys of any name', () => {
    const nest = (bottom: unknown): unknown => {
      let value = bottom;
      for (let at = 0; at < 100_000; at++) value = at % 2 === 0 ? [value] : Object.fromEntries([['__proto__', value]]);
      return value;
    };
    const wanted = hashOf(encode(nest(STDOUT)));
    expect(hashOf(applyOperator('outputs', encode([nest(new File('-'))])))).toBe(wanted);
  });

  it.each<[string, unknown[], string]>([
    ['zip', [[1], []], 'zip: the lists have unequal lengths 1, 0'],
    ['join', [[{}], ','], 'join: a record has no text of its own'],
    ['format', [['', ''], [1]], 'text: a list has no text of its own'],
    ['merge', [[1], {}], 'merge: a list is not a record'],
    ['keys', [3], 'keys: a number has no entries'],
    ['flatten', [[1]], 'flatten: a number is not a list'],
    ['concat', [[1], 'a'], 'concat: a list has no text'],
    ['stage', ['a', undefined, 'link'], 'stage: a string is not a file or directory'],
    ['nonsense', [], 'there is no operator nonsense'],
    ['toString', [], 'there is no operator toString'],
  ])('%s refuses example %#', (name, operands, message) => {
    expect(() => compute(name, ...operands)).toThrow(message);
  });
});

describe('tasks and quotes', () => {
  it('are given arguments by partial', () => {
    const task = { [TASK]: { name: 'a.f', bound: [1] } };
    expect(compute('partial', task, 'x', { y: 2 })).toEqual({ name: 'a.f', bound: [1, 'x', { y: 2 }] });
    expect(() => compute('partial', 'a.f', 1)).toThrow('partial: the first operand is not a task');
  });

  it('pass through other operators unharmed', () => {
    const quote = new Quote({ [EXPRESSION]: { kind: 'call', name: 'a.f', args: [1], options: undefined } });
    const list = encode([{ [TASK]: { name: 'a.f', bound: [] } }, quote]);
    const operands = encode([[], []]);
    expect(applyOperator('concat', operands)).toEqual(encode([]));
    expect(applyOperator('flatten', encode([[[{ [TASK]: { name: 'a.f', bound: [] } }], [quote]]]))).toEqual(list);
  });
});

it('every operator has a name of its own', () => {
  expect(new Set(OPERATOR_NAMES).size).toBe(OPERATOR_NAMES.length);
  expect(OPERATOR_NAMES).toContain('get');
});
