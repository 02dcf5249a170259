/** What a script's text, inputs and outputs come to, once they are known. */
import { Dir, File, Place, STDOUT, Staging } from './classes.ts';

/**
 * The text without the indentation that all its lines share, without blank lines around it, and with a line end.
 * Only spaces and tabs at the line starts and on blank lines are touched.
 */
export function dedent(text: string): string {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const blank = (line: string) => /^[ \t]*$/.test(line);
  while (lines.length > 0 && blank(lines[0] as string)) lines.shift();
  while (lines.length > 0 && blank(lines.at(-1) as string)) lines.pop();
  const margin = marginOf(lines.filter((line) => !blank(line)));
  return `${lines.map((line) => (blank(line) ? '' : line.slice(margin.length))).join('\n')}\n`;
}

function marginOf(lines: readonly string[]): string {
  let margin = /^[ \t]*/.exec(lines[0] ?? '')?.[0] ?? '';
  for (const line of lines) {
    let shared = 0;
    while (shared < margin.length && line[shared] === margin[shared]) shared++;
    margin = margin.slice(0, shared);
  }
  return margin;
}

/** The shell line that replaces the shell by the program with exactly these words. */
export function argvText(words: readonly unknown[]): string {
  if (words.length === 0) throw new TypeError('a command needs at least one word');
  return `exec ${words.map((word) => quoted(wordOf(word))).join(' ')}\n`;
}

function wordOf(word: unknown): string {
  if (word instanceof File || word instanceof Dir) return word.location;
  if (typeof word === 'string' || typeof word === 'number' || typeof word === 'bigint') return String(word);
  throw new TypeError(`a word of a command is a string or a number, not ${typeof word}`);
}

function quoted(word: string): string {
  if (word.includes('\0')) throw new TypeError('a word of a command cannot hold a NUL character');
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** How a script's output says that it stands for the standard output. */
export const STDOUT_LOCATION = '-';

/** One output as the runner reads it: files and directories become places to fill, everything else is itself. */
export function placeOf(output: unknown): unknown {
  if (output instanceof Staging) return new Place(kindOf(output.source), output.source.location, output.name);
  if (output instanceof File && output.location === STDOUT_LOCATION) return STDOUT;
  if (output instanceof File || output instanceof Dir) return new Place(kindOf(output), output.location, undefined);
  return output;
}

function kindOf(source: File | Dir): 'file' | 'dir' {
  return source instanceof Dir ? 'dir' : 'file';
}

/**
 * Refuses names that cannot be staged into one working directory: empty, absolute, climbing out of it, or equal.
 * `what` names the side in the message: 'inputs' or 'outputs'.
 */
export function checkStageNames(
  what: string,
  names: readonly { readonly name: string; readonly location: string }[],
): void {
  const taken = new Map<string, string>();
  for (const { name, location } of names) {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    const path = parts.join('/');
    if (name.startsWith('/'))
      throw new TypeError(`${what}: the stage name ${JSON.stringify(name)} of ${location} is absolute`);
    if (parts.includes('..')) {
      throw new TypeError(
        `${what}: the stage name ${JSON.stringify(name)} of ${location} climbs out of the working directory`,
      );
    }
    if (path === '' || name.includes('\0'))
      throw new TypeError(`${what}: ${location} needs a stage name, as in .stage('name')`);
    const other = taken.get(path);
    if (other !== undefined) {
      throw new TypeError(`${what}: ${other} and ${location} have the same stage name ${JSON.stringify(path)}`);
    }
    taken.set(path, location);
  }
}
