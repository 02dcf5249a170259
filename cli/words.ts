/** What was typed. Node turns each byte that is part of no UTF-8 into U+FFFD; Linux still knows the byte. */
import { textOf } from '../core/files/names.ts';
import { commandLineOf } from '../core/proc.ts';

const LOST = '\uFFFD';

/**
 * The words as locations are written, with such bytes escaped as in `caf\xe9`. `commandLine`: of this process, each word
 * ended by a NUL. `unclear`: words of which a byte is lost, here or on the way to here.
 */
export function typedWords(
  words: readonly string[],
  commandLine: Buffer | undefined,
): { readonly words: readonly string[]; readonly unclear: readonly string[] } {
  if (!words.some((word) => word.includes(LOST))) return { words, unclear: [] };
  const raw = commandLine ? wordsIn(commandLine).slice(-words.length) : [];
  const typed = words.map((word, at) => {
    const bytes = raw[at];
    return bytes && word.includes(LOST) && bytes.toString() === word ? textOf(bytes) : word;
  });
  return { words: typed, unclear: typed.filter((word) => word.includes(LOST)) };
}

function wordsIn(commandLine: Buffer): Buffer[] {
  const words: Buffer[] = [];
  for (let from = 0; from < commandLine.length; ) {
    const end = commandLine.indexOf(0, from);
    words.push(commandLine.subarray(from, end < 0 ? commandLine.length : end));
    from = end < 0 ? commandLine.length : end + 1;
  }
  return words;
}

/** Of this process; undefined where the system does not tell. */
export function ownCommandLine(): Buffer | undefined {
  return commandLineOf('self');
}

/** Since npm starts commands with words that are text, a byte may be lost before redex begins. */
export function unclearWord(word: string): string {
  return (
    `${JSON.stringify(word)} has a byte that was lost on its way, since it is no UTF-8: write it as in caf\\xe9 ` +
    '(a name that does hold U+FFFD is given in a file, by --args-file)'
  );
}
