/** Jobs as AWS Batch shows them: in DescribeJobs, in ListJobs, and in its events. */
import { randomUUID } from 'node:crypto';
import type { BatchStatus } from '../../core/aws/batch/jobs.ts';
import type { BatchJob } from './jobs.ts';
import type { Container } from './records.ts';

const REGION = 'us-east-1';
const ACCOUNT = '000000000000';

export function batchArn(kind: 'job' | 'job-queue' | 'job-definition', name: string): string {
  return `arn:aws:batch:${REGION}:${ACCOUNT}:${kind}/${name}`;
}

/** An event as EventBridge hands it on. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: unknown;
}

export function busEvent(
  at: number,
  source: string,
  detailType: string,
  detail: unknown,
  resources: readonly string[] = [],
): BusEvent {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': detailType,
    source,
    account: ACCOUNT,
    time: `${new Date(at).toISOString().slice(0, 19)}Z`,
    region: REGION,
    resources,
    detail,
  };
}

/** The event of the job's present status. `logOf` says where a job's log is. */
export function stateChangeEvent(job: BatchJob, at: number, logOf: (job: BatchJob) => string): BusEvent {
  const detail = jobDetail(job, logOf);
  return busEvent(at, 'aws.batch', 'Batch Job State Change', detail, [detail.jobArn]);
}

/** The `jobs` element of DescribeJobs, which is also the `detail` of an event. */
export function jobDetail(job: BatchJob, logOf: (job: BatchJob) => string) {
  const { submission } = job;
  return {
    jobArn: batchArn('job', job.id),
    jobName: submission.name,
    jobId: job.id,
    jobQueue: submission.queue,
    status: job.status,
    attempts: job.startedAt === undefined || !job.ended ? [] : [attempt(job, logOf)],
    ...times(job),
    retryStrategy: { attempts: 1, evaluateOnExit: [] },
    dependsOn: [],
    jobDefinition: submission.definition,
    parameters: submission.parameters,
    container: containerDetail(job, submission.container, logOf),
    ...(submission.timeoutSeconds && { timeout: { attemptDurationSeconds: submission.timeoutSeconds } }),
    ...arrayDetail(job),
    tags: { ...submission.tags, resourceArn: batchArn('job', submission.job) },
    propagateTags: false,
    platformCapabilities: ['EC2'],
    eksAttempts: [],
  };
}

function times(job: BatchJob) {
  return {
    ...(job.ended?.statusReason && { statusReason: job.ended.statusReason }),
    createdAt: job.submission.at,
    ...(job.startedAt !== undefined && { startedAt: job.startedAt }),
    ...(job.ended && { stoppedAt: job.ended.at }),
  };
}

/** What is known of how the container ended. */
function exitDetail(job: BatchJob) {
  return {
    ...(job.ended?.exitCode !== undefined && { exitCode: job.ended.exitCode }),
    ...(job.ended?.containerReason && { reason: job.ended.containerReason }),
  };
}

function attempt(job: BatchJob, logOf: (job: BatchJob) => string) {
  return {
    container: { ...exitDetail(job), logStreamName: logOf(job), networkInterfaces: [] },
    startedAt: job.startedAt,
    stoppedAt: job.ended?.at,
    ...(job.ended?.statusReason && { statusReason: job.ended.statusReason }),
  };
}

function containerDetail(job: BatchJob, container: Container, logOf: (job: BatchJob) => string) {
  return {
    ...(container.image && { image: container.image }),
    command: container.command,
    volumes: [],
    environment: container.environment,
    mountPoints: [],
    ulimits: [],
    ...exitDetail(job),
    ...(job.startedAt !== undefined && { logStreamName: logOf(job) }),
    networkInterfaces: [],
    resourceRequirements: [
      { type: 'VCPU', value: String(container.vcpus) },
      { type: 'MEMORY', value: String(container.memoryMiB) },
      ...(container.gpus ? [{ type: 'GPU', value: String(container.gpus) }] : []),
    ],
    secrets: container.secrets ?? [],
  };
}

function arrayDetail(job: BatchJob) {
  if (job.index !== undefined) return { arrayProperties: { index: job.index, statusSummary: {} } };
  if (!job.children) return {};
  const statusSummary: Record<BatchStatus, number> = {
    STARTING: 0,
    FAILED: 0,
    RUNNING: 0,
    SUCCEEDED: 0,
    RUNNABLE: 0,
    SUBMITTED: 0,
    PENDING: 0,
  };
  for (const child of job.children) statusSummary[child.status] += 1;
  return { arrayProperties: { size: job.children.length, statusSummary } };
}

/** The `jobSummaryList` element of ListJobs. */
export function jobSummary(job: BatchJob) {
  return {
    jobArn: batchArn('job', job.id),
    jobId: job.id,
    jobName: job.submission.name,
    status: job.status,
    ...times(job),
    container: exitDetail(job),
    ...(job.children && { arrayProperties: { size: job.children.length } }),
    ...(job.index !== undefined && { arrayProperties: { index: job.index } }),
    jobDefinition: job.submission.definition,
  };
}
