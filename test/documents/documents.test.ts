/** The documents say what there is. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shownLines } from '../../docs/acceptance.ts';
import { DOCUMENTS } from '../../docs/generate.ts';
import { filesOf, pathOf, textOf } from '../../docs/sources.ts';
import { BEHAVIOURS } from '../acceptance/behaviours.ts';

describe('what npm run docs makes', () => {
  it.each(Object.entries(DOCUMENTS))('is as it would be made now: %s', (path, make) => {
    expect(textOf(path), 'npm run docs makes it anew').toBe(make());
  });

  it('has a test for each line of the acceptance list, and no test of a line that is not there', () => {
    const lines = new Set(shownLines().map(({ line }) => line));
    expect([...lines].sort((a, b) => a - b)).toEqual(BEHAVIOURS.map((_, at) => at + 1));
  });
});

/** Documents of the project, and what a file named in one may stand for: a path from the root, or beside it. */
const WRITTEN = [
  '{CHANGELOG,CONTRIBUTING,README,SECURITY}.md',
  '{bench,docker,docs,stack,workflows}/*.md',
  'core/README.md',
  'core/language/README.md',
].flatMap(filesOf);

/** `core/values/table.ts`, `aws.md`, and folders, as `core/graph/`; no placeholders, as `functions/NAME.ts`. */
const NAMED = /`((?:[\w.-]+\/)*(?:[\w.-]+\.(?:ts|md|mjs|js|yml|jsonc?|grit|sh)|[\w.-]+\/))`/g;

/** In stores and state folders, or made: no part of the project. */
const DATA: ReadonlySet<string> = new Set(['.redex/', '.serverless/', 'bundles/', 'manifest-answers/']);
/** What stands for a name. */
const PLACEHOLDER = /\b(?:NAME|FILE|WORKFLOW|VERSION)\b/;
/** `core/values/table.ts` in a comment; not `workflows/align.ts:12`, which is an example. */
const COMMENTED =
  /(?<![\w./$@{}-])((?:bench|cli|core|docker|docs|functions|lint|local|stack|test|workflows)\/[\w./-]+\.(?:ts|mjs|js|yml|grit|sh))\b(?!:\d)/g;

function isThere(named: string, document: string): boolean {
  return ['', 'test', dirname(document)].some((folder) => existsSync(pathOf(join(folder, named))));
}

describe('files that documents name', () => {
  it.each(WRITTEN)('are there: %s', (document) => {
    const names = [...textOf(document).matchAll(NAMED)].map(([, name = '']) => name);
    const files = names.filter((name) => !DATA.has(name) && !PLACEHOLDER.test(name));
    expect(files.filter((name) => !isThere(name, document))).toEqual([]);
  });

  it('are there where comments name documents', () => {
    const sources = ['{bench,cli,core,docker,docs,functions,local,stack,test,workflows}/**/*.ts', '*.ts', 'stack/*'];
    const named = sources.flatMap(filesOf).flatMap((file) =>
      [...textOf(file).matchAll(/(?<![\w'"`*{}/…]|\.\/)((?:[\w-]+\/)*[\w-]+\.md)\b/g)].map(([, name = '']) => ({
        file,
        name,
      })),
    );
    expect(named.filter(({ file, name }) => !isThere(name, file))).toEqual([]);
  });

  it('are there where comments name sources', () => {
    const sources = [
      '{bench,cli,core,docker,docs,functions,lint,local,stack,test,workflows}/**/*.{ts,js,mjs,grit,sh,yml}',
      '*.{ts,yml,jsonc}',
    ];
    const named = sources
      .flatMap(filesOf)
      .flatMap((file) => [...commentsIn(textOf(file)).matchAll(COMMENTED)].map(([, name = '']) => ({ file, name })));
    expect(named).not.toEqual([]);
    expect(named.filter(({ name }) => !PLACEHOLDER.test(name) && !existsSync(pathOf(name)))).toEqual([]);
  });
});

/** Lines that begin as comments do. */
function commentsIn(text: string): string {
  return text
    .split('\n')
    .filter((line) => /^\s*(?:\*|\/\/|\/\*|#)/.test(line))
    .join('\n');
}

describe('what editors and tools are told', () => {
  it('is the same in .editorconfig as in biome.jsonc', () => {
    const [, style, width, line] =
      /"indentStyle": "(\w+)", "indentWidth": (\d+), "lineWidth": (\d+)/.exec(textOf('biome.jsonc')) ?? [];
    const [, everywhere = ''] = /\[\*\]\n([\s\S]*?)(?:\n\[|$)/.exec(textOf('.editorconfig')) ?? [];
    const told = Object.fromEntries(everywhere.split('\n').map((text) => text.split(' = ')));
    expect(told).toMatchObject({ indent_style: style, indent_size: width, max_line_length: line });
  });

  it('is the Node of package.json in .nvmrc, and its licence in LICENSE', () => {
    const { devDependencies, license } = JSON.parse(textOf('package.json'));
    expect(textOf('.nvmrc').trim()).toBe(devDependencies.node.split('.')[0]);
    expect(textOf('LICENSE').split('\n')[0]).toBe(`${license} License`);
  });
});
