/** What went wrong, in one sentence with what to do; a stack says nothing to whoever has a full disk. */

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../core/values/thrown.ts';
import { appendError } from '../functions/log-file.ts';
import { logOf } from '../local/settings.ts';

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space and give the same command again, which carries on',
  EDQUOT: 'your quota of the disk is used up: free some space and give the same command again, which carries on',
  EROFS: 'the file system is read-only: make it writable, or copy the project to where you may write',
  EACCES: 'you are not allowed to: ask for the permission, or work in a copy of the project that is yours',
  EPERM: 'you are not allowed to: ask for the permission, or work in a copy of the project that is yours',
  EIO: 'the disk fails to read or write: look at the disk, then give the same command again',
  EMFILE: 'too many files are open: allow more (ulimit -n)',
  LEVEL_CORRUPTION: 'the database in .redex is damaged: redex clean forgets all runs, and results stay where they are',
};

/** The sentence, or undefined when the error is none of the machine's troubles. Causes are looked through. */
export function machineTrouble(thrown: unknown): string | undefined {
  const seen = new Set<unknown>();
  for (let error = thrown; error instanceof Error && !seen.has(error); error = error.cause) {
    seen.add(error);
    const advice = ADVICE[codeOf(error) ?? ''];
    if (advice) return 'path' in error && typeof error.path === 'string' ? `${error.path}: ${advice}` : advice;
  }
  return undefined;
}

/** What is told of a step that failed and is tried again, with what to do where it is one of the machine's troubles. */
export function withAdvice(told: string): string {
  const code = /\b[A-Z_]{3,}(?=: )/.exec(told)?.[0] ?? '';
  const advice = ADVICE[code]?.replace(/ and give the same command again, which carries on$/, '');
  return advice === undefined ? told : `${told} (${advice})`;
}

/**
 * The sentence for an error that nobody expected. The whole story goes into the log of the project's state, or beside other
 * temporary files where there is none.
 */
export function unexpected(thrown: unknown, state: string): string {
  const log = existsSync(state) ? logOf(state) : join(tmpdir(), `redex-${process.pid}.log`);
  appendError(log, 'the command failed', thrown);
  const [line = ''] = String(thrown).split('\n');
  return `${line.replace(/^Error: /, '')}: that was not expected; the same command tries again, and what happened is in ${log}`;
}
