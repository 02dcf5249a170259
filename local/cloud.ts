/**
 * The embedded cloud: a DynamoDB, a Batch, an event bus and its queue, in one process, with all state in one folder.
 *
 * 1. One process at a time owns a folder; whoever finds it owned attaches to the owner.
 * 2. The owner may die at any moment: what was acknowledged is on disk, and its jobs end with it.
 * 3. Ending is no special case: jobs that are stopped by it look to the next start as if the process had died.
 * 4. A run that is held stands still, whoever opens the cloud, until it is released.
 */
import type { Evaluation } from '../core/engine/ports.ts';
import type { Variables } from '../core/environment.ts';
import type { EvalHash, RunId } from '../core/values/ids.ts';
import type { Capacity } from './batch/capacity.ts';
import type { StartExecution } from './batch/execution.ts';
import type { RunEndedListener } from './bus.ts';
import type { Chaos } from './chaos.ts';
import type { FunctionName, Functions } from './functions.ts';

export interface CloudOptions {
  /** Where all state is, `.redex` in most cases. */
  readonly folder: string;
  /** What relative file locations are relative to. */
  readonly root: string;
  /** The words that start the runner. */
  readonly runner: readonly string[];
  /** Whether the runner takes one job after another when it is told to (`docker/runner/serve.ts`); default: it has one. */
  readonly servingRunner?: boolean;
  /** Of the user: its handlers read it, and its jobs inherit it. */
  readonly environment: Variables;
  /** Loads the handlers, which are set up by the environment that is given. */
  readonly functions: (environment: Variables) => Promise<Functions>;
  /** How a job is started; by default as a process of its own. */
  readonly startJob?: StartExecution;
  /** What jobs may use together; by default the whole machine. */
  readonly capacity?: Partial<Capacity>;
  /** Default 1000. */
  readonly wakeUpDelayMs?: number;
  /** Between two sweeps; default 5 minutes, as in the cloud. */
  readonly sweepPeriodMs?: number;
  /** How much time the functions are told they have; default 15 minutes, as in Lambda. */
  readonly invocationMs?: number;
  /** Between SIGTERM and SIGKILL of a job; default 30,000. */
  readonly killGraceMs?: number;
  /** The same when the cloud is closed; default 2000. */
  readonly closeGraceMs?: number;
  /** Shortest time-out of a job; default 60, as in AWS. */
  readonly timeoutSecondsMin?: number;
  /** The user's, for scripts and results, where this process has another; default: this process's. */
  readonly umask?: number;
  readonly chaos?: Chaos;
  readonly warn?: (message: string) => void;
}

export interface Cloud {
  /** Whether this process owns the folder, or is attached to the one that does. */
  readonly owner: boolean;
  /** The owner's. */
  readonly pid: number;
  /** Of the handlers, beside what their user has set: where the services are, and the settings of core/environment.ts. */
  readonly environment: Variables;
  /** Of the HTTP API, with the secret that lets nobody in who does not know it. */
  readonly apiUrl: string;
  /** What is in the cache: it is in the owner's process alone. */
  cached(evals: readonly EvalHash[]): Promise<ReadonlyMap<EvalHash, Evaluation>>;
  /** Calls a function as Lambda would; throws what it throws. */
  invoke(name: FunctionName, payload: unknown): Promise<unknown>;
  /** Hears of every run that ends; gives the function that ends the listening. */
  onRunEnded(listener: RunEndedListener): () => void;
  /**
   * Marks a run that its user stops, for an owner that is about to close: when this returns, no later owner goes on with
   * it. A run of an attached process goes on in the owner, and is not held.
   */
  hold(run: RunId): void;
  /** Whether its user has stopped the run. */
  isHeld(run: RunId): boolean;
  /** Takes a run up again, whether it was held or waits for what will not come. */
  release(run: RunId): Promise<void>;
  /** Resolves when no job, event or invocation is left, wake-ups included. Throws when the cloud has ended first. */
  idle(): Promise<void>;
  /** The owner ends the cloud: jobs are stopped and will count as interrupted. An attached process only leaves. */
  close(): Promise<void>;
  /** Ends the cloud, whoever owns it. */
  stop(): Promise<void>;
  /** Resolves when the cloud has ended. */
  readonly closed: Promise<void>;
}
