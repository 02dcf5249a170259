/**
 * The local Batch: takes jobs, runs as many at once as the machine has room for, and tells of every change of state.
 *
 * 1. What it was asked and what happened is on disk before anybody hears of it.
 * 2. When its process dies, jobs that were running have failed, and those that waited still wait.
 * 3. Every change of a job's state is told; the last one until somebody has accepted it.
 * 4. Of a run that is held nothing is started and nothing is told; both are made up for when it is taken up again.
 */

import { reasonText } from '../../core/aws/batch/reasons.ts';
import { valueAt } from '../../core/values/present.ts';
import { type Capacity, excessOf, jobQueue } from './capacity.ts';
import { arrayEnd, type BatchJob, isTerminal } from './jobs.ts';
import type { SubmittedRecord } from './records.ts';
import type { End, Machine } from './running.ts';
import { type BusEvent, stateChangeEvent } from './shapes.ts';
import type { BatchStore } from './store.ts';

export interface BatchOptions {
  readonly store: BatchStore;
  readonly machine: Machine;
  readonly capacity: Capacity;
  /** Whether the job's run is held. */
  readonly isHeld: (job: BatchJob) => boolean;
  /** Hands an event on; `accepted` is called when it has arrived for good. */
  readonly deliver: (event: BusEvent, accepted: () => void) => void;
  readonly warn: (message: string) => void;
}

export interface Batch {
  readonly store: BatchStore;
  submit(submission: SubmittedRecord): void;
  terminate(job: BatchJob, reason: string): void;
  logOf(job: BatchJob): string;
  /** Takes up what the last owner left, of these jobs: what was under way has failed, what waited waits. */
  carryOn(isMeant: (job: BatchJob) => boolean): void;
  /** Whether no job waits or runs. */
  idle(): boolean;
  /** Ends all jobs; nothing of it is written down, so that the next start finds them interrupted. */
  stop(graceMs: number): Promise<void>;
}

/** Starts the Batch on what its store remembers. */
export async function openBatch({ store, machine, capacity, isHeld, deliver, warn }: BatchOptions): Promise<Batch> {
  const queue = jobQueue(capacity);
  let stopped = false;
  /** What waits in the queue or runs. */
  const open = new Set<BatchJob>();

  const tell = (job: BatchJob): void => {
    if (isHeld(job)) return;
    deliver(stateChangeEvent(job, Date.now(), machine.logOf), () => {
      if (isTerminal(job) && !job.delivered) store.record({ type: 'delivered', at: Date.now(), of: job.id });
    });
  };

  const enqueue = (job: BatchJob): void => {
    if (isHeld(job)) return;
    open.add(job);
    queue.push(job);
    tell(job);
  };

  const end = (job: BatchJob, how: End): void => {
    store.record({ type: 'ended', at: Date.now(), job: job.id, ...how });
    open.delete(job);
    tell(job);
    if (job.parent) endArray(job.parent);
  };

  const endArray = (parent: BatchJob): void => {
    const ended = arrayEnd(parent, Date.now());
    if (!ended) return;
    store.record(ended);
    tell(parent);
  };

  const schedule = (): void => {
    if (stopped) return;
    for (const job of queue.take()) {
      const excess = excessOf(job, capacity);
      if (excess) warn(excess);
      void run(job);
    }
  };

  const run = async (job: BatchJob): Promise<void> => {
    store.record({ type: 'started', at: Date.now(), job: job.id, name: job.submission.name });
    tell(job);
    const ended = await machine.run(job, (process) => {
      store.record({ type: 'running', at: Date.now(), job: job.id, ...process });
      tell(job);
    });
    if (ended) end(job, ended);
    queue.release(job);
    schedule();
  };

  const stopJob = (job: BatchJob, reason: string): void => {
    if (job.status === 'RUNNABLE') end(job, { status: 'FAILED', statusReason: reason });
    else if (!isTerminal(job)) machine.stop(job, reason);
  };

  const carryOn = (isMeant: (job: BatchJob) => boolean): void => {
    for (const job of store.state.jobs.values()) {
      if (open.has(job) || !isMeant(job)) continue;
      if (isUnderWay(job)) end(job, { status: 'FAILED', statusReason: reasonText('machine-stopped') });
      else if (job.status === 'RUNNABLE') enqueue(job);
      else if (job.status === 'PENDING') endArray(job);
      else if (!job.delivered) tell(job);
    }
    schedule();
  };

  await machine.clear([...store.state.jobs.values()].filter(isUnderWay));
  carryOn((job) => !isHeld(job));
  return {
    store,
    logOf: machine.logOf,
    carryOn,
    idle: () => open.size === 0,
    submit: (submission) => {
      store.record(submission);
      const job = valueAt(store.state.jobs, submission.job);
      if (job.children) tell(job);
      for (const each of jobsOf(job)) enqueue(each);
      if (submission.refusal) for (const each of jobsOf(job)) stopJob(each, submission.refusal);
      schedule();
    },
    terminate: (job, reason) => {
      for (const each of jobsOf(job)) stopJob(each, reason);
      schedule();
    },
    stop: async (graceMs) => {
      stopped = true;
      await machine.stopAll(graceMs);
    },
  };
}

function isUnderWay(job: BatchJob): boolean {
  return job.status === 'STARTING' || job.status === 'RUNNING';
}

/** What a request for a job is about: an array's children, or the job itself. */
function jobsOf(job: BatchJob): readonly BatchJob[] {
  return job.children ?? [job];
}
