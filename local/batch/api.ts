/** The operations of AWS Batch that the local one answers, each a function from request to response. */
import { randomUUID } from 'node:crypto';
import type * as v from 'valibot';
import type { Batch } from './batch.ts';
import type { BatchJob } from './jobs.ts';
import type { Definition, SubmittedRecord } from './records.ts';
import {
  DescribeJobDefinitions,
  DescribeJobs,
  ListJobs,
  parseRequest,
  RegisterJobDefinition,
  refusal,
  resolveContainer,
  SubmitJob,
  TerminateJob,
} from './requests.ts';
import { batchArn, jobDetail, jobSummary } from './shapes.ts';

/** AWS's own limits. */
const TIMEOUT_SECONDS_MIN = 60;
const OVERRIDES_CHARACTERS_MAX = 8192;
const PAGE_MAX = 100;

export interface ApiLimits {
  /** The shortest time-out a job may have. */
  readonly timeoutSecondsMin: number;
}

export type BatchApi = Readonly<Record<string, (body: unknown) => unknown>>;

/** The operations by path. They throw ClientException. */
export function batchApi(batch: Batch, limits: ApiLimits = { timeoutSecondsMin: TIMEOUT_SECONDS_MIN }): BatchApi {
  return {
    '/v1/submitjob': (body) => submitJob(batch, parseRequest(SubmitJob, body), limits),
    '/v1/describejobs': (body) => describeJobs(batch, parseRequest(DescribeJobs, body)),
    '/v1/listjobs': (body) => listJobs(batch, parseRequest(ListJobs, body)),
    '/v1/terminatejob': (body) => terminateJob(batch, parseRequest(TerminateJob, body)),
    '/v1/registerjobdefinition': (body) => register(batch, parseRequest(RegisterJobDefinition, body), limits),
    '/v1/describejobdefinitions': (body) => describeDefinitions(batch, parseRequest(DescribeJobDefinitions, body)),
  };
}

function submitJob(batch: Batch, request: SubmitJob, limits: ApiLimits) {
  const definition = findDefinition(batch, request.jobDefinition);
  if (!definition) throw refusal(`Job definition ${request.jobDefinition} not found`);
  // What was registered has passed this check before.
  const defined = parseRequest(RegisterJobDefinition, definition.request);
  const container = resolveContainer(defined.containerProperties, request.containerOverrides);
  const timeoutSeconds = timeoutOf(request.timeout ?? defined.timeout, limits);
  const overLong = overridesLength(request) > OVERRIDES_CHARACTERS_MAX;
  const submission: SubmittedRecord = {
    type: 'submitted',
    at: Date.now(),
    job: randomUUID(),
    name: request.jobName,
    queue: request.jobQueue.startsWith('arn:') ? request.jobQueue : batchArn('job-queue', request.jobQueue),
    definition: definition.arn,
    ...(request.arrayProperties?.size !== undefined && { size: request.arrayProperties.size }),
    container,
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    parameters: { ...defined.parameters, ...request.parameters },
    tags: request.tags ?? {},
    ...(overLong && { refusal: `Container Overrides length must be at most ${OVERRIDES_CHARACTERS_MAX}` }),
  };
  batch.submit(submission);
  return { jobArn: batchArn('job', submission.job), jobName: submission.name, jobId: submission.job };
}

function overridesLength(request: SubmitJob): number {
  return request.containerOverrides ? JSON.stringify(request.containerOverrides).length : 0;
}

function timeoutOf(timeout: SubmitJob['timeout'], { timeoutSecondsMin }: ApiLimits): number | undefined {
  const seconds = timeout?.attemptDurationSeconds;
  if (seconds !== undefined && seconds < timeoutSecondsMin) {
    throw refusal(`Timeout must be at least ${timeoutSecondsMin} seconds`);
  }
  return seconds;
}

function describeJobs(batch: Batch, { jobs }: v.InferOutput<typeof DescribeJobs>) {
  const found = jobs.flatMap((id) => batch.store.state.jobs.get(id) ?? []);
  return { jobs: found.map((job) => jobDetail(job, batch.logOf)) };
}

function terminateJob(batch: Batch, { jobId, reason }: v.InferOutput<typeof TerminateJob>) {
  const job = batch.store.state.jobs.get(jobId);
  if (!job) throw refusal(`Job ${jobId} not found`);
  batch.terminate(job, reason);
  return {};
}

/** Newest first. With a filter by name every status is listed, without one RUNNING jobs only; no children but an array's own. */
function listJobs(batch: Batch, request: v.InferOutput<typeof ListJobs>) {
  if ((request.jobQueue === undefined) === (request.arrayJobId === undefined)) {
    throw refusal('Exactly one of jobQueue and arrayJobId must be given');
  }
  const [name] = request.filters?.flatMap((filter) => filter.values) ?? [];
  const candidates = candidatesOf(batch, request.arrayJobId, name);
  const queue = request.jobQueue;
  const status = name === undefined ? (request.jobStatus ?? 'RUNNING') : undefined;
  const listed = candidates.filter(
    (job) =>
      (queue === undefined ||
        job.submission.queue === queue ||
        job.submission.queue === batchArn('job-queue', queue)) &&
      (status === undefined || job.status === status),
  );
  const { items, nextToken } = page(listed, request);
  return { jobSummaryList: items.map(jobSummary), ...nextToken };
}

/** Names are compared without case; a star at the end stands for anything. */
function candidatesOf(batch: Batch, arrayJobId: string | undefined, name = '*'): readonly BatchJob[] {
  const { jobs, submissionsByName } = batch.store.state;
  if (arrayJobId !== undefined) return jobs.get(arrayJobId)?.children ?? [];
  const wanted = name.toLowerCase();
  if (!wanted.endsWith('*')) return (submissionsByName.get(wanted) ?? []).toReversed();
  return [...submissionsByName]
    .flatMap(([each, submissions]) => (each.startsWith(wanted.slice(0, -1)) ? submissions : []))
    .sort((one, other) => other.submission.at - one.submission.at);
}

/** One page of a list; the token is where the next one starts. */
function page<T>(
  all: readonly T[],
  request: { readonly maxResults?: number | undefined; readonly nextToken?: string | undefined },
) {
  const from = Number(request.nextToken ?? 0);
  if (!Number.isInteger(from) || from < 0) throw refusal('nextToken is not valid');
  const to = from + Math.min(request.maxResults ?? PAGE_MAX, PAGE_MAX);
  return { items: all.slice(from, to), nextToken: to < all.length ? { nextToken: String(to) } : {} };
}

function register(batch: Batch, request: v.InferOutput<typeof RegisterJobDefinition>, limits: ApiLimits) {
  resolveContainer(request.containerProperties);
  timeoutOf(request.timeout, limits);
  const name = request.jobDefinitionName;
  const revision = revisionsOf(batch, name).length + 1;
  const arn = batchArn('job-definition', `${name}:${revision}`);
  batch.store.record({ type: 'defined', at: Date.now(), definition: { arn, name, revision, request } });
  return { jobDefinitionName: name, jobDefinitionArn: arn, revision };
}

/** Oldest first. */
function revisionsOf(batch: Batch, name: string): Definition[] {
  return [...batch.store.state.definitions.values()].filter((definition) => definition.name === name);
}

/** By ARN, by `name:revision`, or the newest of a name. */
function findDefinition(batch: Batch, reference: string): Definition | undefined {
  const { definitions } = batch.store.state;
  return (
    definitions.get(reference) ??
    definitions.get(batchArn('job-definition', reference)) ??
    revisionsOf(batch, reference).at(-1)
  );
}

function describeDefinitions(batch: Batch, request: v.InferOutput<typeof DescribeJobDefinitions>) {
  const named = request.jobDefinitions?.flatMap((reference) => findDefinition(batch, reference) ?? []);
  const all =
    named ??
    [...batch.store.state.definitions.values()].filter(
      ({ name }) => request.jobDefinitionName === undefined || name === request.jobDefinitionName,
    );
  const active = request.status === 'INACTIVE' ? [] : all.toReversed();
  const { items, nextToken } = page(active, request);
  const jobDefinitions = items.map((definition) => ({
    ...definition.request,
    jobDefinitionArn: definition.arn,
    revision: definition.revision,
    status: 'ACTIVE',
    containerOrchestrationType: 'ECS',
  }));
  return { jobDefinitions, ...nextToken };
}
