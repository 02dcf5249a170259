import { describe, expect, it } from 'vitest';
import { typedWords, unclearWord } from '../../cli/words.ts';

/** As the system has it, and as Node gives it to a program. */
function started(...words: (string | Buffer)[]) {
  const raw = words.map((word) => Buffer.from(word));
  const commandLine = Buffer.concat(['node', '/redex.ts', ...raw].flatMap((word) => [Buffer.from(word), Buffer.of(0)]));
  return { words: raw.map(String), commandLine };
}

const CAFE = Buffer.from('636166e92e747874', 'hex');

describe('words of the command line', () => {
  it('are what was typed where all of them are UTF-8, also those that look escaped and empty ones', () => {
    const { words, commandLine } = started('run', '', 'caf\\xe9', 'café');
    expect(typedWords(words, commandLine)).toEqual({ words, unclear: [] });
  });

  it('have bytes that are no UTF-8 escaped', () => {
    const { words, commandLine } = started('--from', CAFE, '', Buffer.concat([Buffer.from('--to=\\xe9 é '), CAFE]));
    expect(words[1]).toBe('caf\uFFFD.txt');
    expect(typedWords(words, commandLine)).toEqual({
      words: ['--from', 'caf\\xe9.txt', '', '--to=\\x5cxe9 é caf\\xe9.txt'],
      unclear: [],
    });
  });

  it.each([
    ['before redex began', Buffer.from('node\0/redex.ts\0caf\uFFFD.txt\0')],
    ['where the system does not tell', undefined],
    ['where what the system tells is of another program', Buffer.from('other\0words\0')],
  ])('that lost a byte are named with advice: %s', (_, commandLine) => {
    const { unclear } = typedWords(['caf\uFFFD.txt'], commandLine);
    expect(unclear).toEqual(['caf\uFFFD.txt']);
    expect(unclear.map(unclearWord)).toEqual([
      expect.stringMatching(/"caf\uFFFD\.txt" has a byte .* write it as in caf\\xe9/),
    ]);
  });
});
