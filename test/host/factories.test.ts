/** What a factory gave to a task is in the task's hash, and what cannot be is said. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleProgram } from '../../core/host/bundle.ts';
import { project } from '../support/project.ts';

/** Hashes by name, and what was said. */
async function made(code: string) {
  const folder = await project({
    'package.json': '{"type":"module"}',
    'workflow.ts': `import { task } from 'redex';\n${code}`,
    'node_modules/lib/package.json': '{"name":"lib","type":"module","exports":"./index.js"}',
    'node_modules/lib/index.js': 'export const double = (n) => n * 2; export class Box { #n = 1; }',
  });
  const said: string[] = [];
  const log = (text: string) => void said.push(text);
  const { program } = await bundleProgram({ entries: [join(folder, 'workflow.ts')], log });
  return { hashOf: (name: string) => program.tasks[name]?.hash, said };
}

/** Tasks made of each expression before and after its edit: by one factory, so that nothing else is different. */
const EDITS: readonly (readonly [what: string, before: string, after: string])[] = [
  ['a map', "new Map([['a', 1]])", "new Map([['a', 2]])"],
  ['a set', 'new Set([1])', 'new Set([2])'],
  ['a date', 'new Date(1)', 'new Date(2)'],
  ['a pattern', '/a/g', '/a/i'],
  ['a function', '(n) => n + 1', '(n) => n + 2'],
  ['a function of the file', 'plus', 'minus'],
  ['a function of JavaScript', 'parseInt', 'parseFloat'],
  ['a record of functions', '{ f: plus }', '{ f: minus }'],
  ['a list of patterns', '[/a/]', '[/b/]'],
  ['a map of functions', "new Map([['f', plus]])", "new Map([['f', minus]])"],
  ['a task with options', 'given.options({ memory: 1 })', 'given.options({ memory: 2 })'],
  ['a class', 'class { m() { return 1; } }', 'class { m() { return 2; } }'],
];

const FACTORY = `const plus = (n) => n + 1; function minus(n) { return n - 1; }
  const given = task('given', { version: '1' }, () => 1);
  const make = (name, given) => task(name, () => given);
`;

describe('a factory', () => {
  it('gives its tasks what is in their hash, without a word', async () => {
    const tasks = (suffix: string, at: 1 | 2) =>
      EDITS.map((edit, number) => `make('t${number}.${suffix}', ${edit[at]});`).join('\n');
    // Two programs that differ in nothing but what is given.
    const [before, after] = [await made(FACTORY + tasks('x', 1)), await made(FACTORY + tasks('x', 2))];
    const changed = EDITS.map(([what], at) => [what, before.hashOf(`t${at}.x`) !== after.hashOf(`t${at}.x`)]);
    expect(changed).toEqual(EDITS.map(([what]) => [what, true]));
    expect([...before.said, ...after.said]).toEqual([]);
  });

  it('gives its tasks what helpers inside of it use', async () => {
    const code = (k: number) => `
      function make(name, k, ring) {
        const ringed = () => ring;
        return task(name, (n) => helper(n));
        function helper(n) { return times(n) + (n > 9 ? helper(n - 1) : ringed().k); }
        function times(n) { return n * k; }
      }
      const ring = { k: 1 }; ring.self = ring;
      make('t', ${k}, ring);`;
    const [two, three, again] = [await made(code(2)), await made(code(3)), await made(code(2))];
    expect(three.hashOf('t')).not.toBe(two.hashOf('t'));
    expect(again.hashOf('t')).toBe(two.hashOf('t'));
    expect([...two.said, ...three.said]).toEqual([]);
  });

  it('is named once, with file, line and name, where it gives what no hash can have', async () => {
    const { said } = await made(`import { double, Box } from 'lib';
      class Own {}
      const make = (name, given, other = 1) =>
        task(name, () => [given, other]);
      make('a', new Own()); make('b', new Own());
      make('c', [{ deep: double }], new Box());
      make('d', new WeakMap());
      make('g', { get k() { throw new Error('not now'); } });
      const versioned = (name, given) => task(name, { version: '1' }, () => given);
      versioned('e', new Own());
      const including = (name, given) => task(name, { includes: [1] }, () => given);
      including('f', new Own());`);
    const what = (name: string, kind: string) =>
      expect.stringMatching(
        `^workflow\\.ts:5: .*holds ${name}, ${kind}, which cannot be followed.*includes.*version\n$`,
      );
    expect(said).toEqual([
      what('given', 'an instance of Own'),
      what('given', 'a function \\(double\\) whose source is not known'),
      what('other', 'an instance of Box'),
      what('given', 'an instance of WeakMap'),
      what('given', 'something that cannot be read'),
    ]);
  });
});
