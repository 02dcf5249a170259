/** What the local Batch writes down: one line of `jobs.jsonl` for everything that happened. Times are ms since the epoch. */
import { batchJobIds } from '../../core/aws/batch/job-ids.ts';

export interface EnvironmentPair {
  readonly name: string;
  readonly value: string;
}

export interface Secret {
  readonly name: string;
  readonly valueFrom: string;
}

/** Container settings, the definition's and the submission's laid over one another. */
export interface Container {
  readonly image?: string;
  readonly command: readonly string[];
  readonly environment: readonly EnvironmentPair[];
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly gpus?: number;
  /** Where each is had from; the values are written down nowhere. */
  readonly secrets?: readonly Secret[];
}

export interface Definition {
  readonly arn: string;
  readonly name: string;
  readonly revision: number;
  /** The request that registered it, as it came. */
  readonly request: Readonly<Record<string, unknown>>;
}

export interface SubmittedRecord {
  readonly type: 'submitted';
  readonly at: number;
  readonly job: string;
  readonly name: string;
  readonly queue: string;
  /** ARN of the definition. */
  readonly definition: string;
  /** Number of children; absent for a single job. */
  readonly size?: number;
  readonly container: Container;
  readonly timeoutSeconds?: number;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Set when the job can never run: it fails with this reason. */
  readonly refusal?: string;
}

export interface EndedRecord {
  readonly type: 'ended';
  readonly at: number;
  readonly job: string;
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly statusReason?: string;
  readonly containerReason?: string;
  readonly exitCode?: number;
}

export type BatchRecord =
  | { readonly type: 'defined'; readonly at: number; readonly definition: Definition }
  | SubmittedRecord
  /** One for every start; written before the process exists, so that no start can be missing. */
  | { readonly type: 'started'; readonly at: number; readonly job: string; readonly name: string }
  /** The job's process, which leads a process group of its own; `birth` tells it from a later one with its number. */
  | {
      readonly type: 'running';
      readonly at: number;
      readonly job: string;
      readonly pid: number;
      readonly birth?: string;
      /** Name of its Docker container. */
      readonly dockerName?: string;
    }
  | EndedRecord
  /** An event that someone put on the bus for the queue. */
  | {
      readonly type: 'sent';
      readonly at: number;
      readonly message: string;
      readonly body: string;
      readonly dueAt: number;
    }
  /** The job's last event, or a sent message, has been accepted (or given up). */
  | { readonly type: 'delivered'; readonly at: number; readonly of: string };

/** The id under which a child of an array was submitted. */
export function submissionOf(job: string): string {
  return batchJobIds.parse(job).submission;
}
