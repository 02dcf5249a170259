/** `redex clean`. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { takeLock } from '../../local/lock.ts';
import { ownerOf } from '../../local/settings.ts';
import { refuseForeignState, stateFolder } from '../session/where.ts';
import { UsageError } from '../usage-error.ts';

/** Removes the project's state, after asking; never while a process has it. Gives the exit code. */
export async function cleanCommand(root: string, yes: boolean): Promise<number> {
  const folder = stateFolder(root);
  if (!existsSync(folder)) {
    process.stdout.write(`there is nothing to remove in ${root}\n`);
    return 0;
  }
  refuseForeignState(folder);
  if (!yes && !(await confirmed(`Remove ${folder}, with all runs and all that could be reused of them?`))) return 1;
  const lock = await takeLock(ownerOf(folder));
  if (!lock) throw new UsageError(`another redex process is using ${folder}; end it first`);
  await lock.release();
  await rm(folder, { recursive: true });
  process.stdout.write(`removed ${folder}\n`);
  return 0;
}

async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('clean asks first; where nobody can answer, say redex clean --yes');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
