/** docs/acceptance.md: what redex has to do, line by line, and the tests that show it. */
import { BEHAVIOURS } from '../test/acceptance/behaviours.ts';
import { filesOf, textOf } from './sources.ts';

const HEAD = `# Acceptance

What redex has to do, line by line, and the tests that show it. Made by \`npm run docs\` of \`test/acceptance/behaviours.ts\` and
of the comments \`// Acceptance: 3, 12.\` above tests: a test fails while they differ, or a line has no test.

| line | behaviour | tests |
| --- | --- | --- |
`;

export interface Shown {
  readonly line: number;
  readonly file: string;
  readonly title: string;
}

export function acceptanceDocument(): string {
  const shown = shownLines();
  const rows = BEHAVIOURS.map((behaviour, at) => {
    const tests = shown.filter(({ line }) => line === at + 1).map(({ file, title }) => `\`${file}\` ${title}`);
    return `| ${at + 1} | ${behaviour} | ${tests.join(' · ')} |\n`;
  });
  return HEAD + rows.join('');
}

/** What each test says it shows, in the order of files and of tests in them. */
export function shownLines(): Shown[] {
  return filesOf('test/**/*.ts').flatMap((file) => {
    const path = file.slice('test/'.length);
    return shownIn(textOf(file), path);
  });
}

const CITED = /^( *)\/\/ Acceptance: ([\d, ]+)\.\n/gm;

function shownIn(text: string, file: string): Shown[] {
  return [...text.matchAll(CITED)].flatMap((cited) => {
    const [whole, indent = '', lines = ''] = cited;
    const own = titleBelow(text.slice(cited.index + whole.length), indent);
    if (own === undefined) throw new Error(`${file}: there is no test below "${whole.trim()}"`);
    const title = [...groupsAround(text.slice(0, cited.index), indent), own].join(' ').replaceAll('|', '\\|');
    return lines.split(', ').map((line) => ({ line: Number(line), file, title }));
  });
}

const TITLE = String.raw`\(\s*(['"\`])((?:\\.|(?!\1).)*)\1`;

/**
 * The title: in the call itself or, after `each` and its table, in the call of what that gives. The end of a table of several
 * lines stands as far in as its beginning: the formatter sees to that.
 */
function titleBelow(text: string, indent: string): string | undefined {
  const call = `^${indent}(?:it|test|describe)`;
  const ways = [
    `${call}(?:\\.\\w+)?${TITLE}`,
    `${call}\\.each[^\\n]*\\)${TITLE}`,
    `${call}\\.each[\\s\\S]*?\\n${indent}\\].*?\\)${TITLE}`,
  ];
  const found = ways.map((way) => new RegExp(way).exec(text)).find((match) => match !== null);
  return found?.[2]?.replaceAll('\\', '');
}

/** Titles of the groups that a test so far in is in, the outermost first: of each the last that began less far in. */
function groupsAround(text: string, indent: string): string[] {
  const titles: string[] = [];
  for (let depth = 0; depth < indent.length; depth += 2) {
    const begun = [...text.matchAll(new RegExp(`^ {${depth}}describe${TITLE}`, 'gm'))].at(-1);
    if (begun) titles.push(begun[2]?.replaceAll('\\', '') ?? '');
  }
  return titles;
}
