/** Text for shells: words that mean themselves whatever is in them, and blocks that stay in their place. */
import { Dir, File } from './classes.ts';

/** A word in single quotes. Throws for NUL, which no program can be given. */
export function quoted(word: string): string {
  if (word.includes('\0')) throw new TypeError('a word of a command cannot hold a NUL character');
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A word as a person would write it: in quotes only where it needs them. */
function wordText(word: string): string {
  return /^[A-Za-z0-9_@%+:,./-]+$/.test(word) ? word : quoted(word);
}

/** The word that a value is; a file or directory is its location. */
export function wordOf(word: unknown): string {
  if (word instanceof File || word instanceof Dir) return word.location;
  if (typeof word === 'string' || typeof word === 'number' || typeof word === 'bigint') return String(word);
  throw new TypeError(`a word of a command is a string or a number, not ${typeof word}`);
}

/** `word`: a value, which becomes one word, or a word for each element of a list. `raw`: text that stands as it is. */
export type Filling = 'word' | 'raw';

/**
 * A script from a template: `parts` are its texts, between which the values stand, each as its filling says. The
 * indentation that the template's lines share is taken away; lines of a raw block, or of a quoted word, are as they were
 * given, those of a block after its first with the indentation of the line where it stands.
 */
export function shellText(parts: readonly string[], fillings: readonly Filling[], values: readonly unknown[]): string {
  if (parts.some((part) => part.includes('\0'))) throw new TypeError('a script cannot hold a NUL character');
  // NUL stands for a value, so that no value has a part in the indentation.
  const lines = dedent(parts.join('\0')).split('\n');
  let next = 0;
  const filled = lines.map((line) => {
    const margin = /^[ \t]*/.exec(line)?.[0] ?? '';
    return line.replace(/\0/g, () => {
      const at = next++;
      return fillings[at] === 'raw' ? block(values[at], margin) : words(values[at]);
    });
  });
  return filled.join('\n');
}

function words(value: unknown): string {
  if (Array.isArray(value)) return value.map((word) => wordText(wordOf(word))).join(' ');
  return wordText(wordOf(value));
}

function block(value: unknown, margin: string): string {
  if (typeof value !== 'string') throw new TypeError(`raw text is a string, not ${typeof value}`);
  return value.replace(/\n$/, '').replaceAll('\n', `\n${margin}`);
}

/**
 * The text without the indentation that all its lines share, without blank lines around it, and with a line end.
 * Only spaces and tabs at the line starts and on blank lines are touched.
 */
export function dedent(text: string): string {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const blank = (line: string) => /^[ \t]*$/.test(line);
  const isFull = (line: string) => !blank(line);
  const kept = lines.slice(lines.findIndex(isFull), lines.findLastIndex(isFull) + 1);
  const margin = marginOf(kept.filter(isFull));
  return `${kept.map((line) => (blank(line) ? '' : line.slice(margin.length))).join('\n')}\n`;
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
