/** What the exit codes of jobs mean. */
import type { Cause } from '../values/causes.ts';
import { adviceOn } from '../values/errors.ts';

/** What the runner says by its own exit, to whoever started it: the contract between it and every kind of executor. */
export const RUNNER_EXIT = {
  /** Its claim was refused: it has done nothing. */
  refused: 97,
  /** It could not reach its stores (EX_SOFTWARE of sysexits.h): that says nothing of the job. */
  trouble: 70,
} as const;

/** What follows where the runner itself speaks; undefined where the code is the job's own. */
export function causeOfRunner(exitCode: number | undefined): Cause | undefined {
  switch (exitCode) {
    case RUNNER_EXIT.refused:
      return 'interrupted';
    case RUNNER_EXIT.trouble:
      return 'machine-lost';
    default:
      return undefined;
  }
}

/** What codes mean that shells give by themselves; above 128, 128 + the number of the signal. */
const HINTS: ReadonlyMap<number, string> = new Map([
  [126, 'a program was found that cannot be run: it may not be executed, is a directory, or is for another machine'],
  [127, "a command was not found: it is not in PATH, or not in the job's image"],
  [132, 'SIGILL: a program uses instructions that this processor does not have'],
  [134, 'SIGABRT: a program gave up by itself, often because it could get no more memory'],
  [137, `SIGKILL: killed from outside, most often because memory ran out; ${adviceOn('OutOfMemory')}`],
  [139, 'SIGSEGV: a program crashed; it, its input or a library it loads is broken'],
  [
    141,
    'SIGPIPE: a program wrote into a pipe whose reader had ended, as `… | head` does; let the reader read to the end',
  ],
  [143, 'SIGTERM: told to end from outside, as `timeout`, `kill` and machines that are shut down do'],
]);

/** ` (what it means)`, or nothing where the code says no more than that the script failed. */
export function exitCodeHint(exitCode: number): string {
  const hint = HINTS.get(exitCode);
  return hint === undefined ? '' : ` (${hint})`;
}
