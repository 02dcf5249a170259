/**
 * Where jobs run: what the engine needs of an executor, and the words in which it is told of jobs. A kind of executor is a
 * folder of its own that implements this, as `core/aws/batch/`; what its service says is translated there, and nothing of
 * it is read here.
 */
import type { Measurements } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import type { Cause } from '../values/causes.ts';
import type { RunId, SubmissionId } from '../values/ids.ts';
import { unknownKind } from '../values/never.ts';
import type { ToldOption } from '../values/options.ts';
import type { ExecutorPlace, JobOptions } from '../values/program.ts';

export interface Executor {
  readonly limits: ExecutorLimits;
  readonly ids: JobIds;
  submit(request: SubmissionRequest): Promise<SubmitOutcome>;
  /** Ids of all submissions that were ever accepted under the name; the newest ones only after `limits.lookupLagMs`. */
  find(name: string, queue: string | undefined): Promise<string[]>;
  /** Reports on submissions and on single jobs of arrays, in no order. What it does not know is left out. */
  look(jobs: readonly ExecutorJob[]): Promise<JobReport[]>;
  /** Ends all jobs of a submission. Harmless where they have ended, and where it knows none. */
  stop(submission: string, reason: StopReason): Promise<void>;
}

/** What the engine has to respect. */
export interface ExecutorLimits {
  /** 1 where it takes no arrays. */
  readonly jobsPerSubmission: number;
  /** Requests a second that one round sends, and how many it sends at once. */
  readonly submissionsPerSecond: number;
  /** After this a request is given up, and its answer is unknown. */
  readonly requestMsMax: number;
  /** Jobs that one request for reports asks about. */
  readonly jobsPerLook: number;
  /** How long after it was sent a submission may not be found yet. */
  readonly lookupLagMs: number;
}

/** A submission by the executor's id of it, or one job of an array. */
export interface ExecutorJob {
  readonly submission: string;
  /** From 0, of a job of an array; absent: the submission itself, whether one job or an array. */
  readonly index?: number;
}

/** Ids that the jobs have at their executor: by these they hold attempts, and people find them. */
export interface JobIds {
  of(job: ExecutorJob): string;
  /** The inverse. */
  parse(id: string): ExecutorJob;
}

/** Resources and settings of one submission, all options resolved. */
export type Resources = Pick<JobOptions, ToldOption> &
  ExecutorPlace & {
    readonly vcpus: number;
    /** GiB. */
    readonly memory: number;
    readonly timeoutSeconds: number;
  };

export interface SubmissionRequest {
  /** A function of stack, run and submission: how it is found again. */
  readonly name: string;
  readonly run: RunId;
  readonly submission: SubmissionId;
  /** Key of the job spec, or of an array's manifest. */
  readonly spec: string;
  /** Number of jobs; above 1 an array. */
  readonly size: number;
  readonly resources: Resources;
}

export type SubmitOutcome =
  | { readonly kind: 'accepted'; readonly id: string }
  /** Definitely not accepted; may be sent again. */
  | { readonly kind: 'throttled' }
  /**
   * Definitely not accepted, and no job's fault: a key that expired, a role that may not, a clock that is wrong. May be sent
   * again when somebody has put that right, or when the executor knows of it everywhere.
   */
  | { readonly kind: 'denied'; readonly reason: string }
  /** Definitely not accepted; will never be. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Perhaps accepted: nobody knows before the look-up by name. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** Why the engine ends jobs: it is what the run is doing. */
export type StopReason = NonNullable<Graph['stopping']>;

export type JobState =
  /** Not begun. `reason`: for people, in the executor's own words. */
  { readonly is: 'waiting'; readonly reason: string } | { readonly is: 'running' } | JobEnd;

/** How a job ended as far as its executor can tell; what the job itself has recorded says more. */
export interface JobEnd {
  readonly is: 'over';
  /** Of a job that recorded no result, why: the executor's adapter decides. */
  readonly ended: 'well' | Cause;
  /** For people, in the executor's own words. */
  readonly said: string;
  readonly exitCode?: number;
}

/** What an executor says of one of its jobs. Of an array itself the end sums its jobs up. */
export interface JobReport {
  readonly job: ExecutorJob;
  /** Of the submission, as it was requested. */
  readonly name: string;
  readonly state: JobState;
  /** Where its log is, as `JobLogs` understands it. */
  readonly log?: string;
  readonly times: Pick<Measurements, 'queuedAt' | 'startedAt' | 'endedAt'>;
}

/** What executors tell by themselves. */
export type ExecutorNews =
  | { readonly kind: 'report'; readonly report: JobReport }
  /** A queue stands still: the submission of this name is at its head, and holds it up. */
  | { readonly kind: 'blocked'; readonly name: string; readonly reason: string };

/** undefined while the job is not over. */
export function endOf({ state }: JobReport): JobEnd | undefined {
  switch (state.is) {
    case 'waiting':
    case 'running':
      return undefined;
    case 'over':
      return state;
    default:
      return unknownKind('state of a job', state);
  }
}
