/**
 * The local Batch: takes jobs, runs as many at once as the machine has room for, and tells of every change of state.
 * What it was asked and what happened is on disk before anybody hears of it. When its process dies, jobs that were
 * running have failed, and those that waited still wait.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Chaos } from '../chaos.ts';
import { birthOf, killOrphans } from '../processes.ts';
import { type Capacity, excessOf, jobQueue } from './capacity.ts';
import { dockerAnswers, dockerRunArguments, removeContainers } from './docker.ts';
import { type Execution, type Launch, startExecution } from './execution.ts';
import { arrayEnd, isTerminal, type Job } from './jobs.ts';
import { type EndedRecord, MACHINE_STOPPED, type SubmittedRecord } from './records.ts';
import { type BusEvent, stateChangeEvent } from './shapes.ts';
import type { BatchStore } from './store.ts';

export interface BatchOptions {
  readonly store: BatchStore;
  /** Where the jobs' logs go. */
  readonly logFolder: string;
  /** Where jobs work. */
  readonly workFolder: string;
  readonly capacity: Capacity;
  /** The words that start the runner. */
  readonly runner: readonly string[];
  /** What jobs inherit, and what they are told beside their own environment. */
  readonly inherited: NodeJS.ProcessEnv;
  readonly variables: Readonly<Record<string, string>>;
  /** Folders that a job in a container must see. */
  readonly folders: readonly string[];
  /** Between SIGTERM and SIGKILL, of a job that is terminated or takes too long. */
  readonly killGraceMs: number;
  readonly chaos: Chaos;
  /** Hands an event on; `accepted` is called when it has arrived for good. */
  readonly deliver: (event: BusEvent, accepted: () => void) => void;
  readonly warn: (message: string) => void;
}

export interface Batch {
  readonly store: BatchStore;
  submit(submission: SubmittedRecord): void;
  terminate(job: Job, reason: string): void;
  /** Where a job's output is. */
  logOf(job: Job): string;
  /** Whether no job waits or runs. */
  idle(): boolean;
  /** Ends all jobs; nothing of it is written down, so that the next start finds them interrupted. */
  stopJobs(graceMs: number): Promise<void>;
}

const EXITED = 'Essential container in task exited';
const TIMED_OUT = 'Job attempt duration exceeded timeout';
/** setTimeout's own limit: 24.8 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Starts the Batch on what its store remembers. */
export async function openBatch(options: BatchOptions): Promise<Batch> {
  const { store, chaos } = options;
  mkdirSync(options.logFolder, { recursive: true });
  mkdirSync(options.workFolder, { recursive: true });
  const queue = jobQueue(options.capacity);
  const executions = new Map<string, Execution>();
  /** Why jobs are being stopped. */
  const stopReasons = new Map<string, string>();
  const runs = new Set<Promise<void>>();
  const withDocker = await dockerAnswers(options.inherited);
  let stopping = false;
  let openJobs = 0;

  const logOf = (job: Job): string => join(options.logFolder, `${job.id.replace(':', '_')}.log`);

  const tell = (job: Job): void => {
    options.deliver(stateChangeEvent(job, Date.now(), logOf), () => {
      if (isTerminal(job) && !job.delivered) store.record({ type: 'delivered', at: Date.now(), of: job.id });
    });
  };

  const end = (job: Job, how: Omit<EndedRecord, 'type' | 'at' | 'job'>): void => {
    store.record({ type: 'ended', at: Date.now(), job: job.id, ...how });
    openJobs -= 1;
    stopReasons.delete(job.id);
    tell(job);
    if (job.parent) endArray(job.parent);
  };

  const endArray = (parent: Job): void => {
    const ended = arrayEnd(parent, Date.now());
    if (!ended) return;
    store.record(ended);
    tell(parent);
  };

  const enqueue = (job: Job): void => {
    openJobs += 1;
    queue.push(job);
    tell(job);
  };

  const schedule = (): void => {
    if (stopping) return;
    for (const job of queue.take()) {
      const excess = excessOf(job, options.capacity);
      if (excess) options.warn(excess);
      const run = runJob(job).finally(() => {
        runs.delete(run);
        queue.release(job);
        schedule();
      });
      runs.add(run);
    }
  };

  const runJob = async (job: Job): Promise<void> => {
    store.record({ type: 'started', at: Date.now(), job: job.id, name: job.submission.name });
    tell(job);
    const launch = launchOf(job, options, logOf(job), withDocker);
    const execution = await startExecution(launch);
    if ('failed' in execution) {
      end(job, {
        status: 'FAILED',
        statusReason: 'Task failed to start',
        containerReason: `CannotStartContainerError: ${execution.failed}`,
      });
      return;
    }
    const { pid } = execution;
    store.record({
      type: 'running',
      at: Date.now(),
      job: job.id,
      pid,
      ...withoutUndefined({ birth: birthOf(pid), dockerName: launch.dockerName }),
    });
    executions.set(job.id, execution);
    tell(job);
    const timers = limitLife(job, execution);
    const exit = await execution.ended;
    for (const timer of timers) clearTimeout(timer);
    executions.delete(job.id);
    if (stopping) return;
    const stopped = stopReasons.get(job.id);
    const succeeded = stopped === undefined && exit.exitCode === 0;
    end(job, { status: succeeded ? 'SUCCEEDED' : 'FAILED', statusReason: stopped ?? EXITED, ...exit });
  };

  /** Whatever may end the job before its own end. */
  const limitLife = (job: Job, execution: Execution): NodeJS.Timeout[] => {
    // It may have been terminated, or the Batch stopped, while it started.
    if (stopping) execution.kill();
    else if (stopReasons.has(job.id)) execution.stop(options.killGraceMs);
    const timers: NodeJS.Timeout[] = [];
    const { timeoutSeconds } = job.submission;
    if (timeoutSeconds !== undefined) {
      const stop = (): void => stopJob(job, TIMED_OUT);
      timers.push(setTimeout(stop, Math.min(timeoutSeconds * 1000, TIMER_MS_MAX)));
    }
    const lossMs = chaos.lossOfMachine();
    if (lossMs !== undefined) {
      const lose = (): void => {
        stopReasons.set(job.id, 'Host EC2 (instance i-00000000c4a05) terminated.');
        execution.kill();
      };
      timers.push(setTimeout(lose, lossMs));
    }
    return timers;
  };

  const stopJob = (job: Job, reason: string): void => {
    if (isTerminal(job)) return;
    if (job.status === 'RUNNABLE') {
      end(job, { status: 'FAILED', statusReason: reason });
      return;
    }
    // The first reason stands.
    if (stopReasons.has(job.id)) return;
    stopReasons.set(job.id, reason);
    executions.get(job.id)?.stop(options.killGraceMs);
  };

  const jobsOf = (submission: Job): readonly Job[] => submission.children ?? [submission];

  await recover(options);
  for (const job of store.state.jobs.values()) {
    if (job.status === 'STARTING' || job.status === 'RUNNING') {
      openJobs += 1;
      end(job, { status: 'FAILED', statusReason: MACHINE_STOPPED });
    } else if (job.status === 'RUNNABLE') enqueue(job);
    else if (job.status === 'PENDING') endArray(job);
    else if (!job.delivered) tell(job);
  }
  schedule();

  return {
    store,
    logOf,
    idle: () => openJobs === 0,
    submit: (submission) => {
      store.record(submission);
      const job = store.state.jobs.get(submission.job) as Job;
      if (job.children) tell(job);
      for (const each of jobsOf(job)) enqueue(each);
      if (submission.refusal) for (const each of jobsOf(job)) stopJob(each, submission.refusal);
      schedule();
    },
    terminate: (job, reason) => {
      for (const each of jobsOf(job)) stopJob(each, reason);
      schedule();
    },
    stopJobs: async (graceMs) => {
      stopping = true;
      for (const execution of executions.values()) execution.stop(graceMs);
      await Promise.all(runs);
    },
  };
}

/** Ends what is left of the jobs that ran when the last owner died. */
async function recover({ store, workFolder, inherited }: BatchOptions): Promise<void> {
  const interrupted = [...store.state.jobs.values()].filter(
    (job) => job.status === 'STARTING' || job.status === 'RUNNING',
  );
  killOrphans(
    interrupted.map((job) => ({ job: job.id, ...job.process })),
    workFolder,
  );
  const containers = interrupted.flatMap((job) => job.process?.dockerName ?? []);
  await removeContainers(containers, inherited);
}

function launchOf(job: Job, options: BatchOptions, log: string, withDocker: boolean): Launch {
  const { container } = job.submission;
  const own = {
    ...Object.fromEntries(container.environment.map(({ name, value }) => [name, value])),
    ...options.variables,
    AWS_BATCH_JOB_ID: job.id,
    AWS_BATCH_JOB_ATTEMPT: '1',
    ...(job.index !== undefined && { AWS_BATCH_JOB_ARRAY_INDEX: String(job.index) }),
  };
  const launch = { variables: { ...options.inherited, ...own }, folder: options.workFolder, log };
  if (!container.image || !withDocker) return { ...launch, command: options.runner, dockerName: undefined };
  const name = `redex-${job.id.replace(':', '-')}`;
  const { folders } = options;
  const words = dockerRunArguments({ name, image: container.image, container, folders, variables: Object.keys(own) });
  return { ...launch, command: ['docker', ...words], dockerName: name };
}

function withoutUndefined<T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
