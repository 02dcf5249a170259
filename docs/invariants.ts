/** docs/invariants.md: what is numbered at the heads of files. */
import { filesOf, textOf } from './sources.ts';

/** Numbered, but no invariants: a list of cases. */
const OTHER_LISTS: ReadonlySet<string> = new Set(['core/host/modules.ts']);

const HEAD = `# Invariants

What always holds, and in which file it is kept. Made by \`npm run docs\` of the comments at the heads of those files: a test
fails while the two differ. Tests and comments name an invariant by its file and number.
`;

export function invariantsDocument(): string {
  const sections = filesOf('core/**/*.ts')
    .filter((file) => !OTHER_LISTS.has(file))
    .map((file) => ({ file, invariants: invariantsIn(textOf(file)) }))
    .filter(({ invariants }) => invariants.length > 0)
    .map(({ file, invariants }) => `\n## ${file}\n\n${invariants.join('\n')}\n`);
  return HEAD + sections.join('');
}

/** What is numbered in the comment that a file begins with, line by line as it stands there. */
function invariantsIn(text: string): string[] {
  const [, head = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(text) ?? [];
  const lines = head.replace(/^ \* ?/gm, '').split('\n');
  return lines.filter((line) => /^\d+\. \S/.test(line) || /^ {3}\S/.test(line));
}
