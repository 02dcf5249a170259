import { describe, expect, it } from 'vitest';
import { codeOfTasks } from './modules-in-memory.ts';

type Files = Readonly<Record<string, string>>;

async function wholeOf(files: Files, task = 't'): Promise<string | undefined> {
  return (await codeOfTasks(files)).get(task)?.whole;
}

const TASK = "import { task } from 'redex';\n";

/** The project; one edit of it; whether the task's hash is another then. */
const EDITS: readonly (readonly [string, Files, readonly [file: string, from: string, to: string], boolean])[] = [
  [
    'a helper function',
    { 'a.ts': `${TASK}const f = (x) => x + 1;\ntask('t', (x) => f(x));` },
    ['a.ts', 'x + 1', 'x + 2'],
    true,
  ],
  [
    'a helper of a helper',
    { 'a.ts': `${TASK}const g = 1; function f() { return g; }\ntask('t', () => f());` },
    ['a.ts', 'g = 1', 'g = 2'],
    true,
  ],
  [
    'a helper nobody uses',
    { 'a.ts': `${TASK}const g = 1; const h = 1;\ntask('t', () => g);` },
    ['a.ts', 'h = 1', 'h = 2'],
    false,
  ],
  ['a constant', { 'a.ts': `${TASK}const k = { deep: [1] };\ntask('t', () => k.deep);` }, ['a.ts', '[1]', '[2]'], true],
  [
    'a constant by a pattern',
    { 'a.ts': `${TASK}const { a, b: [c] } = { a: 1, b: [2] };\ntask('t', () => c);` },
    ['a.ts', '[2]', '[3]'],
    true,
  ],
  [
    'which name of a pattern is imported',
    {
      'a.ts': `${TASK}import { a as x } from './b.ts';\ntask('t', () => x);`,
      'b.ts': 'export const { a, b } = { a: 1, b: 2 };',
    },
    ['a.ts', 'a as x', 'b as x'],
    true,
  ],
  [
    'a class',
    { 'a.ts': `${TASK}class P { m() { return 1; } }\ntask('t', () => new P().m());` },
    ['a.ts', 'return 1', 'return 2'],
    true,
  ],
  [
    'what a class extends',
    { 'a.ts': `${TASK}class B { m() { return 1; } } class P extends B {}\ntask('t', () => new P());` },
    ['a.ts', 'return 1', 'return 2'],
    true,
  ],
  ['an enum', { 'a.ts': `${TASK}enum E { A = 1 }\ntask('t', () => E.A);` }, ['a.ts', 'A = 1', 'A = 2'], true],
  [
    'an imported function',
    {
      'a.ts': `${TASK}import { f } from './lib/b.ts';\ntask('t', () => f());`,
      'lib/b.ts': 'export function f() { return 1; }',
    },
    ['lib/b.ts', '1', '2'],
    true,
  ],
  [
    'another function of the same file',
    {
      'a.ts': `${TASK}import { f } from './b.ts';\ntask('t', () => f());`,
      'b.ts': 'export const f = () => 1; export const g = () => 7;',
    },
    ['b.ts', '7', '8'],
    false,
  ],
  [
    'a default export',
    { 'a.ts': `${TASK}import f from './b.ts';\ntask('t', () => f());`, 'b.ts': 'export default () => 1;' },
    ['b.ts', '1', '2'],
    true,
  ],
  [
    'what is passed on under another name',
    {
      'a.ts': `${TASK}import { g } from './b.ts';\ntask('t', () => g());`,
      'b.ts': "export { f as g } from './c.ts';",
      'c.ts': 'export const f = () => 1;',
    },
    ['c.ts', '1', '2'],
    true,
  ],
  [
    'what a star passes on',
    {
      'a.ts': `${TASK}import { f } from './b.ts';\ntask('t', () => f());`,
      'b.ts': "export * from './c.ts'; export * from './d.ts';",
      'c.ts': 'export const g = 1;',
      'd.ts': 'export const f = () => 1;',
    },
    ['d.ts', '1', '2'],
    true,
  ],
  [
    'one name of a namespace',
    {
      'a.ts': `${TASK}import * as b from './b.ts';\ntask('t', () => b.f());`,
      'b.ts': 'export const f = () => 1; export const g = 7;',
    },
    ['b.ts', '1', '2'],
    true,
  ],
  [
    'another name of a namespace',
    {
      'a.ts': `${TASK}import * as b from './b.ts';\ntask('t', () => b.f());`,
      'b.ts': 'export const f = () => 1; export const g = 7;',
    },
    ['b.ts', '7', '8'],
    false,
  ],
  [
    'any name of a namespace that is used as a whole',
    {
      'a.ts': `${TASK}import * as b from './b.ts';\ntask('t', () => Object.keys(b));`,
      'b.ts': 'export const f = () => 1; export const g = 7;',
    },
    ['b.ts', '7', '8'],
    true,
  ],
  [
    'JSON',
    { 'a.ts': `${TASK}import data from './d.json';\ntask('t', () => data.a);`, 'd.json': '{"a": 1}' },
    ['d.json', '1', '2'],
    true,
  ],
  [
    'the layout of JSON',
    { 'a.ts': `${TASK}import data from './d.json';\ntask('t', () => data.a);`, 'd.json': '{"a": 1}' },
    ['d.json', ': 1', ':   1'],
    false,
  ],
  [
    'what is loaded late',
    { 'a.ts': `${TASK}task('t', async () => (await import('./b.ts')).f());`, 'b.ts': 'export const f = () => 1;' },
    ['b.ts', '1', '2'],
    true,
  ],
  [
    'a change of a constant at the top level',
    { 'a.ts': `${TASK}const k = { a: 0 };\nk.a = 1;\ntask('t', () => k);` },
    ['a.ts', 'k.a = 1', 'k.a = 2'],
    true,
  ],
  [
    'a table that is filled at the top level',
    { 'a.ts': `${TASK}const k = new Map();\nk.set('a', 1);\ntask('t', () => k);` },
    ['a.ts', "'a', 1", "'a', 2"],
    true,
  ],
  [
    'a name that a parameter hides',
    { 'a.ts': `${TASK}const k = 1;\ntask('t', (k) => k);` },
    ['a.ts', 'k = 1', 'k = 2'],
    false,
  ],
  [
    'a name that a block hides elsewhere',
    { 'a.ts': `${TASK}const k = 1;\ntask('t', () => { { const k = 5; } return k; });` },
    ['a.ts', 'k = 1', 'k = 2'],
    true,
  ],
  [
    'a property of the same name',
    { 'a.ts': `${TASK}const k = 1;\ntask('t', (x) => x.k + { k: 2 }.k);` },
    ['a.ts', 'k = 1', 'k = 2'],
    false,
  ],
  [
    'a default value of a parameter',
    { 'a.ts': `${TASK}const k = 1;\ntask('t', (x = k) => x);` },
    ['a.ts', 'k = 1', 'k = 2'],
    true,
  ],
  [
    'a computed key',
    { 'a.ts': `${TASK}const k = 'a';\ntask('t', (x) => ({ [k]: x }));` },
    ['a.ts', "'a'", "'b'"],
    true,
  ],
  [
    'the code of a task that is called',
    { 'a.ts': `${TASK}const u = task('u', () => 1);\ntask('t', () => u());` },
    ['a.ts', '=> 1', '=> 2'],
    false,
  ],
  [
    'which task is called',
    { 'a.ts': `${TASK}const u = task('u', () => 1);\ntask('t', () => u());` },
    ['a.ts', "'u'", "'w'"],
    true,
  ],
  [
    'functions that call each other',
    { 'a.ts': `${TASK}const f = (n) => n && g(n - 1); const g = (n) => n && f(n - 2);\ntask('t', (n) => f(n));` },
    ['a.ts', 'n - 2', 'n - 3'],
    true,
  ],
  [
    'modules that import each other',
    {
      'a.ts': `${TASK}import { g } from './b.ts';\nexport const f = () => g;\ntask('t', () => f());`,
      'b.ts': "import { f } from './a.ts';\nexport const g = () => f() + 1;",
    },
    ['b.ts', '+ 1', '+ 2'],
    true,
  ],
  [
    'which package it comes from',
    { 'a.ts': `${TASK}import { f } from 'one';\ntask('t', () => f());` },
    ['a.ts', "'one'", "'two'"],
    true,
  ],
  [
    'a comment',
    { 'a.ts': `${TASK}const f = () => 1; // one\ntask('t', () => f());` },
    ['a.ts', '// one', '// two'],
    false,
  ],
  [
    'a type',
    { 'a.ts': `${TASK}const f = (x: number) => x;\ntask('t', () => f(1));` },
    ['a.ts', ': number', ': 1 | 2'],
    false,
  ],
  [
    'the order of declarations',
    { 'a.ts': `${TASK}const f = () => g; const g = 1;\ntask('t', () => f());` },
    ['a.ts', 'const f = () => g; const g = 1;', 'const g = 1; const f = () => g;'],
    false,
  ],
];

const BESIDE = `${TASK}const text = new URL('./x.sh', import.meta.url);
const other = new URL('./y.sh', import.meta.url);
task('t', () => text);`;

describe('the hash of a task', () => {
  it('covers files beside its module that it can reach', async () => {
    const files = { 'a.ts': BESIDE, 'x.sh': 'echo 1', 'y.sh': 'echo 2' };
    const before = await wholeOf(files);
    expect(await wholeOf({ ...files, 'x.sh': 'echo 3' })).not.toBe(before);
    expect(await wholeOf({ ...files, 'y.sh': 'echo 3' })).toBe(before);
  });

  it.each(EDITS)('with %s', async (_, files, [file, from, to], changes) => {
    const before = await wholeOf(files);
    expect(files[file]?.split(from)).toHaveLength(2);
    const after = await wholeOf({ ...files, [file]: files[file]?.replace(from, to) ?? '' });
    expect(before).toBeDefined();
    expect(after !== before).toBe(changes);
  });

  it('is the same when a helper moves into a file of its own', async () => {
    const one = { 'a.ts': `${TASK}const f = () => g(); const g = () => 1;\ntask('t', () => f());` };
    const two = {
      'a.ts': `${TASK}import { f } from './deep/f.ts';\ntask('t', () => f());`,
      'deep/f.ts': "import { g } from '../g.ts';\nexport const f = () => g();",
      'g.ts': 'export const g = () => 1;',
    };
    expect(await wholeOf(two)).toBe(await wholeOf(one));
  });
});

describe('what no hash can follow is named', () => {
  it.each([
    ['eval', "task('t', () => f());\nconst f = () => eval('1');", /a\.ts:3: eval cannot be followed/],
    ['a computed import', "task('t', (x) => import(x));", /a\.ts:2: import\(\) of a computed name/],
    ['new Function', "task('t', () => new Function('return 1')());", /a\.ts:2: new Function/],
    [
      'state that changes',
      "let n = 0;\nconst next = () => n++;\ntask('t', () => next());",
      /a\.ts:3: n is changed while/,
    ],
  ])('%s', async (_, text, note) => {
    const { notes } = (await codeOfTasks({ 'a.ts': TASK + text })).get('t') ?? { notes: [] };
    expect(notes).toEqual([expect.stringMatching(note)]);
  });

  it('only where a task can reach it', async () => {
    const text = `${TASK}let n = 0;\nexport const other = () => eval('n' + n++);\ntask('t', () => 1);`;
    expect((await codeOfTasks({ 'a.ts': text })).get('t')?.notes).toEqual([]);
  });
});
