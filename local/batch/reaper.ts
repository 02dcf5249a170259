/**
 * Makes the runner the parent of whatever in its job loses its own, so that daemons stay below it also where their
 * environment was emptied. Node cannot ask Linux for that; Perl, which most systems have, can, and it outlasts an exec.
 */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { promisify } from 'node:util';

/** prctl(2)'s number in the kernel's tables. */
const PRCTL: Readonly<Record<string, number>> = { x64: 157, arm64: 167 };
const PR_SET_CHILD_SUBREAPER = 36;
const ANSWER_MS_MAX = 2000;

/** The words that start the runner so; its own where that cannot be had, and then the mark of the job must do. */
export async function reapingRunner(runner: readonly string[], environment: NodeJS.ProcessEnv): Promise<string[]> {
  const number = PRCTL[process.arch];
  if (process.platform !== 'linux' || number === undefined) return [...runner];
  const ask = `syscall(${number}, ${PR_SET_CHILD_SUBREAPER}, 1, 0, 0, 0) and die "prctl: $!\\n"`;
  // Told by its number, which outlasts the exec, too: nobody who inherits it takes it for itself.
  const tell = '$ENV{REDEX_REAPER} = $$';
  const words = ['-e', `${ask}; ${tell}; exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n"`];
  try {
    // What is not there is better told by whoever starts it.
    await access(runner[0] ?? '', constants.X_OK);
    const options = { env: environment, timeout: ANSWER_MS_MAX };
    const { stderr } = await promisify(execFile)('perl', [...words, 'sh', '-c', ':'], options);
    // One that complains of its surroundings would do so in the log of every job.
    return stderr === '' ? ['perl', ...words, ...runner] : [...runner];
  } catch {
    return [...runner];
  }
}
