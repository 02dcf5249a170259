/** How a job is ended from outside. */
import { allProcesses } from '../../core/proc.ts';
import { type JobProcesses, jobProcesses, leadsGroup, signalGroup } from './processes.ts';

/** AWS Batch sends SIGKILL 30 s after SIGTERM. */
const GRACE_MS = 20_000;
export const TERMINATED = 128 + 15;

export interface Lifetime {
  /** Aborts when the job is told to end: from then on nothing is recorded, the executor's report says why. */
  readonly signal: AbortSignal;
  /** Whether scripts get a session of their own: where nothing is told of processes, one group holds a job together. */
  readonly scriptsApart: boolean;
  /** What the job's work has started. */
  readonly processes: JobProcesses;
  /** What is outside the job's own folder and goes with the job, also when that is killed at once. */
  readonly cleanups: Set<() => void>;
}

/**
 * SIGTERM is passed on to the work; what does not end within the grace is killed. With `parentPipe`, the end of standard
 * input is the end of the parent: the whole job is killed at once. What has the mark is the job's.
 */
export function watchLifetime(parentPipe: boolean, mark: string): Lifetime {
  const told = new AbortController();
  const leads = leadsGroup();
  const processes = jobProcesses(leads, mark);
  const cleanups = new Set<() => void>();
  const killAll = (): void => {
    processes.kill();
    for (const remove of cleanups) remove();
  };
  const onSignal = (): void => {
    if (told.signal.aborted) return;
    told.abort();
    processes.signal('SIGTERM');
    setTimeout(() => {
      killAll();
      process.exit(TERMINATED);
    }, GRACE_MS).unref();
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
  if (parentPipe) watchParent(killAll, leads);
  return { signal: told.signal, scriptsApart: !leads || allProcesses().length > 0, processes, cleanups };
}

function watchParent(killAll: () => void, leads: boolean): void {
  const end = (): void => {
    killAll();
    // One signal for all, this process among them: nothing can be started in between.
    if (leads) signalGroup(process.pid, 'SIGKILL');
    process.exit(TERMINATED);
  };
  process.stdin.on('end', end).on('close', end).on('error', end);
  process.stdin.resume();
  // Not a reason to stay: the job ends when its work is done.
  process.stdin.unref?.();
}
