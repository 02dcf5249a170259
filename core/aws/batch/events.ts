/**
 * Events as they arrive, and jobs as Batch describes them, into what the engine knows. Lenient: fields come and go, and
 * what is not ours is undefined, never an error.
 */

import * as v from 'valibot';
import type { Verdict } from '../../engine/ports.ts';
import { EXECUTOR_STATUSES } from '../../engine/statuses.ts';
import { RUN_ID, type RunId } from '../../values/ids.ts';
import { EVENT_SOURCE, WAKE_UP } from '../bus.ts';
import { JOB_CONTAINER } from './job-definitions.ts';

/** Absent, too, when it is null or of another type than it was ever seen with. */
const optionalText = v.fallback(v.optional(v.string()), undefined);
const optionalNumber = v.fallback(v.optional(v.number()), undefined);

const Container = v.fallback(
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
  status: v.picklist(EXECUTOR_STATUSES),
  statusReason: optionalText,
  createdAt: optionalNumber,
  startedAt: optionalNumber,
  stoppedAt: optionalNumber,
  container: Container,
  ecsProperties: v.fallback(v.object({ taskProperties: Tasks }), { taskProperties: [] }),
  attempts: v.fallback(
    v.array(v.object({ container: Container, taskProperties: Tasks, statusReason: optionalText })),
    [],
  ),
  arrayProperties: v.fallback(v.object({ index: optionalNumber }), {}),
});

const StateChange = v.object({
  source: v.literal('aws.batch'),
  'detail-type': v.literal('Batch Job State Change'),
  detail: JobDetail,
});

const WakeUp = v.object({
  source: v.literal(EVENT_SOURCE),
  'detail-type': v.literal(WAKE_UP),
  detail: v.object({ stack: v.string(), run: v.pipe(v.string(), v.regex(RUN_ID)) }),
});

type JobDetail = v.InferOutput<typeof JobDetail>;

type Container = v.InferOutput<typeof Container>;

/** The job's own container, unless it never began because of the one before it. */
function spokesman(tasks: v.InferOutput<typeof Tasks>): Container {
  const containers = tasks.flatMap((task) => task.containers);
  const job = containers.find(({ name }) => name === JOB_CONTAINER) ?? {};
  const hasSpoken = job.exitCode !== undefined || job.reason !== undefined;
  const failed = containers.find(({ exitCode, reason }) => reason !== undefined || (exitCode ?? 0) !== 0);
  return definedIn((hasSpoken ? undefined : failed) ?? job);
}

function definedIn({ exitCode, reason, logStreamName }: Container): Container {
  return {
    ...(exitCode !== undefined && { exitCode }),
    ...(reason !== undefined && { reason }),
    ...(logStreamName !== undefined && { logStreamName }),
  };
}

/** What Batch says of a job; the last attempt speaks where the job itself does not. */
function toVerdict(detail: JobDetail): Verdict {
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

/** A job of DescribeJobs; undefined when it lacks an id, a name or a known status. */
export function verdictOfJob(job: unknown): Verdict | undefined {
  const parsed = v.safeParse(JobDetail, job);
  return parsed.success ? toVerdict(parsed.output) : undefined;
}

/**
 * A `Batch Job State Change`; undefined for every other event. A child of an array has an index, and the id
 * `<parent>:<index>`; the array itself has the parent's id and no index.
 */
export function parseVerdict(event: unknown): Verdict | undefined {
  const parsed = v.safeParse(StateChange, event);
  return parsed.success ? toVerdict(parsed.output.detail) : undefined;
}

const QueueBlocked = v.object({
  source: v.literal('aws.batch'),
  'detail-type': v.literal('Batch Job Queue Blocked'),
  detail: JobDetail,
});

/** What Batch says of a job that holds up its queue. Source: AWS Batch User Guide, "Jobs stuck in a RUNNABLE status". */
const BLOCKED_REASON = /^(CAPACITY|MISCONFIGURATION|ACTION_REQUIRED|UNDETERMINED)\b/;

/** The job at the head of a queue that stands still, and why; undefined for every other event. */
export function parseBlocked(event: unknown): { readonly name: string; readonly reason: string } | undefined {
  const blocked = v.safeParse(QueueBlocked, event);
  if (blocked.success) {
    const { jobName: name, statusReason = 'the queue is blocked' } = blocked.output.detail;
    return { name, reason: statusReason.trim() };
  }
  const verdict = parseVerdict(event);
  const isBlocked = verdict?.status === 'RUNNABLE' && BLOCKED_REASON.test(verdict.statusReason ?? '');
  return isBlocked ? { name: verdict.name, reason: verdict.statusReason ?? '' } : undefined;
}

/** A wake-up for a run; undefined for every other event. */
export function parseWakeUp(event: unknown): { readonly stack: string; readonly run: RunId } | undefined {
  const parsed = v.safeParse(WakeUp, event);
  return parsed.success ? { stack: parsed.output.detail.stack, run: parsed.output.detail.run as RunId } : undefined;
}
