/**
 * Jobs as Batch describes them, in DescribeJobs and in its events, and what that is in the engine's words. Lenient: fields come
 * and go, and what is not understood is undefined, never an error.
 */
import * as v from 'valibot';
import type { JobReport, JobState } from '../../engine/executor.ts';
import { keysOf } from '../../values/json.ts';
import { causeOf, saidOf } from './causes.ts';
import { JOB_CONTAINER } from './job-definitions.ts';
import { batchJobIds } from './job-ids.ts';

const STATES = {
  SUBMITTED: 'waiting',
  PENDING: 'waiting',
  RUNNABLE: 'waiting',
  STARTING: 'waiting',
  RUNNING: 'running',
  SUCCEEDED: 'over',
  FAILED: 'over',
} as const satisfies Readonly<Record<string, JobState['is']>>;

export type BatchStatus = keyof typeof STATES;
export const BATCH_STATUSES = keysOf(STATES);

/** What counts of a job's description. Times are ms since the epoch. */
export interface DescribedJob {
  /** Of a child of an array `<parent>:<index>`. */
  readonly id: string;
  /** undefined for a single job, and for an array itself. */
  readonly index?: number;
  readonly name: string;
  readonly status: BatchStatus;
  readonly statusReason?: string;
  readonly containerReason?: string;
  readonly exitCode?: number;
  readonly log?: string;
  readonly createdAt?: number;
  readonly startedAt?: number;
  readonly stoppedAt?: number;
}

/** Absent, too, when it is null or of another type than it was ever seen with. */
const optionalText = v.fallback(v.optional(v.string()), undefined);
const optionalNumber = v.fallback(v.optional(v.number()), undefined);

const ContainerDetail = v.fallback(
  v.object({ exitCode: optionalNumber, reason: optionalText, logStreamName: optionalText }),
  {},
);

/** Of a job of two containers, which says nothing as one. */
const Tasks = v.fallback(
  v.array(
    v.object({
      containers: v.array(
        v.object({ name: optionalText, exitCode: optionalNumber, reason: optionalText, logStreamName: optionalText }),
      ),
    }),
  ),
  [],
);

/** The part of Batch's JobDetail that counts; the same in DescribeJobs and in events. Times are ms since the epoch. */
const JobDetail = v.object({
  jobId: v.pipe(v.string(), v.nonEmpty()),
  jobName: v.string(),
  status: v.picklist(BATCH_STATUSES),
  statusReason: optionalText,
  createdAt: optionalNumber,
  startedAt: optionalNumber,
  stoppedAt: optionalNumber,
  container: ContainerDetail,
  ecsProperties: v.fallback(v.object({ taskProperties: Tasks }), { taskProperties: [] }),
  attempts: v.fallback(
    v.array(v.object({ container: ContainerDetail, taskProperties: Tasks, statusReason: optionalText })),
    [],
  ),
  arrayProperties: v.fallback(v.object({ index: optionalNumber }), {}),
});

type JobDetail = v.InferOutput<typeof JobDetail>;

type ContainerDetail = v.InferOutput<typeof ContainerDetail>;

/** The job's own container, unless it never began because of the one before it. */
function spokesman(tasks: v.InferOutput<typeof Tasks>): ContainerDetail {
  const containers = tasks.flatMap((task) => task.containers);
  const job = containers.find(({ name }) => name === JOB_CONTAINER) ?? {};
  const hasSpoken = job.exitCode !== undefined || job.reason !== undefined;
  const failed = containers.find(({ exitCode, reason }) => reason !== undefined || (exitCode ?? 0) !== 0);
  return definedIn((hasSpoken ? undefined : failed) ?? job);
}

function definedIn({ exitCode, reason, logStreamName }: ContainerDetail): ContainerDetail {
  return {
    ...(exitCode !== undefined && { exitCode }),
    ...(reason !== undefined && { reason }),
    ...(logStreamName !== undefined && { logStreamName }),
  };
}

/** What Batch says of a job; the last attempt speaks where the job itself does not. */
function describedIn(detail: JobDetail): DescribedJob {
  const last = detail.attempts.at(-1);
  const container = { ...spokesman(detail.ecsProperties.taskProperties), ...definedIn(detail.container) };
  const before = { ...spokesman(last?.taskProperties ?? []), ...definedIn(last?.container ?? {}) };
  const said = {
    index: detail.arrayProperties.index,
    statusReason: detail.statusReason ?? last?.statusReason,
    containerReason: container.reason ?? before.reason,
    exitCode: container.exitCode ?? before.exitCode,
    log: container.logStreamName ?? before.logStreamName,
    createdAt: detail.createdAt,
    startedAt: detail.startedAt,
    stoppedAt: detail.stoppedAt,
  };
  const known = Object.entries(said).filter(([, value]) => value !== undefined);
  return { id: detail.jobId, name: detail.jobName, status: detail.status, ...Object.fromEntries(known) };
}

/** Undefined when it lacks an id, a name or a known status. */
export function describedJob(detail: unknown): DescribedJob | undefined {
  const parsed = v.safeParse(JobDetail, detail);
  return parsed.success ? describedIn(parsed.output) : undefined;
}

export function reportOf(described: DescribedJob): JobReport {
  const { id, index, name, log, createdAt, startedAt, stoppedAt } = described;
  return {
    job: index === undefined ? { submission: id } : { submission: batchJobIds.parse(id).submission, index },
    name,
    state: stateOf(described),
    ...(log !== undefined && { log }),
    times: {
      ...(createdAt !== undefined && { queuedAt: createdAt }),
      ...(startedAt !== undefined && { startedAt }),
      ...(stoppedAt !== undefined && { endedAt: stoppedAt }),
    },
  };
}

/** Status decides, never the exit code alone: FAILED with exit code 0 exists. */
function stateOf(described: DescribedJob): JobState {
  const { status, statusReason, exitCode } = described;
  const is = STATES[status];
  switch (is) {
    case 'waiting':
      return { is, reason: statusReason ? `${status}: ${statusReason}` : status };
    case 'running':
      return { is };
    case 'over': {
      const ended = status === 'SUCCEEDED' ? 'well' : causeOf(described);
      return { is, ended, said: saidOf(described), ...(exitCode !== undefined && { exitCode }) };
    }
  }
}
