/** What commands are about: a project with redex's state in it, or a stack on AWS. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../usage-error.ts';

const STATE = '.redex';

/** The innermost folder around `from` that has a redex.config.ts or redex's state; else `from` itself. */
export function projectRoot(from: string): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'redex.config.ts')) || existsSync(join(folder, STATE))) return folder;
    if (folder === dirname(folder)) return resolve(from);
  }
}

export function stateFolder(root: string): string {
  return join(root, STATE);
}

/** Throws UsageError where the state is another user's: two users' files in it would lock both out. */
export function refuseForeignState(folder: string, user = process.getuid?.()): void {
  const owner = statSync(folder, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || user === undefined || owner === user) return;
  throw new UsageError(
    `${folder} belongs to another user (uid ${owner}): work as that user, or in a copy of the project`,
  );
}

/** What a command is about: the project in `root`, or, where it is named, the stack on AWS. */
export interface Where {
  readonly root: string;
  readonly stack: string | undefined;
}
