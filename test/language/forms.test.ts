import { describe, expect, it } from 'vitest';
import {
  catchAll,
  catchError,
  cond,
  context,
  flatMap,
  force,
  map,
  quote,
  seq,
  task,
  throwError,
} from '../../core/index.ts';
import { encode } from '../../core/values/encode.ts';
import { childrenOf, type Node, rootOf, subtable } from '../../core/values/table.ts';

const double = task('forms.double', { version: '1' }, (n: number) => n * 2);
const lists = task('forms.lists', { version: '1' }, (n: number) => [n]);
const recover = task('forms.recover', { version: '1' }, (error: Error) => error.message);

/** Name and arguments of an encoded form, each argument by its root node. */
function formOf(lazy: unknown): { readonly name: unknown; readonly args: Node[] } {
  const table = encode(lazy);
  const root = rootOf(table) as readonly ['form', string, readonly number[]];
  expect(root[0]).toBe('form');
  return { name: root[1], args: childrenOf<number>(root).map((index) => rootOf(subtable(table, index))) };
}

const UNDEFINED = ['undefined'];
const CALL = ['call', 'forms.double', [0], null];
const TASK = ['task', 'forms.recover', []];

describe('control forms', () => {
  it('cond has tests and branches in turn, and always an otherwise', () => {
    expect(formOf(cond(true, double(1)))).toEqual({ name: 'cond', args: [true, CALL, UNDEFINED] });
    expect(formOf(cond(1, 2, 3))).toEqual({ name: 'cond', args: [1, 2, 3] });
    expect(formOf(cond(1, 2, 3, 4))).toEqual({ name: 'cond', args: [1, 2, 3, 4, UNDEFINED] });
    expect(formOf(cond(1, 2, 3, 4, 5, 6, 7))).toEqual({ name: 'cond', args: [1, 2, 3, 4, 5, 6, 7] });
    expect(() => (cond as (test: unknown) => unknown)(1)).toThrow('cond needs a test');
  });

  it('seq has one argument an expression', () => {
    expect(formOf(seq([double(1), 2]))).toEqual({ name: 'seq', args: [CALL, 2] });
    expect(formOf(seq([]))).toEqual({ name: 'seq', args: [] });
  });

  it('map and flatMap have task, list, and call options', () => {
    expect(formOf(map(double, [1]))).toEqual({
      name: 'map',
      args: [
        ['task', 'forms.double', []],
        ['list', [0]],
      ],
    });
    expect(formOf(flatMap(lists, [1])).name).toBe('flatMap');
    expect(formOf(map(double.options({ memory: 8 }), [1]))).toEqual({
      name: 'map',
      args: [
        ['task', 'forms.double', []],
        ['list', [0]],
        ['record', ['memory'], [0]],
      ],
    });
  });

  it('catchError names classes', () => {
    class Odd extends RangeError {}
    expect(formOf(catchError(double(1), 'TimedOut', recover))).toEqual({
      name: 'catch',
      args: [CALL, ['list', [0]], TASK],
    });
    const caught = catchError(double(1), [Odd, 'ScriptError'], recover, Error, recover);
    expect(formOf(caught)).toEqual({ name: 'catch', args: [CALL, ['list', [0, 1]], TASK, ['list', [0]], TASK] });
    expect(encode(caught)).toEqual(expect.arrayContaining(['Odd', 'ScriptError', 'Error']));
    const wrong = catchError as (...args: unknown[]) => unknown;
    expect(() => wrong(1, 'Error')).toThrow('pairs of errors to catch and a task');
    expect(() => wrong(1, 3, recover)).toThrow('errors are caught by class or by name');
  });

  it('catchAll has terms, names and recovery', () => {
    expect(formOf(catchAll([double(1)]))).toEqual({ name: 'catchAll', args: [['list', [1]], UNDEFINED, UNDEFINED] });
    const some = task('forms.some', { version: '1' }, (terms: unknown[]) => terms.length);
    expect(formOf(catchAll([1], TypeError, some)).args.slice(1)).toEqual([
      ['list', [0]],
      ['task', 'forms.some', []],
    ]);
  });

  it('throwError, quote, force and context', () => {
    expect(formOf(throwError('no'))).toEqual({ name: 'throw', args: ['no'] });
    expect(formOf(throwError(new TypeError('no'))).args[0]).toEqual(
      expect.arrayContaining(['error', 'TypeError', ['TypeError', 'Error'], 'no']),
    );
    expect(encode(quote(double(1)))).toEqual([1, ['call', 'forms.double', [0], null], ['quote', 1]]);
    expect(formOf(force(quote(double(1))))).toEqual({ name: 'force', args: [['quote', 1]] });
    expect(formOf(context('a.b', 3))).toEqual({ name: 'context', args: ['a.b', 3] });
    expect(formOf(context('a.b'))).toEqual({ name: 'context', args: ['a.b', UNDEFINED] });
  });
});
