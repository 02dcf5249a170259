/** Jobs on this machine: each from the start of its process to the end of all of its processes, whatever ends them. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reasonText } from '../../core/aws/batch/reasons.ts';
import { jobLogName } from '../../core/disk/job-logs.ts';
import { removeShortNames } from '../../core/disk/short-names.ts';
import type { Chaos } from '../chaos.ts';
import { birthOf, killOrphans } from '../processes.ts';
import { dockerAnswers, dockerRunArguments, dockerTrouble, removeContainers } from './docker.ts';
import type { Execution, Exit, Launch, StartExecution } from './execution.ts';
import type { BatchJob } from './jobs.ts';
import { reapingRunner } from './reaper.ts';
import type { Container, EndedRecord } from './records.ts';
import { secretVariables } from './secrets.ts';

export interface MachineOptions {
  /** Where the jobs' logs go. */
  readonly logFolder: string;
  /** Where jobs work. */
  readonly workFolder: string;
  /** The words that start the runner. */
  readonly runner: readonly string[];
  /** What jobs inherit, and what they are told beside their own environment. */
  readonly inherited: NodeJS.ProcessEnv;
  readonly variables: Readonly<Record<string, string>>;
  /** What relative paths are relative to. */
  readonly root: string;
  /** Folders that a job in a container must see. */
  readonly folders: readonly string[];
  /** Between SIGTERM and SIGKILL, of a job that is terminated or takes too long. */
  readonly killGraceMs: number;
  readonly chaos: Chaos;
  readonly startJob: StartExecution;
}

/** How a job ended, but for when. */
export type End = Omit<EndedRecord, 'type' | 'at' | 'job'>;
export type RunningProcess = NonNullable<BatchJob['process']>;

export interface Machine {
  /** Where the job's output is. */
  logOf(job: BatchJob): string;
  /** Runs the job; `running` is called when its process is there. Undefined when the machine was stopped meanwhile. */
  run(job: BatchJob, running: (process: RunningProcess) => void): Promise<End | undefined>;
  /** Ends the job, which is starting or running, for this reason; of several the first stands. */
  stop(job: BatchJob, reason: string): void;
  /** Ends all jobs. */
  stopAll(graceMs: number): Promise<void>;
  /** Ends what is left of jobs that ran when the last owner of the machine died. */
  clear(jobs: readonly BatchJob[]): Promise<void>;
}

const EXITED = 'Essential container in task exited';
const TIMED_OUT = 'Job attempt duration exceeded timeout';
const LOST = 'Host EC2 (instance i-00000000c4a05) terminated.';
/** setTimeout's own limit: 24.8 days. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export async function openMachine(options: MachineOptions): Promise<Machine> {
  const { logFolder, workFolder, inherited, killGraceMs, chaos } = options;
  mkdirSync(logFolder, { recursive: true });
  mkdirSync(workFolder, { recursive: true });
  const [withDocker, runner] = await Promise.all([dockerAnswers(inherited), reapingRunner(options.runner, inherited)]);
  const executions = new Map<BatchJob, Execution>();
  const stopReasons = new Map<BatchJob, string>();
  const runs = new Set<Promise<unknown>>();
  let stopped = false;

  const logOf = (job: BatchJob): string => join(logFolder, jobLogName(job.id));

  const stop = (job: BatchJob, reason: string): void => {
    if (stopReasons.has(job)) return;
    stopReasons.set(job, reason);
    executions.get(job)?.stop(killGraceMs);
  };

  /** What a job with secrets has left where it worked may hold them. */
  const removeWork = (job: BatchJob): void => {
    const work = workOf(job, workFolder);
    if (work === workFolder) return;
    try {
      rmSync(work, { recursive: true, force: true });
    } catch {
      // A script can make undeletable what it has made.
    }
  };

  const lose = (job: BatchJob): void => {
    stopReasons.set(job, LOST);
    executions.get(job)?.kill();
  };

  /** Sets the alarms that may end the job before its own end; gives the function that takes them back. */
  const limitLife = (job: BatchJob): (() => void) => {
    const seconds = job.submission.timeoutSeconds;
    const timers = [
      [seconds === undefined ? undefined : seconds * 1000, () => stop(job, TIMED_OUT)],
      [chaos.lossOfMachine(), () => lose(job)],
    ] as const;
    const set = timers.flatMap(([ms, act]) => (ms === undefined ? [] : [setTimeout(act, Math.min(ms, TIMER_MS_MAX))]));
    return () => {
      for (const timer of set) clearTimeout(timer);
    };
  };

  const live = async (job: BatchJob, running: (process: RunningProcess) => void): Promise<End | undefined> => {
    const secrets = await secretVariables(job.submission.container.secrets ?? [], options);
    if (!secrets.ok) return stopped ? undefined : failedToStart(reasonText('secret-missing', secrets.reason));
    const launch = launchOf(job, { ...options, runner, secrets: secrets.variables }, logOf(job), withDocker);
    const execution = await options.startJob(launch);
    if ('failed' in execution) return failedToStart(`CannotStartContainerError: ${execution.failed}`);
    executions.set(job, execution);
    running(processOf(execution, launch));
    // It may have been told to end while it started.
    if (stopped) execution.kill();
    else if (stopReasons.has(job)) execution.stop(killGraceMs);
    const spare = limitLife(job);
    const exit = await execution.ended;
    spare();
    removeWork(job);
    executions.delete(job);
    const reason = stopReasons.get(job);
    stopReasons.delete(job);
    if (stopped) return undefined;
    const trouble = launch.dockerName && reason === undefined ? dockerTrouble(exit.exitCode, launch.log) : undefined;
    return trouble ? failedToStart(trouble) : endOf(exit, reason);
  };

  return {
    logOf,
    stop,
    run: (job, running) => {
      const run = live(job, running).finally(() => runs.delete(run));
      runs.add(run);
      return run;
    },
    stopAll: async (graceMs) => {
      stopped = true;
      for (const execution of executions.values()) execution.stop(graceMs);
      await Promise.all(runs);
    },
    clear: async (jobs) => {
      killOrphans(
        jobs.map((job) => ({ job: job.id, ...job.process })),
        workFolder,
      );
      for (const job of jobs) removeWork(job);
      for (const { id } of jobs) removeShortNames(id);
      const containers = jobs.flatMap((job) => job.process?.dockerName ?? []);
      await removeContainers(containers, inherited);
    },
  };
}

function endOf({ interrupted, ...exit }: Exit, stopReason: string | undefined): End {
  const succeeded = stopReason === undefined && exit.exitCode === 0;
  const statusReason = stopReason ?? (interrupted ? reasonText('machine-stopped') : EXITED);
  return { status: succeeded ? 'SUCCEEDED' : 'FAILED', statusReason, ...exit };
}

function failedToStart(containerReason: string): End {
  return { status: 'FAILED', statusReason: 'Task failed to start', containerReason };
}

function processOf({ pid }: Execution, { dockerName }: Launch): RunningProcess {
  const birth = pid > 0 ? birthOf(pid) : undefined;
  return { pid, ...(birth && { birth }), ...(dockerName && { dockerName }) };
}

/** Jobs with secrets work in a folder of their own. */
function workOf(job: BatchJob, workFolder: string): string {
  return job.submission.container.secrets ? join(workFolder, job.id.replace(':', '-')) : workFolder;
}

/** No process that has had secrets has anything else; what is told by other names than redex's own is for the whole process. */
function mayShare({ secrets, environment }: Container): boolean {
  return secrets === undefined && environment.every(({ name }) => name.startsWith('REDEX_'));
}

function launchOf(
  job: BatchJob,
  options: MachineOptions & { readonly secrets: Readonly<Record<string, string>> },
  log: string,
  withDocker: boolean,
): Launch {
  const { container } = job.submission;
  const own = {
    ...Object.fromEntries(container.environment.map(({ name, value }) => [name, value])),
    ...options.secrets,
    ...options.variables,
    REDEX_WORK: workOf(job, options.workFolder),
    AWS_BATCH_JOB_ID: job.id,
    AWS_BATCH_JOB_ATTEMPT: '1',
    ...(job.index !== undefined && { AWS_BATCH_JOB_ARRAY_INDEX: String(job.index) }),
  };
  const variables = { ...options.inherited, ...own };
  const launch = { job: job.id, variables, folder: options.workFolder, log };
  if (!container.image || !withDocker) {
    const shared = mayShare(container) ? { ...options.inherited, ...options.variables } : undefined;
    return { ...launch, shared, command: options.runner, dockerName: undefined };
  }
  const name = `redex-${job.id.replace(':', '-')}`;
  const { folders } = options;
  const words = dockerRunArguments({ name, image: container.image, container, folders, variables: Object.keys(own) });
  return { ...launch, command: ['docker', ...words], dockerName: name };
}
