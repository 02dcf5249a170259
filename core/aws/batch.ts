/**
 * Jobs on AWS Batch.
 *
 * 1. SubmitJob has no client token: it is sent once, by a client without retries, and an answer that did not come is
 *    `unknown`, never an error and never a second request.
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
import type { BatchExecutor, SubmissionRequest, SubmitOutcome } from '../engine/ports.ts';
import {
  type BatchSettings,
  jobDefinitionParams,
  listByNameParams,
  resourceRequirements,
  secretsProblem,
  submitParams,
} from './batch-requests.ts';
import { chunked } from './batches.ts';
import { verdictOfJob } from './events.ts';

const DESCRIBE_IDS_MAX = 100;

export interface BatchClients {
  /** Retries as the SDK does. */
  readonly batch: BatchClient;
  /** `maxAttempts: 1`, and a time-out within what a sender may wait. */
  readonly batchOnce: BatchClient;
}

export function batchExecutor({ batch, batchOnce }: BatchClients, settings: BatchSettings): BatchExecutor {
  const definitionOf = jobDefinitions(batch, settings.stack);

  async function submit(request: SubmissionRequest): Promise<SubmitOutcome> {
    const queue = request.resources.queue ?? settings.queue;
    if (!queue) return { kind: 'refused', reason: 'the executor names no queue' };
    const sized = resourceRequirements(request.resources);
    if (!sized.ok) return { kind: 'refused', reason: sized.reason };
    const withheld = settings.local ? undefined : secretsProblem(request.resources);
    if (withheld !== undefined) return { kind: 'refused', reason: withheld };
    let definition: string;
    try {
      definition = await definitionOf(request.resources);
    } catch (error) {
      const outcome = outcomeOf(error);
      return outcome.kind === 'unknown' ? { kind: 'throttled' } : outcome;
    }
    const params = submitParams(settings, request, { queue, definition, requirements: sized.requirements });
    try {
      const { jobId } = await batchOnce.send(new SubmitJobCommand(params));
      return jobId ? { kind: 'accepted', id: jobId } : { kind: 'unknown', reason: 'the answer holds no job id' };
    } catch (error) {
      return outcomeOf(error);
    }
  }

  return {
    submit,

    async find(name, queue = settings.queue) {
      if (!queue) return [];
      const ids: string[] = [];
      for await (const page of paginateListJobs({ client: batch }, listByNameParams(name, queue))) {
        for (const job of page.jobSummaryList ?? []) if (job.jobId && job.jobName === name) ids.push(job.jobId);
      }
      return ids;
    },

    async describe(ids) {
      const answers = await Promise.all(
        chunked(ids, DESCRIBE_IDS_MAX).map((jobs) => batch.send(new DescribeJobsCommand({ jobs }))),
      );
      return answers.flatMap(({ jobs = [] }) => jobs.flatMap((job) => verdictOfJob(job) ?? []));
    },

    async terminate(jobId, reason) {
      await batch.send(new TerminateJobCommand({ jobId, reason })).catch((error: unknown) => {
        // Batch says so of a job it no longer knows: then there is nothing to end.
        if (!(error instanceof ClientException)) throw error;
      });
    },
  };
}

/** Finds or registers the definition once for each content, and pins its revision. */
function jobDefinitions(client: BatchClient, stack: string) {
  const known = new Map<string, Promise<string>>();

  async function find(params: ReturnType<typeof jobDefinitionParams>): Promise<string> {
    const { jobDefinitions: found = [] } = await client.send(
      new DescribeJobDefinitionsCommand({ jobDefinitionName: params.jobDefinitionName, status: 'ACTIVE' }),
    );
    const newest = found.sort((a, b) => (b.revision ?? 0) - (a.revision ?? 0))[0]?.jobDefinitionArn;
    if (newest) return newest;
    const { jobDefinitionArn } = await client.send(new RegisterJobDefinitionCommand(params));
    if (!jobDefinitionArn) throw new Error('Batch gave no ARN for a job definition');
    return jobDefinitionArn;
  }

  return (resources: Parameters<typeof jobDefinitionParams>[1]): Promise<string> => {
    const params = jobDefinitionParams(stack, resources);
    const name = params.jobDefinitionName;
    const arn = known.get(name) ?? find(params);
    known.set(name, arn);
    arn.catch(() => known.delete(name));
    return arn;
  };
}

const THROTTLED = 429;
const REQUEST_TIMEOUT = 408;

/** What a failed request tells about whether it was accepted. */
function outcomeOf(error: unknown): Exclude<SubmitOutcome, { kind: 'accepted' }> {
  const { name = 'Error', message = '' } = error instanceof Error ? error : { message: String(error) };
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  const reason = `${name}: ${message}`;
  if (status === THROTTLED || /^(TooManyRequests|Throttl)/.test(name)) return { kind: 'throttled' };
  if (status && status >= 400 && status < 500 && status !== REQUEST_TIMEOUT) return { kind: 'refused', reason };
  return { kind: 'unknown', reason };
}
