/**
 * Facts: what happened in a run and must never be computed again. The run is the fold of its facts.
 *
 * 1. A fact's meaning never changes; a new meaning is a new type.
 * 2. Facts name jobs, evaluations and submissions, never places in memory.
 * 3. A fact that no longer applies (its job is over, its attempt is past) changes nothing.
 */

import type { Cause } from '../values/causes.ts';
import type { EvalHash, Hash, JobId, RunId, SubmissionId } from '../values/ids.ts';
import type { Program } from '../values/program.ts';
import type { Table } from '../values/table.ts';

export type FailurePolicy = 'drain' | 'cancel';

/** What a job's work measured. Times are ms since the epoch, sizes bytes. */
export interface Measurements {
  readonly queuedAt?: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly cpuSeconds?: number;
  readonly memoryPeakBytes?: number;
  readonly stagedInBytes?: number;
  readonly stagedOutBytes?: number;
  readonly exitCode?: number;
  readonly host?: string;
  /** Where the log is: a local path or a log stream. */
  readonly log?: string;
}

export interface StartedFact {
  readonly type: 'started';
  readonly run: RunId;
  /** Full name of the task that was asked for, and its arguments as they were given (JSON). */
  readonly workflow: string;
  readonly args: unknown;
  /** The call of that task, encoded. */
  readonly root: Table;
  readonly program: Program;
  /** ms since the epoch. */
  readonly at: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly failure: FailurePolicy;
  /** false: nothing is read from other runs. */
  readonly cache: boolean;
  /** Of the request: a start under the same run id must ask for the same. Runs of before this was kept have none. */
  readonly asked?: Hash;
}

export interface ClaimedJob {
  readonly eval: EvalHash;
  readonly attempt: number;
  /** Places the job writes; left out when there are none. */
  readonly writes?: readonly string[];
}

export type Fact =
  | StartedFact
  /** File literals in the arguments of a call, looked at when it became ready: `[location, version]`. */
  | {
      readonly type: 'observed';
      readonly call: Hash;
      readonly args: Table;
    }
  /** A file in the arguments of a call could not be looked at, tried as often as makes sense: the call fails with it. */
  | { readonly type: 'unseen'; readonly call: Hash; readonly error: Table }
  /** The value of an operator whose operands had to be loaded, or its error. */
  | { readonly type: 'computed'; readonly application: Hash; readonly ok: boolean; readonly value: Table }
  /** Not in the cache, or not valid there. */
  | { readonly type: 'missed'; readonly evals: readonly EvalHash[] }
  /** What the cache, or this run's own recorded result, holds for an evaluation. */
  /** `writes`: places where a script has put what is reused; left out when there are none. */
  | {
      readonly type: 'reused';
      readonly eval: EvalHash;
      readonly expression: Table;
      readonly writes?: readonly string[];
    }
  /** What the function returned: a value or an expression. */
  | {
      readonly type: 'returned';
      readonly eval: EvalHash;
      readonly attempt: number;
      readonly expression: Table;
      readonly measured: Measurements;
    }
  /** The function, or the script, failed: an error value. */
  | {
      readonly type: 'failed';
      readonly eval: EvalHash;
      readonly attempt: number;
      readonly cause: Cause;
      readonly error: Table;
      readonly measured: Measurements;
    }
  /** These jobs are about to be submitted as one request. Again for the same submission: another sender took over. */
  | {
      readonly type: 'claimed';
      readonly submission: SubmissionId;
      readonly sender: string;
      /** ms since the epoch; nobody else sends before this and the look-up lag. */
      readonly deadline: number;
      readonly executor: string;
      /** The spec (one job) or the manifest (an array) in the object store. */
      readonly spec: Hash;
      readonly jobs: readonly ClaimedJob[];
    }
  | { readonly type: 'acknowledged'; readonly submission: SubmissionId; readonly ids: readonly string[] }
  /** Definitely not accepted now; the jobs are ready again. */
  | { readonly type: 'withdrawn'; readonly submission: SubmissionId }
  /** Definitely never accepted: the jobs fail with the reason. */
  | { readonly type: 'refused'; readonly submission: SubmissionId; readonly reason: string }
  | { readonly type: 'cancelled'; readonly at: number; readonly reason: string }
  /** Finished jobs that nothing refers to any more left the live graph; their values lie in the segment's object. */
  | { readonly type: 'left'; readonly segment: Hash }
  /** The value of a job that had left, for calls that join it. */
  | { readonly type: 'joined'; readonly job: JobId; readonly value: Table }
  /** The value of such a job is lost: the calls that would join it fail. */
  | { readonly type: 'gone'; readonly job: JobId; readonly error: Table }
  /** A run that failed or was cancelled is taken up again: what has a value keeps it. */
  | { readonly type: 'retried'; readonly at: number }
  /** The outcome is known and nothing the run started is in flight. */
  | { readonly type: 'ended'; readonly at: number };

export type FactType = Fact['type'];

interface FactTraits {
  /** When it can be: begins the run, while it goes on, or takes it up again after its end. */
  readonly when: 'at first' | 'under way' | 'after the end';
  /**
   * What becomes of it when another round appended first. Claims are made anew on the graph as the others left it; a
   * submission is closed only while nobody else has taken it over or heard of it.
   */
  readonly afterLostRace: 'kept' | 'dropped' | 'kept if untouched';
  /** What it says of the run's course to those who do not fold it. */
  readonly course: 'the same' | 'cancelled' | 'over' | 'going on';
}

const LEARNED: FactTraits = { when: 'under way', afterLostRace: 'kept', course: 'the same' };
const CLOSING: FactTraits = { ...LEARNED, afterLostRace: 'kept if untouched' };

const FACTS: Readonly<Record<FactType, FactTraits>> = {
  started: { ...LEARNED, when: 'at first' },
  observed: LEARNED,
  unseen: LEARNED,
  computed: LEARNED,
  missed: LEARNED,
  reused: LEARNED,
  returned: LEARNED,
  failed: LEARNED,
  claimed: { ...LEARNED, afterLostRace: 'dropped' },
  acknowledged: LEARNED,
  withdrawn: CLOSING,
  refused: CLOSING,
  cancelled: { ...LEARNED, course: 'cancelled' },
  left: LEARNED,
  joined: LEARNED,
  gone: LEARNED,
  // An ended run has no entries but those of a retry: that one was first.
  retried: { when: 'after the end', afterLostRace: 'dropped', course: 'going on' },
  ended: { ...LEARNED, course: 'over' },
};

/** Undefined for a fact that only a later version knows. */
export function traitsOf({ type }: Pick<Fact, 'type'>): FactTraits | undefined {
  return FACTS[type];
}

/** Of the work that the fact tells of, which is in the graph until then. */
export function evalsOf(fact: Fact): readonly EvalHash[] {
  switch (fact.type) {
    case 'claimed':
      return fact.jobs.map((job) => job.eval);
    case 'reused':
    case 'returned':
    case 'failed':
      return [fact.eval];
    case 'started':
    case 'observed':
    case 'unseen':
    case 'computed':
    case 'missed':
    case 'acknowledged':
    case 'withdrawn':
    case 'refused':
    case 'cancelled':
    case 'left':
    case 'joined':
    case 'gone':
    case 'retried':
    case 'ended':
      return [];
  }
}
