/**
 * Claims to work as files that many processes share.
 *
 * 1. The record of (run, evaluation) is a history of numbered files, each the whole record after one change.
 * 2. A change is read-the-last, decide, and link(2) the next number: whoever finds it taken reads again. So every
 *    change is decided on exactly the record that it follows.
 * 3. The mark of a cancelled run is looked at before and after a claim: a claim that is granted came before the mark.
 */

import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptRecord, Attempts } from '../engine/ports.ts';
import { errorValue } from '../graph/errors.ts';
import { type EvalHash, parseHash, parseRunId, type RunId } from '../values/ids.ts';
import { stored } from '../values/json.ts';
import { isErrno } from '../values/thrown.ts';
import { mapConcurrent } from './concurrent.ts';
import { readIfThere } from './read.ts';
import { createFile } from './write.ts';

const READS_AT_ONCE = 32;

/** Attempts under `root`/attempts. */
export function folderAttempts(root: string): Attempts {
  const folderOf = (run: RunId): string => {
    if (!parseRunId(run)) throw new Error(`not a run id: ${JSON.stringify(run)}`);
    return join(root, 'attempts', run);
  };
  const pathOf = (run: RunId, evaluation: EvalHash): string => {
    if (!parseHash(evaluation)) throw new Error(`not an eval hash: ${JSON.stringify(evaluation)}`);
    return join(folderOf(run), evaluation);
  };
  const markOf = (run: RunId): string => join(folderOf(run), 'cancelled');

  return {
    async claim(run, evaluation, attempt, holder) {
      const path = pathOf(run, evaluation);
      if (await exists(markOf(run))) return 'refused';
      const claimed = await change(path, (last) => (last && last.attempt >= attempt ? undefined : { attempt, holder }));
      return claimed && !(await exists(markOf(run))) ? 'claimed' : 'refused';
    },
    async holds(run, evaluation, attempt, holder) {
      const { last } = await history(pathOf(run, evaluation));
      return isHeld(last, attempt, holder) && !(await exists(markOf(run)));
    },
    async finish(run, evaluation, attempt, holder, outcome) {
      const recorded = await change(pathOf(run, evaluation), (last) =>
        isHeld(last, attempt, holder) && !last?.outcome ? { attempt, holder, outcome } : undefined,
      );
      return recorded ? 'recorded' : 'refused';
    },
    async read(run, evaluations) {
      const records = new Map<EvalHash, AttemptRecord>();
      await mapConcurrent([...new Set(evaluations)], READS_AT_ONCE, async (evaluation) => {
        const { last } = await history(pathOf(run, evaluation));
        if (last) records.set(evaluation, last);
      });
      return records;
    },
    async cancel(run) {
      await createFile(markOf(run), '');
    },
    async reopen(run) {
      await rm(markOf(run), { force: true });
    },
  };
}

function isHeld(record: AttemptRecord | undefined, attempt: number, holder: string): boolean {
  return record?.attempt === attempt && record.holder === holder;
}

/** Carries a record on by what `decide` makes of it, atomically; false when that is nothing. */
async function change(
  path: string,
  decide: (last: AttemptRecord | undefined) => AttemptRecord | undefined,
): Promise<boolean> {
  while (true) {
    const { length, last } = await history(path);
    const next = decide(last);
    if (!next) return false;
    if (await createFile(`${path}.${length + 1}`, JSON.stringify(next))) return true;
  }
}

/** How many changes there were and what the last one left. Usually two: the claim and the outcome. */
async function history(path: string): Promise<{ length: number; last: AttemptRecord | undefined }> {
  let last: AttemptRecord | undefined;
  for (let length = 0; ; length++) {
    const next = await readIfThere(`${path}.${length + 1}`);
    if (next === undefined) return { length, last };
    last = parsed(next.toString()) ?? damagedAfter(last);
  }
}

function parsed(text: string): AttemptRecord | undefined {
  try {
    const record = stored<AttemptRecord | null>(text);
    return typeof record?.attempt === 'number' && typeof record.holder === 'string' ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Somebody recorded something: after a claim it was an outcome, and its job fails by name. */
function damagedAfter(claim: AttemptRecord | undefined): AttemptRecord {
  const error = errorValue('ValueDamaged', 'the record of the job is damaged, and its result cannot be had');
  return { attempt: claim?.attempt ?? 0, holder: claim?.holder ?? '', outcome: { ok: false, error, measured: {} } };
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT')) return false;
    throw thrown;
  }
}
