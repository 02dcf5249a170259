/** core/README.md says of tests and invariants what there is. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'core/README.md'), 'utf8');
const LINES = 55;

interface Row {
  readonly line: number;
  readonly tests: readonly { readonly file: string; readonly name: string }[];
}

const ROWS: Row[] = [...README.matchAll(/^\| (\d+) \| .+? \| (.+) \|$/gm)].map(([, line, tests = '']) => ({
  line: Number(line),
  tests: tests.split(' · ').map((test) => {
    const [, file = '', name = ''] = /^`(\S+)` (.+)$/.exec(test) ?? [];
    return { file, name };
  }),
}));

/** The text as it reads, whatever quotes it was written with. */
function unescaped(source: string): string {
  return source.replaceAll('\\', '');
}

describe('the acceptance table', () => {
  it('has each line once, in order', () => {
    expect(ROWS.map(({ line }) => line)).toEqual(Array.from({ length: LINES }, (_, at) => at + 1));
  });

  it.each(ROWS)('names tests that exist for line $line', ({ tests }) => {
    for (const { file, name } of tests) {
      const path = join(ROOT, 'test', file);
      expect(existsSync(path), file).toBe(true);
      const titles = unescaped(readFileSync(path, 'utf8'));
      expect(
        [`'${name}'`, `"${name}"`].some((title) => titles.includes(title)),
        `${file}: ${name}`,
      ).toBe(true);
    }
  });
});

describe('the invariants', () => {
  /** What is numbered in the comment at a file's head, each on one line. */
  function invariantsOf(file: string): string[] {
    const [, head = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(join(ROOT, file), 'utf8')) ?? [];
    const text = head.replace(/^ \* ?/gm, '').replace(/\n {3}(?=\S)/g, ' ');
    return text.split('\n').filter((line) => /^\d+\. \S/.test(line));
  }

  /** Numbered, but no invariants: a list of cases. */
  const OTHER_LISTS = new Set(['core/host/modules.ts']);

  const numbered = globSync('core/**/*.ts', { cwd: ROOT })
    .sort()
    .filter((file) => !OTHER_LISTS.has(file))
    .map((file) => ({ file, invariants: invariantsOf(file) }))
    .filter(({ invariants }) => invariants.length > 0);

  it.each(numbered)('of $file stand in the README as at its head', ({ file, invariants }) => {
    const [, section = ''] = README.split(`\`${file.slice('core/'.length)}\`\n\n`);
    expect(section.split('\n\n')[0]?.trimEnd().split('\n'), `core/README.md, section of ${file}`).toEqual(invariants);
  });
});
