/** How a job is ended from outside. */
import { killOthers, leadsGroup, signalGroup } from './processes.ts';

/** AWS Batch sends SIGKILL 30 s after SIGTERM. */
const GRACE_MS = 20_000;
export const TERMINATED = 128 + 15;

export interface Lifetime {
  /** Aborts when the job is told to end: from then on nothing is recorded, the executor's verdict says why. */
  readonly signal: AbortSignal;
  /** Whether scripts stay in this process's group, which then is all of the job. */
  readonly leads: boolean;
  /** The group that the work goes on in, as far as it is known. */
  group(): number;
  /** Says which group the work goes on in, when that is another than this process's. */
  follow(group: number): void;
  /** Ends whatever the work has left running. */
  endRest(): void;
}

/**
 * SIGTERM is passed on to the work; what does not end within the grace is killed. With `parentPipe`, the end of standard
 * input is the end of the parent: the whole job is killed at once.
 */
export function watchLifetime(parentPipe: boolean): Lifetime {
  const told = new AbortController();
  const leads = leadsGroup();
  let group = process.pid;
  const works = (): boolean => leads || group !== process.pid;
  const endRest = (): void => {
    if (works()) killOthers(group);
  };
  const onSignal = (): void => {
    if (told.signal.aborted) return;
    told.abort();
    if (works()) signalGroup(group, 'SIGTERM');
    setTimeout(() => {
      endRest();
      process.exit(TERMINATED);
    }, GRACE_MS).unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  if (parentPipe) watchParent(endRest, leads);
  return {
    signal: told.signal,
    leads,
    group: () => group,
    follow: (other) => {
      group = other;
      if (told.signal.aborted) signalGroup(group, 'SIGTERM');
    },
    endRest,
  };
}

function watchParent(endRest: () => void, leads: boolean): void {
  const end = (): void => {
    endRest();
    // One signal for all, this process among them: nothing can be started in between.
    if (leads) signalGroup(process.pid, 'SIGKILL');
    process.exit(TERMINATED);
  };
  process.stdin.on('end', end).on('close', end).on('error', end);
  process.stdin.resume();
  // Not a reason to stay: the job ends when its work is done.
  process.stdin.unref?.();
}
