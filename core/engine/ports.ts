/**
 * What the engine needs from the world. Each port is as small as its user needs; adapters translate their service's
 * exceptions once, here nothing throws but bugs and broken networks.
 */

import type { Fact, FailurePolicy, Measurements } from '../graph/facts.ts';
import type { JobStatus } from '../graph/graph.ts';
import type { EvalHash, Hash, RunId } from '../values/ids.ts';
import type { Program, WebSettings } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import type { Executors } from './executors.ts';
import type { WarmGraphs } from './warm.ts';

/** One round's facts. The sequence starts at 1 and has no holes. */
export interface Entry {
  readonly run: RunId;
  readonly sequence: number;
  /** Random per append: how a writer knows its own entry again when an answer was lost. */
  readonly nonce: string;
  /** ms since the epoch, by the writer's clock. */
  readonly at: number;
  readonly facts: readonly Fact[];
}

export interface Journal {
  /** Writes the entry on condition that its sequence is free. */
  append(entry: Entry): Promise<'appended' | 'taken'>;
  /** Entries after `sequence`, in order; strongly consistent. Throws JournalDamaged when one cannot be read any more. */
  readAfter(run: RunId, sequence: number): Promise<Entry[]>;
}

export type RunStatus = 'RUNNING' | 'CANCELLING' | 'DONE' | 'FAILED' | 'CANCELLED';

/** Jobs of a task by status. */
export type TaskTally = { readonly [S in Lowercase<JobStatus>]: number };

export interface OpenWork {
  /** Something is ready that no event will bring forward. */
  readonly ready: boolean;
  /** Deadline of the first claim nobody acknowledged, ms since the epoch. */
  readonly claimDeadline?: number;
  /** Deadline of the oldest claim in flight: about when it was sent. */
  readonly oldestDeadline?: number;
}

export interface RunSummary {
  readonly run: RunId;
  readonly workflow: string;
  readonly args: unknown;
  readonly bundle: Hash;
  readonly status: RunStatus;
  /** Of the last entry it covers; 0 before the first. */
  readonly sequence: number;
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly endedAt?: number;
  readonly tally: Readonly<Record<string, TaskTally>>;
  /** The final value or error, once ended. */
  readonly result?: Table;
  /** Rendered task-level traceback of a failed run. */
  readonly traceback?: string;
  readonly otherErrors?: readonly string[];
  /** Of the graph a handler would have to load. */
  readonly liveNodes?: number;
  /** What a sweep must know without loading the run. */
  readonly open?: OpenWork;
  /**
   * What the executor says of a queue that stands still, since the run's last step; or why it takes no job of ours. `at`: ms
   * since the epoch.
   */
  readonly blocked?: { readonly reason: string; readonly at: number };
  /** Sequence of the newest snapshot. */
  readonly snapshot?: number;
  readonly tags: Readonly<Record<string, string>>;
  /** Hash of the request that the run began with. */
  readonly asked?: Hash;
  /** Its user wants it taken up again after its end, the last entry that this covers: the next round records that. */
  readonly retry?: true;
  /** Of a run without an entry: what it is to begin with, beside what is said above. */
  readonly beginning?: {
    readonly failure: FailurePolicy;
    readonly cache: boolean;
    readonly context: Readonly<Record<string, unknown>>;
  };
}

export interface Summaries {
  /** Ignored when the stored one covers a higher sequence. */
  put(summary: RunSummary): Promise<void>;
  get(run: RunId): Promise<RunSummary | undefined>;
  /** Newest first; all of them without a limit. */
  list(query: {
    readonly status?: RunStatus;
    readonly limit?: number;
    /** ms since the epoch: none that started later. */
    readonly until?: number;
  }): Promise<RunSummary[]>;
}

export interface Evaluation {
  readonly hash: EvalHash;
  readonly task: string;
  /** What the function returned, reduced no further. */
  readonly expression: Table;
  /** Task hashes that the entry rests on beside its own: a recovered catch rests on the evaluation that failed. */
  readonly requires?: Readonly<Record<string, Hash>>;
  readonly run: RunId;
  readonly at: number;
}

export interface Cache {
  read(evals: readonly EvalHash[]): Promise<Map<EvalHash, Evaluation>>;
  /** Last write wins. `until`, ms since the epoch: a service that is too busy is asked again at least so long. */
  write(evaluations: readonly Evaluation[], until?: number): Promise<void>;
}

/** What a job's work came to. */
export type Outcome =
  | { readonly ok: true; readonly expression: Table; readonly measured: Measurements }
  | { readonly ok: false; readonly error: Table; readonly measured: Measurements };

export interface AttemptRecord {
  readonly attempt: number;
  /** The executor's job id of whoever does the work. */
  readonly holder: string;
  readonly outcome?: Outcome;
}

/** Claims to work, and results: the fencing token of every job. */
export interface Attempts {
  /** Takes (run, evaluation) when nobody has it or only a lower attempt does, and the run is not cancelled. */
  claim(run: RunId, evaluation: EvalHash, attempt: number, holder: string): Promise<'claimed' | 'refused'>;
  /** Whether the record is still this attempt's and this holder's, and the run is not cancelled. */
  holds(run: RunId, evaluation: EvalHash, attempt: number, holder: string): Promise<boolean>;
  /** Records the outcome on condition that the record is still the writer's and has none. */
  finish(
    run: RunId,
    evaluation: EvalHash,
    attempt: number,
    holder: string,
    outcome: Outcome,
  ): Promise<'recorded' | 'refused'>;
  read(run: RunId, evaluations: readonly EvalHash[]): Promise<Map<EvalHash, AttemptRecord>>;
  /** From now on every claim of the run is refused. */
  cancel(run: RunId): Promise<void>;
  /** Takes the mark of a cancel away: the run is taken up again. */
  reopen(run: RunId): Promise<void>;
}

/** Bytes by key. Keys are `folder/name` of letters, digits, `.`, `-`, `_`, with as many folders as needed. */
export interface Objects {
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** The whole object, or the bytes from `start` up to and without `end`, as far as there are any. */
  get(key: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array | undefined>;
}

/** What jobs write while they run, kept for as long as whoever keeps it says. */
export interface JobLogs {
  /** A part of the job's log; undefined where it has none. `from`: the `next` of the part before, the beginning without. */
  read(job: LoggedJob, from: string | undefined): Promise<LogPart | undefined>;
}

export interface LoggedJob {
  /** As the executor named the log, once it has. */
  readonly log: string | undefined;
  readonly executorId: string | undefined;
}

export interface LogPart {
  /** Of whole lines, as far as there are any; bytes that are no UTF-8 are U+FFFD. */
  readonly text: string;
  /** Where the next part begins, what is not written yet included. */
  readonly next: string;
  /** Whether this was all that there is now. */
  readonly isEnd: boolean;
}

export type TaskResult = { readonly ok: true; readonly table: Table } | { readonly ok: false; readonly error: Table };

/** Runs an author's functions, in a process of its own: V8 lets a thread that runs out of memory end its whole process. */
export interface Host {
  program(bundle: Hash): Promise<Program>;
  /** The call of `workflow` with JSON arguments, checked against its schema; defaults filled in. */
  root(bundle: Hash, workflow: string, args: unknown): Promise<TaskResult>;
  /** One task function; `args` is a list without references. The result is complete, nothing spilled. */
  run(bundle: Hash, task: string, args: Table): Promise<TaskResult>;
}

/** Why a file could not be looked at, tried as often as makes sense: an error value that names it. */
export interface Unseen {
  readonly unseen: Table;
}

/** A version; ABSENT where there is nothing. */
export type Seen = string | Unseen;

/** Files and directories as they are now, each for itself and in bounded time: one that cannot be seen stops no other. */
export interface Files {
  observe(
    leaves: readonly { readonly kind: 'file' | 'dir'; readonly location: string }[],
    web?: WebSettings,
  ): Promise<Seen[]>;
  /**
   * One text for all locations of a place, as far as can be told: of links and, where their file system has none, of case;
   * without a slash at the end.
   */
  places(locations: readonly string[]): Promise<string[]>;
}

export interface Bus {
  /** Asks for another round of the run: `soon` is a few seconds from now, when a round that is under way is over. */
  wake(run: RunId, when: 'soon' | 'now'): Promise<void>;
  /** Told at least once, before the run's first entry. */
  started(summary: RunSummary): Promise<void>;
  ended(summary: RunSummary): Promise<void>;
}

/** Runs that their user stopped: nobody takes them further before the user asks for that. */
export interface HeldRuns {
  has(run: RunId): boolean;
}

export interface Clock {
  /** ms since the epoch. */
  now(): number;
  /** 16 random hex digits. */
  nonce(): string;
  /** Resolves after so many ms. */
  sleep(ms: number): Promise<void>;
}

export interface Sender {
  readonly id: string;
  /** Whether nobody else can be sending: then every claim of another sender is overdue at once. */
  readonly exclusive: boolean;
}

export interface World {
  /** Names the deployment in job names. Letters and digits. */
  readonly stack: string;
  readonly journal: Journal;
  readonly summaries: Summaries;
  readonly cache: Cache;
  readonly attempts: Attempts;
  readonly objects: Objects;
  /** The objects below an executor's `scratch`; absent: it has none of its own. */
  readonly scratch?: (location: string) => Objects;
  /** By kind. */
  readonly executors: Executors;
  readonly host: Host;
  readonly files: Files;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly sender: Sender;
  /** Graphs kept between the rounds of one process. */
  readonly warm: WarmGraphs;
  /** Where runs can be stopped and left so: on a laptop. */
  readonly held?: HeldRuns;
  /** A run with a larger live graph is not loaded; absent: any size is. */
  readonly liveNodesMax?: number;
}
