/**
 * Jobs on AWS Batch.
 *
 * 1. SubmitJob has no client token: it is sent once, by a client without retries, and an answer that did not come is
 *    `unknown`, never an error and never a second request. A second one follows only a refusal of the job definition.
 * 2. Whatever fails before SubmitJob is sent was definitely not accepted.
 */

import {
  type BatchClient,
  ClientException,
  DescribeJobDefinitionsCommand,
  DescribeJobsCommand,
  paginateListJobs,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from '@aws-sdk/client-batch';
import type { Executor, SubmissionRequest, SubmitOutcome } from '../../engine/executor.ts';
import { chunked } from '../batches.ts';
import { httpStatusOf } from '../http-status.ts';
import {
  type Defined,
  type DefinitionSettings,
  definitionProblem,
  type JobDefinition,
  jobDefinitionParams,
} from './job-definitions.ts';
import { batchJobIds } from './job-ids.ts';
import { describedJob, reportOf } from './jobs.ts';
import { BATCH_LIMITS } from './limits.ts';
import { reasonText } from './reasons.ts';
import { type BatchSettings, listByNameParams, resourceRequirements, submitParams } from './requests.ts';

type NotAccepted = Exclude<SubmitOutcome, { kind: 'accepted' }>;
type SubmitTarget = Parameters<typeof submitParams>[2];

export interface BatchClients {
  /** Retries as the SDK does. */
  readonly batch: BatchClient;
  /** `maxAttempts: 1`, and a time-out within what a sender may wait. */
  readonly batchOnce: BatchClient;
}

export function batchExecutor({ batch, batchOnce }: BatchClients, settings: BatchSettings): Executor {
  const definitions = jobDefinitions(batch, settings);

  async function submit(request: SubmissionRequest): Promise<SubmitOutcome> {
    const queue = request.resources.queue ?? settings.queue;
    if (!queue) return { kind: 'refused', reason: 'the executor names no queue' };
    const sized = resourceRequirements(request.resources);
    if (!sized.ok) return { kind: 'refused', reason: sized.reason };
    const problem = settings.local ? undefined : definitionProblem(settings, request.resources);
    if (problem !== undefined) return { kind: 'refused', reason: problem };
    return await submitTo({ queue, requirements: sized.requirements }, request);
  }

  async function submitTo(
    target: Omit<SubmitTarget, 'definition'>,
    request: SubmissionRequest,
  ): Promise<SubmitOutcome> {
    const first = await definedAs(request);
    if (typeof first !== 'string') return first;
    const outcome = await send({ ...target, definition: first }, request);
    if (outcome.kind !== 'refused' || !DEFINITION_GONE.test(outcome.reason)) return outcome;
    definitions.forget(request.resources);
    const again = await definedAs(request);
    return typeof again === 'string' ? await send({ ...target, definition: again }, request) : again;
  }

  /** The job definition of the request, or why there is none. */
  async function definedAs({ resources }: SubmissionRequest): Promise<string | NotAccepted> {
    try {
      return await definitions.of(resources);
    } catch (error) {
      const outcome = outcomeOf(error);
      return outcome.kind === 'unknown' ? { kind: 'throttled' } : outcome;
    }
  }

  async function send(target: SubmitTarget, request: SubmissionRequest): Promise<SubmitOutcome> {
    try {
      const { jobId } = await batchOnce.send(new SubmitJobCommand(submitParams(settings, request, target)));
      return jobId ? { kind: 'accepted', id: jobId } : { kind: 'unknown', reason: 'the answer holds no job id' };
    } catch (error) {
      return outcomeOf(error);
    }
  }

  return {
    limits: BATCH_LIMITS,
    ids: batchJobIds,
    submit,

    async find(name, queue = settings.queue) {
      if (!queue) return [];
      const ids: string[] = [];
      for await (const page of paginateListJobs({ client: batch }, listByNameParams(name, queue))) {
        for (const job of page.jobSummaryList ?? []) if (job.jobId && job.jobName === name) ids.push(job.jobId);
      }
      return ids;
    },

    async look(jobs) {
      const parts = chunked(jobs.map(batchJobIds.of), BATCH_LIMITS.jobsPerLook);
      const answers = await Promise.all(parts.map((ids) => batch.send(new DescribeJobsCommand({ jobs: ids }))));
      const described = answers.flatMap((answer) => (answer.jobs ?? []).flatMap((job) => describedJob(job) ?? []));
      return described.map(reportOf);
    },

    async stop(jobId, reason) {
      await batch.send(new TerminateJobCommand({ jobId, reason: reasonText(reason) })).catch((error: unknown) => {
        // Batch says so of a job it no longer knows: then there is nothing to end.
        if (!(error instanceof ClientException)) throw error;
      });
    },
  };
}

/** Finds or registers the definition once for each content, and pins its revision. */
function jobDefinitions(client: BatchClient, settings: DefinitionSettings) {
  const known = new Map<string, Promise<string>>();

  async function find(params: JobDefinition): Promise<string> {
    const { jobDefinitions: found = [] } = await client.send(
      new DescribeJobDefinitionsCommand({ jobDefinitionName: params.jobDefinitionName, status: 'ACTIVE' }),
    );
    const newest = found.sort((a, b) => (b.revision ?? 0) - (a.revision ?? 0))[0]?.jobDefinitionArn;
    if (newest) return newest;
    const { jobDefinitionArn } = await client.send(new RegisterJobDefinitionCommand(params));
    if (!jobDefinitionArn) throw new Error('Batch gave no ARN for a job definition');
    return jobDefinitionArn;
  }

  return {
    of(resources: Defined): Promise<string> {
      const params = jobDefinitionParams(settings, resources);
      const name = params.jobDefinitionName;
      const arn = known.get(name) ?? find(params);
      known.set(name, arn);
      arn.catch(() => known.delete(name));
      return arn;
    },
    /** Of one that somebody deregistered: the next one who asks looks again, and registers it anew. */
    forget(resources: Defined): void {
      known.delete(jobDefinitionParams(settings, resources).jobDefinitionName);
    },
  };
}

const THROTTLED = 429;
const REQUEST_TIMEOUT = 408;

/** As Batch says it: `JobDefinition arn:… not found.`, `JobDefinition name … does not exist or is not in ACTIVE status`. */
const DEFINITION_GONE =
  /^ClientException: job ?definition\b.*(not found|does not exist|not in active|inactive|deregistered)/is;

/**
 * Who we are, what we may do, and when we think it is. Source: the common errors of AWS's service APIs; the last is the SDK's own,
 * which then sends nothing.
 */
const DENIED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'NotAuthorized',
  'OptInRequired',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'UnauthorizedException',
  'UnrecognizedClientException',
  'CredentialsProviderError',
]);
const DENIED_STATUS: readonly (number | undefined)[] = [401, 403];

/** What a failed request tells about whether it was accepted. */
function outcomeOf(error: unknown): NotAccepted {
  const { name = 'Error', message = '' } = error instanceof Error ? error : { message: String(error) };
  const status = httpStatusOf(error);
  const reason = `${name}: ${message}`;
  if (status === THROTTLED || /^(TooManyRequests|Throttl)/.test(name)) return { kind: 'throttled' };
  if (DENIED.has(name) || DENIED_STATUS.includes(status)) return { kind: 'denied', reason };
  if (status && status >= 400 && status < 500 && status !== REQUEST_TIMEOUT) return { kind: 'refused', reason };
  return { kind: 'unknown', reason };
}
