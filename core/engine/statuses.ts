/** What the statuses of runs mean to those who act on them. */
import { keysOf } from '../values/json.ts';
import type { RunStatus } from './ports.ts';

interface RunTraits {
  readonly isOver: boolean;
  /** Whether it can be taken up again. */
  readonly mayRetry: boolean;
}

const RUNS: Readonly<Record<RunStatus, RunTraits>> = {
  RUNNING: { isOver: false, mayRetry: false },
  CANCELLING: { isOver: false, mayRetry: false },
  DONE: { isOver: true, mayRetry: false },
  FAILED: { isOver: true, mayRetry: true },
  CANCELLED: { isOver: true, mayRetry: true },
};

export const RUN_STATUSES: readonly RunStatus[] = keysOf(RUNS);

/** A status that only a later version knows is none of a run that is over. */
export function isRunOver(status: RunStatus): boolean {
  return RUNS[status]?.isOver ?? false;
}

export function mayRetry(status: RunStatus): boolean {
  return RUNS[status]?.mayRetry ?? false;
}
