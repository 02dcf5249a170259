/**
 * What a bash script does, command by command: kept in a file of its own, for its error. Not on standard error, which is
 * the script's, and without the values that its author declared for its environment, which may be confidential.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const TRACE_BYTES_KEPT = 8192;
const COMMANDS_SHOWN = 10;

export interface Trace {
  /** For bash: a file that it reads first. */
  readonly variables: Readonly<Record<string, string>>;
  /** The last commands, a line each; what is left of the file holds the same. */
  last(hide: (text: string) => string): Promise<string>;
}

/** Prepares the trace of a script that bash is about to run; its files are in `folder`. */
export function traceIn(folder: string): Trace {
  const [file, prelude] = [join(folder, 'trace'), join(folder, 'prelude')];
  // Bash takes a descriptor from 10 on, so that a script may use those that scripts use.
  const lines = ['unset BASH_ENV', `exec {BASH_XTRACEFD}>>${quoted(file)}`, 'set -x', ''];
  writeFileSync(prelude, lines.join('\n'));
  return {
    variables: { BASH_ENV: prelude },
    async last(hide) {
      const kept = hide(await endOf(file));
      // On a full disk nothing is kept: what was hidden just now must not stay in the file.
      await writeFile(file, kept, { mode: 0o600 }).catch(() => rm(file, { force: true }));
      return kept.trimEnd().split('\n').slice(-COMMANDS_SHOWN).join('\n');
    },
  };
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

/** The whole lines at the end of the file; nothing where bash never began. */
async function endOf(file: string): Promise<string> {
  const handle = await open(file).catch(() => undefined);
  if (!handle) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - TRACE_BYTES_KEPT);
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(size - start), position: start });
    const text = buffer.subarray(0, bytesRead).toString();
    // A value that was cut would not be known again.
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await handle.close();
  }
}

const OPEN_HERE_DOCUMENT =
  /line (\d+): warning: here-document at line (\d+) delimited by end-of-file \(wanted `(.*)'\)/;

/**
 * What is wrong with here-documents of the script, if anything: bash only warns of one that never ends, and takes the
 * rest of the script for its text.
 */
export async function openHereDocument(script: string, path: string | undefined): Promise<string | undefined> {
  const env = { LC_ALL: 'C', ...(path !== undefined && { PATH: path }) };
  const said = await promisify(execFile)('bash', ['-n', script], { env }).then(
    ({ stderr }) => stderr,
    // Not to be read by bash: it says so itself when it comes to that line.
    () => '',
  );
  const [, , line, word] = OPEN_HERE_DOCUMENT.exec(said) ?? [];
  if (line === undefined) return undefined;
  return (
    `the here-document in line ${line} never ends: there is no line that is ${word} and nothing else, so that the rest of ` +
    'the script is its text. Text of several lines is put in its place by raw(text) in the template tag sh'
  );
}
