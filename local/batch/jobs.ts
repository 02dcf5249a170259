/** The jobs of the local Batch: the fold of its records. Pure but for being kept in place. */
import { batchJobIds } from '../../core/aws/batch/job-ids.ts';
import type { BatchStatus } from '../../core/aws/batch/jobs.ts';
import type { BatchRecord, Definition, EndedRecord, SubmittedRecord } from './records.ts';

export interface BatchJob {
  readonly id: string;
  readonly submission: SubmittedRecord;
  /** Set for a child of an array. */
  readonly index?: number;
  readonly parent?: BatchJob;
  /** Set for an array. */
  readonly children?: readonly BatchJob[];
  /** Children that have not ended; 0 for a single job. */
  open: number;
  status: BatchStatus;
  startedAt?: number;
  process?: { readonly pid: number; readonly birth?: string; readonly dockerName?: string };
  ended?: EndedRecord;
  /** Whether the event of its end has been accepted. */
  delivered: boolean;
}

export interface SentMessage {
  readonly message: string;
  readonly body: string;
  readonly dueAt: number;
}

export interface BatchState {
  readonly definitions: Map<string, Definition>;
  /** By id, also children; in the order of submission. */
  readonly jobs: Map<string, BatchJob>;
  /** By name in lower case, oldest first; no children. */
  readonly submissionsByName: Map<string, BatchJob[]>;
  /** Sent and not yet delivered. */
  readonly messages: Map<string, SentMessage>;
}

export function emptyState(): BatchState {
  return { definitions: new Map(), jobs: new Map(), submissionsByName: new Map(), messages: new Map() };
}

export function isTerminal(job: BatchJob): boolean {
  return job.ended !== undefined;
}

/** Brings the state up to date with one more record; records of unknown jobs are left alone. */
export function applyRecord(state: BatchState, record: BatchRecord): void {
  switch (record.type) {
    case 'defined':
      state.definitions.set(record.definition.arn, record.definition);
      break;
    case 'submitted':
      addSubmission(state, record);
      break;
    case 'sent':
      state.messages.set(record.message, record);
      break;
    case 'delivered':
      state.messages.delete(record.of);
      setDelivered(state.jobs.get(record.of));
      break;
    default: {
      const job = state.jobs.get(record.job);
      if (job && !isTerminal(job)) advance(job, record);
    }
  }
}

function setDelivered(job: BatchJob | undefined): void {
  if (job) job.delivered = true;
}

function advance(
  job: BatchJob,
  record: Extract<BatchRecord, { readonly type: 'started' | 'running' | 'ended' }>,
): void {
  switch (record.type) {
    case 'started':
      job.status = 'STARTING';
      break;
    case 'running':
      job.status = 'RUNNING';
      job.startedAt = record.at;
      job.process = record;
      break;
    case 'ended':
      job.status = record.status;
      job.ended = record;
      if (job.parent) job.parent.open -= 1;
  }
}

function addSubmission(state: BatchState, submission: SubmittedRecord): void {
  const id = submission.job;
  if (submission.size === undefined) {
    addJob(state, { id, submission, status: 'RUNNABLE', open: 0, delivered: false });
    return;
  }
  const children: BatchJob[] = [];
  const parent: BatchJob = { id, submission, children, status: 'PENDING', open: submission.size, delivered: false };
  addJob(state, parent);
  for (let index = 0; index < submission.size; index += 1) {
    const child: BatchJob = {
      id: batchJobIds.of({ submission: id, index }),
      submission,
      index,
      parent,
      status: 'RUNNABLE',
      open: 0,
      delivered: false,
    };
    children.push(child);
    state.jobs.set(child.id, child);
  }
}

function addJob(state: BatchState, job: BatchJob): void {
  state.jobs.set(job.id, job);
  const name = job.submission.name.toLowerCase();
  const sameName = state.submissionsByName.get(name);
  if (sameName) sameName.push(job);
  else state.submissionsByName.set(name, [job]);
}

/** How an array ended, when the last of its children has. */
export function arrayEnd(parent: BatchJob, at: number): EndedRecord | undefined {
  if (parent.open > 0) return undefined;
  const ended = { type: 'ended', at, job: parent.id } as const;
  return parent.children?.some((child) => child.status === 'FAILED')
    ? { ...ended, status: 'FAILED', statusReason: 'Array Child Job failed' }
    : { ...ended, status: 'SUCCEEDED' };
}
