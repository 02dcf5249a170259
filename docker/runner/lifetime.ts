/** How a job is ended from outside. */
import { isProcReadable } from '../../core/proc.ts';
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

/** The lifetime of one job, with what ends it. */
export interface EndableLifetime extends Lifetime {
  /** Tells the job to end: its work gets SIGTERM, and what does not end within the grace is killed, this process too. */
  tell(): void;
  /** Kills all that the job has started, at once. */
  killAll(): void;
}

/** `mark`: what has it in its environment is the job's; `reaps` as `jobProcesses` has it. */
export function jobLifetime(mark: string, reaps: boolean): EndableLifetime {
  const told = new AbortController();
  const leads = leadsGroup();
  const processes = jobProcesses(leads, mark, reaps);
  const cleanups = new Set<() => void>();
  const killAll = (): void => {
    processes.kill();
    for (const remove of cleanups) remove();
  };
  const tell = (): void => {
    if (told.signal.aborted) return;
    told.abort();
    processes.signal('SIGTERM');
    setTimeout(() => {
      killAll();
      process.exit(TERMINATED);
    }, GRACE_MS).unref();
  };
  return { signal: told.signal, scriptsApart: !leads || isProcReadable(), processes, cleanups, tell, killAll };
}

/** What this process is told by signals, the job is told; where there is none, it ends. */
export function passSignalsOn(current: () => EndableLifetime | undefined): void {
  const onSignal = (): void => {
    const job = current();
    if (!job) process.exit(TERMINATED);
    job.tell();
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
}

/** The end of standard input is the end of the parent: the whole job is killed at once, and this process. */
export function endWithParent(current: () => EndableLifetime | undefined): void {
  const end = (): void => {
    current()?.killAll();
    // One signal for all, this process among them: nothing can be started in between.
    if (leadsGroup()) signalGroup(process.pid, 'SIGKILL');
    process.exit(TERMINATED);
  };
  process.stdin.on('end', end).on('close', end).on('error', end);
  process.stdin.resume();
  // Not a reason to stay: the job ends when its work is done.
  process.stdin.unref?.();
}
