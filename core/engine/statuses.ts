/** What the statuses of runs, and of an executor's jobs, mean to those who act on them. */
import type { ExecutorStatus, RunStatus } from './ports.ts';

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

export const RUN_STATUSES = Object.keys(RUNS) as readonly RunStatus[];

/** A status that only a later version knows is none of a run that is over. */
export function isRunOver(status: RunStatus): boolean {
  return RUNS[status]?.isOver ?? false;
}

export function mayRetry(status: RunStatus): boolean {
  return RUNS[status]?.mayRetry ?? false;
}

/** How far a job is: not begun, at work, or ended one way or another. */
type Stage = 'waiting' | 'running' | 'over';

const STAGES: Readonly<Record<ExecutorStatus, Stage>> = {
  SUBMITTED: 'waiting',
  PENDING: 'waiting',
  RUNNABLE: 'waiting',
  STARTING: 'waiting',
  RUNNING: 'running',
  SUCCEEDED: 'over',
  FAILED: 'over',
};

export const EXECUTOR_STATUSES = Object.keys(STAGES) as readonly ExecutorStatus[];

export function stageOf(status: ExecutorStatus): Stage {
  return STAGES[status];
}
