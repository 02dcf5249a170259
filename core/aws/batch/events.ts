/** Events of Batch, in the engine's words. What is not ours is undefined, never an error. */
import * as v from 'valibot';
import type { ExecutorNews } from '../../engine/executor.ts';
import { type DescribedJob, describedJob, reportOf } from './jobs.ts';

const STATE_CHANGE = 'Batch Job State Change';
const QUEUE_BLOCKED = 'Batch Job Queue Blocked';

const BatchEvent = v.object({
  source: v.literal('aws.batch'),
  'detail-type': v.picklist([STATE_CHANGE, QUEUE_BLOCKED]),
  detail: v.unknown(),
});

/** What Batch says of a job that holds up its queue. Source: AWS Batch User Guide, "Jobs stuck in a RUNNABLE status". */
const BLOCKED_REASON = /^(CAPACITY|MISCONFIGURATION|ACTION_REQUIRED|UNDETERMINED)\b/;

/** Undefined for every event that is not about a job, or not understood. */
export function parseBatchEvent(event: unknown): ExecutorNews | undefined {
  const parsed = v.safeParse(BatchEvent, event);
  const job = parsed.success ? describedJob(parsed.output.detail) : undefined;
  if (!parsed.success || !job) return undefined;
  const { name, statusReason = 'the queue is blocked' } = job;
  if (parsed.output['detail-type'] === QUEUE_BLOCKED) return { kind: 'blocked', name, reason: statusReason.trim() };
  return isBlocked(job) ? { kind: 'blocked', name, reason: statusReason } : { kind: 'report', report: reportOf(job) };
}

/** A job at the head of a queue that stands still also says so by its own event. */
function isBlocked({ status, statusReason = '' }: DescribedJob): boolean {
  return status === 'RUNNABLE' && BLOCKED_REASON.test(statusReason);
}
