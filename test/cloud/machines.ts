/** The machines of Batch: jobs that were submitted to moto run here, by the real runner, and their states are told. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Asked } from './gate.ts';

const STAND_INS = join(import.meta.dirname, '../workflow/stand-ins');
const SLOTS = 2;
/** As Batch says it of a machine that was reclaimed. */
const LOST = 'Host EC2 (instance i-0abc) terminated.';

interface Submission {
  readonly jobName: string;
  readonly jobQueue: string;
  readonly containerOverrides: { readonly environment: readonly { readonly name: string; readonly value: string }[] };
  readonly arrayProperties?: { readonly size: number };
}

interface Job {
  readonly id: string;
  readonly index?: number;
  readonly submission: Submission;
  status: 'RUNNABLE' | 'RUNNING' | 'SUCCEEDED' | 'FAILED';
  readonly createdAt: number;
  startedAt?: number;
  stoppedAt?: number;
  exitCode?: number;
  reason?: string;
  process?: ChildProcess;
}

export interface MachineOptions {
  readonly runner: string;
  /** For jobs: where AWS is, and by whose credentials. */
  readonly environment: Readonly<Record<string, string>>;
  readonly work: string;
  readonly log: string;
  /** Keeps what a job wrote, as the driver of its container's log does. */
  readonly keepLog: (stream: string, text: string) => Promise<void>;
  /** Is told of every change of a job's state, as Batch tells EventBridge. */
  readonly tell: (event: unknown) => void;
  /** When a job that starts now loses its machine, in ms; undefined when it does not. */
  readonly loss: () => number | undefined;
}

export interface Machines {
  /** Looks at what was asked of Batch; gives an answer in place of moto's where that knows less. */
  onlooker(asked: Asked, answer: Buffer): Buffer | undefined;
  readonly isIdle: boolean;
  /** All that were ever submitted, children of arrays by themselves. */
  readonly count: number;
  readonly running: number;
  /** How many lost their machine. */
  readonly lost: number;
  stop(): void;
}

export function openMachines({ runner, environment, work, log, keepLog, tell, loss }: MachineOptions): Machines {
  const jobs = new Map<string, Job>();
  let stopped = false;

  const submitted = (submission: Submission, id: string): void => {
    const size = submission.arrayProperties?.size;
    const createdAt = Date.now();
    const make = (job: Pick<Job, 'id' | 'index'>): void => {
      jobs.set(job.id, { ...job, submission, status: 'RUNNABLE', createdAt });
    };
    if (size === undefined) make({ id });
    else for (let index = 0; index < size; index++) make({ id: `${id}:${index}`, index });
    setImmediate(pump);
  };

  const pump = (): void => {
    const all = [...jobs.values()];
    const free = SLOTS - all.filter(({ status }) => status === 'RUNNING').length;
    if (stopped) return;
    for (const job of all.filter(({ status }) => status === 'RUNNABLE').slice(0, free)) start(job);
  };

  const start = (job: Job): void => {
    job.status = 'RUNNING';
    job.startedAt = Date.now();
    tell(eventOf(job));
    const given = job.submission.containerOverrides.environment.map(({ name, value }) => [name, value]);
    const child = spawn(process.execPath, [runner], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: [STAND_INS, process.env.PATH].join(delimiter),
        ...environment,
        ...Object.fromEntries(given),
        REDEX_WORK: work,
        AWS_BATCH_JOB_ID: job.id,
        AWS_BATCH_JOB_ATTEMPT: '1',
        ...(job.index !== undefined && { AWS_BATCH_JOB_ARRAY_INDEX: String(job.index) }),
      },
    });
    job.process = child;
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        appendFileSync(log, text);
      });
    }
    const ms = loss();
    const machine = ms === undefined ? undefined : setTimeout(() => lose(job), ms);
    child.once('close', (code) => {
      clearTimeout(machine);
      void keepLog(streamOf(job), said).finally(() => end(job, code ?? 137));
    });
  };

  /** Nothing of the job is left, and it says no last word. */
  const lose = (job: Job): void => {
    job.reason = LOST;
    job.process?.kill('SIGKILL');
  };

  const end = (job: Job, exitCode: number): void => {
    job.exitCode = exitCode;
    job.stoppedAt = Date.now();
    job.status = exitCode === 0 && job.reason === undefined ? 'SUCCEEDED' : 'FAILED';
    tell(eventOf(job));
    pump();
  };

  const terminated = (id: string, reason: string): void => {
    for (const job of jobs.values()) {
      if (job.id !== id && !job.id.startsWith(`${id}:`)) continue;
      if (job.status === 'SUCCEEDED' || job.status === 'FAILED') continue;
      job.reason = reason;
      if (job.status === 'RUNNING') job.process?.kill('SIGTERM');
      else end(job, 137);
    }
  };

  return {
    onlooker({ path, body }, answer) {
      if (path === '/v1/submitjob') {
        const { jobId } = JSON.parse(answer.toString()) as { jobId?: string };
        if (jobId !== undefined) submitted(JSON.parse(body.toString()) as Submission, jobId);
      }
      if (path === '/v1/terminatejob') {
        const { jobId, reason } = JSON.parse(body.toString()) as { jobId: string; reason: string };
        terminated(jobId, reason);
      }
      if (path !== '/v1/describejobs') return undefined;
      const asked = (JSON.parse(body.toString()) as { jobs: string[] }).jobs;
      return Buffer.from(JSON.stringify({ jobs: asked.flatMap((id) => detailsOf(jobs, id)) }));
    },
    get isIdle() {
      return [...jobs.values()].every(({ status }) => status === 'SUCCEEDED' || status === 'FAILED');
    },
    get count() {
      return jobs.size;
    },
    get lost() {
      return [...jobs.values()].filter(({ reason }) => reason === LOST).length;
    },
    get running() {
      return [...jobs.values()].filter(({ status }) => status === 'RUNNING').length;
    },
    stop() {
      stopped = true;
      for (const { process: child } of jobs.values()) child?.kill('SIGKILL');
    },
  };
}

/** A job that was asked for, or an array, whose children say how it is. */
function detailsOf(jobs: ReadonlyMap<string, Job>, id: string): object[] {
  const job = jobs.get(id);
  if (job) return [detailOf(job)];
  const children = [...jobs.values()].filter((child) => child.id.startsWith(`${id}:`));
  const [first] = children;
  if (!first) return [];
  const isOver = children.every(({ status }) => status === 'SUCCEEDED' || status === 'FAILED');
  const status = !isOver ? 'PENDING' : children.some((child) => child.status === 'FAILED') ? 'FAILED' : 'SUCCEEDED';
  const { jobName, jobQueue } = first.submission;
  return [{ jobId: id, jobName, jobQueue, status, attempts: [], arrayProperties: { size: children.length } }];
}

function streamOf({ id }: Job): string {
  return `redex/default/${id.replace(':', '-')}`;
}

function detailOf(job: Job): object {
  const { id, index, submission, status, exitCode, reason, createdAt, startedAt, stoppedAt } = job;
  const logStreamName = startedAt === undefined ? undefined : streamOf(job);
  const container = { ...(exitCode !== undefined && { exitCode }), environment: [], logStreamName };
  const statusReason = reason ?? (stoppedAt === undefined ? undefined : 'Essential container in task exited');
  return {
    jobId: id,
    jobName: submission.jobName,
    jobQueue: submission.jobQueue,
    jobDefinition: 'definition',
    status,
    ...(statusReason !== undefined && { statusReason }),
    attempts: stoppedAt === undefined ? [] : [{ container, startedAt, stoppedAt, statusReason }],
    createdAt,
    ...(startedAt !== undefined && { startedAt }),
    ...(stoppedAt !== undefined && { stoppedAt }),
    container,
    ...(index !== undefined && { arrayProperties: { index, statusSummary: {} } }),
  };
}

function eventOf(job: Job): object {
  return {
    version: '0',
    id: `${job.id}-${job.status}`,
    source: 'aws.batch',
    'detail-type': 'Batch Job State Change',
    account: '123456789012',
    region: 'us-east-1',
    detail: detailOf(job),
  };
}
