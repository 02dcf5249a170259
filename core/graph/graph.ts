/**
 * The live graph: the fold of a run's facts.
 *
 * 1. A node is one expression under one parent job; equal expressions there are one node.
 * 2. A node waits for its inputs by position: `settled` inputs have values, and the next one decides.
 * 3. A node's outcome, once there, never changes.
 * 4. A job is the evaluation of a call in a context; the work of running its function is shared by eval hash.
 * 5. What nobody needs is never evaluated: a node without unsettled users is dropped.
 * 6. Orders that show (what is demanded first) follow `ordinal`, never the order of a map.
 * 7. Nothing of it is written but by `Edits`. What a field is to snapshots and retries is said in `core/graph/fields.ts`.
 */

import type { Failures } from '../values/causes.ts';
import type { EvalHash, Hash, JobId, RunId, SubmissionId } from '../values/ids.ts';
import { valueAt } from '../values/present.ts';
import type { JobOptions } from '../values/program.ts';
import type { Index, Table } from '../values/table.ts';
import type { ClaimedJob, StartedFact } from './facts.ts';
import type { Stage } from './stages.ts';

export type NodeId = number;
export type ScopeId = number;

/** An error value and the job it arose in (null: outside any job). */
export interface Failure {
  readonly error: Table;
  readonly origin: JobId | null;
}

/** How evaluation ended: with a value (large ones by reference) or an error. */
export type Settlement = { readonly value: Table } | { readonly failure: Failure };

/** What a node does with its parts: those that are given, and the values of its inputs. */
export type Shape =
  | { readonly kind: 'value' }
  | { readonly kind: 'list'; readonly given: GivenParts }
  | { readonly kind: 'record'; readonly keys: readonly string[]; readonly given: GivenParts }
  /** Any other value around expressions, by its index in the scope's table: rebuilt with its parts in place. */
  | { readonly kind: 'wrap'; readonly index: Index; readonly given: GivenParts }
  | { readonly kind: 'op'; readonly name: string; readonly given: GivenParts }
  /** With options, they are the last part. */
  | { readonly kind: 'call'; readonly task: string; readonly hasOptions: boolean; readonly given: GivenParts }
  /** Its terms, as indexes in the scope's table, become nodes as it needs them. */
  | { readonly kind: 'form'; readonly name: string; readonly terms: readonly Index[] };

/** The parts of a node that are values as they are written, by position; null: the next input. null for all: none is. */
export type GivenParts = readonly (Table | null)[] | null;

export interface GraphNode {
  readonly id: NodeId;
  readonly scope: ScopeId;
  readonly hash: Hash;
  readonly shape: Shape;
  readonly inputs: readonly NodeId[];
  /** How many inputs, from the first, have values. */
  readonly settled: number;
  /** Nodes that take this one as an input. Settled ones are forgotten when met. */
  readonly users: readonly NodeId[];
  /** The job whose returned expression this is. */
  readonly result: JobId | null;
  /** What it waits for beside its inputs. */
  readonly waits: Wait | null;
  /** How far a form got. null: it is none, or one that only a later version knows. */
  readonly stage: Stage | null;
  readonly outcome: Settlement | null;
}

/** What a node waits for: an entry of one of the graph's maps. */
export type Wait =
  /** A call: its job, also once that has its outcome. */
  | { readonly in: 'jobs'; readonly key: JobId }
  /** A call: the versions of files in its arguments. */
  | { readonly in: 'observing'; readonly key: Hash }
  /** An operator, a form or a call: a large value. */
  | { readonly in: 'computing'; readonly key: Hash }
  /** A catch: what the cache says of it. */
  | { readonly in: 'recalls'; readonly key: EvalHash }
  /** A call: the value of a job that left the graph. */
  | { readonly in: 'returning'; readonly key: JobId };

/** What must be loaded before evaluation can go on. */
export type Computation =
  /** The operands of an author's operator: a list. */
  | { readonly of: 'operator'; readonly name: string; readonly operands: Table }
  /** The top level of a large value, with its parts by reference: a form looks into it. */
  | { readonly of: 'top'; readonly value: Table }
  /** The whole of a large value, which the reducer itself must read. */
  | { readonly of: 'whole'; readonly value: Table };

/** A returned expression under evaluation. */
export interface Scope {
  readonly id: ScopeId;
  /** The parent job; null for the run's root. */
  readonly job: JobId | null;
  readonly table: Table;
  /** Nodes by expression hash; a forced quote shares those of the scope that forces it. */
  readonly nodes: ReadonlyMap<Hash, NodeId>;
  /** Scopes of quotes forced in this one; they end with it. */
  readonly forced: readonly ScopeId[];
}

export type JobStatus = 'PENDING' | 'RUNNING' | 'DONE' | 'FAILED' | 'CACHED' | 'CANCELLED';

export interface Job {
  readonly id: JobId;
  readonly ordinal: number;
  readonly task: string;
  readonly evaluation: EvalHash;
  /** The job whose expression called this one first. */
  readonly parent: JobId | null;
  /** The parent's task: the parent may leave the graph first. */
  readonly caller?: string | undefined;
  /** Key into the graph's contexts; null is the run's own. */
  readonly context: Hash | null;
  /** Call nodes that wait for the job. */
  readonly callers: readonly NodeId[];
  readonly scope: ScopeId | null;
  readonly status: JobStatus;
  /** Whether its function's result came from the cache. */
  readonly reused: boolean;
  /** Tasks that its evaluation called, directly or not: bits in hexadecimal, by place among the program's task names. */
  readonly used: string;
  /** Its arguments in a few words, once it failed: they are gone with its work. */
  readonly given?: string;
  readonly outcome: Settlement | null;
}

/**
 * Running one function on one list of arguments.
 * lookup → ready → claimed → over, back to ready for the next attempt.
 */
export interface Work {
  readonly evaluation: EvalHash;
  readonly ordinal: number;
  readonly task: string;
  readonly args: Table;
  readonly options: JobOptions;
  readonly jobs: readonly JobId[];
  readonly state: 'lookup' | 'ready' | 'claimed' | 'over';
  /** Of the newest attempt claimed or run; 0 before the first. */
  readonly attempt: number;
  /** How many attempts ended for each cause. */
  readonly failures: Failures;
  readonly submission: SubmissionId | null;
  /** Locations that the attempt in flight writes. */
  readonly writes: readonly string[];
  /** What the function returned, while jobs are evaluating it. */
  readonly expression: Table | null;
}

/** One request to an executor. */
export interface Submission {
  readonly id: SubmissionId;
  readonly sender: string;
  /** ms since the epoch. */
  readonly deadline: number;
  readonly executor: string;
  readonly spec: Hash;
  readonly jobs: readonly ClaimedJob[];
  /** The executor's ids: none before the acknowledgement, several when the request went out more than once. */
  readonly ids: readonly string[];
  /** Jobs whose attempt is not over. */
  readonly open: number;
}

/** Jobs that have left the live graph with a value. */
export interface DoneSegment {
  /** Of the object that holds their values. */
  readonly name: Hash;
  /** 16 bytes a job, sorted; base64. */
  readonly ids: string;
}

export type Tally = Readonly<Record<JobStatus, number>>;

export interface Graph {
  readonly run: StartedFact | null;
  readonly root: NodeId;
  readonly nextNode: NodeId;
  readonly nextScope: ScopeId;
  readonly nextOrdinal: number;
  readonly nodes: ReadonlyMap<NodeId, GraphNode>;
  readonly scopes: ReadonlyMap<ScopeId, Scope>;
  readonly jobs: ReadonlyMap<JobId, Job>;
  readonly works: ReadonlyMap<EvalHash, Work>;
  readonly submissions: ReadonlyMap<SubmissionId, Submission>;
  readonly contexts: ReadonlyMap<Hash, Table>;
  /** Calls whose arguments hold file literals to be looked at, by call key. */
  readonly observing: ReadonlyMap<Hash, { readonly args: Table; readonly nodes: readonly NodeId[] }>;
  /** What waits for large values, by application. */
  readonly computing: ReadonlyMap<Hash, { readonly computation: Computation; readonly nodes: readonly NodeId[] }>;
  /** Work in state lookup or ready: the frontier of the run. */
  readonly frontier: ReadonlySet<EvalHash>;
  /** Catches to be looked up before they are evaluated, by their key in the cache. */
  readonly recalls: ReadonlyMap<EvalHash, { readonly nodes: readonly NodeId[] }>;
  readonly done: readonly DoneSegment[];
  /** Calls that join a job that is done and gone, by job. */
  readonly returning: ReadonlyMap<JobId, { readonly segment: Hash; readonly nodes: readonly NodeId[] }>;
  /** Places that work in flight writes. */
  readonly writing: ReadonlyMap<string, EvalHash>;
  /** Places that scripts of this run have written, here or, where they are reused, in an earlier run. */
  readonly written: ReadonlyMap<string, EvalHash>;
  /** Newest attempts of work that is gone and may be wanted again: by a retry of the run, or in another context. */
  readonly attempts: ReadonlyMap<EvalHash, number>;
  readonly tally: ReadonlyMap<string, Tally>;
  /** Jobs that failed, in the order their failure was recorded. */
  readonly failed: readonly JobId[];
  /** Set once a failure has no catch on some way to the root, or by a cancel. Nothing new starts from then on. */
  readonly stopping: 'failing' | 'cancelling' | null;
  readonly end: RunEnd | null;
}

/** `at`: ms since the epoch. */
export type RunEnd = { readonly at: number } & (
  | { readonly status: 'DONE'; readonly value: Table }
  | { readonly status: 'FAILED'; readonly failure: Failure }
  | { readonly status: 'CANCELLED' }
);

/** How the run began; throws when it has not. */
export function runOf(graph: Graph): StartedFact {
  if (!graph.run) throw new Error('the run has not started');
  return graph.run;
}

/** The job that a call waits for, or waited for, while it is in the graph. */
export function jobOf(graph: Graph, { waits }: GraphNode): Job | undefined {
  return waits?.in === 'jobs' ? graph.jobs.get(waits.key) : undefined;
}

/** The scope that the node is an expression of: it lives as long as its nodes. */
export function scopeOf(graph: Graph, node: GraphNode): Scope {
  return valueAt(graph.scopes, node.scope);
}

export function runIdOf(graph: Graph): RunId {
  return runOf(graph).run;
}
