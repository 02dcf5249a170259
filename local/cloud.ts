/**
 * The embedded cloud: a DynamoDB, a Batch, an event bus and its queue, in one process, with all state in one folder.
 *
 * 1. One process at a time owns a folder; whoever finds it owned attaches to the owner.
 * 2. The owner may die at any moment: what was acknowledged is on disk, and its jobs end with it.
 * 3. Ending is no special case: jobs that are stopped by it look to the next start as if the process had died.
 * 4. A run that is held stands still, whoever opens the cloud, until it is released.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { awsClients } from '../core/aws/clients.ts';
import { ensureTables } from '../core/aws/tables.ts';
import { folderHeldRuns, type HeldRunsOnDisk } from '../core/disk/held.ts';
import { parseJobName } from '../core/engine/spec.ts';
import { SWEEP_PERIOD_MS } from '../core/engine/sweep.ts';
import type { RunId } from '../core/values/ids.ts';
import { batchApi } from './batch/api.ts';
import { openBatch } from './batch/batch.ts';
import { type Capacity, machineCapacity } from './batch/capacity.ts';
import { type StartExecution, startExecution } from './batch/execution.ts';
import type { Job } from './batch/jobs.ts';
import { openMachine } from './batch/running.ts';
import { type BatchStore, openBatchStore } from './batch/store.ts';
import { openBus, type RunEndedListener } from './bus.ts';
import { type Chaos, noChaos } from './chaos.ts';
import { openDynamoDb } from './dynamodb.ts';
import { type FunctionName, type Functions, functionCaller, INVOCATION_MS_MAX } from './functions.ts';
import { takeLock } from './lock.ts';
import { openQueue } from './queue.ts';
import { cloudRoutes } from './routes.ts';
import { openSchedule } from './schedule.ts';
import { openServer } from './server.ts';
import {
  apiUrlOf,
  cloudVariables,
  deadLettersOf,
  type Endpoint,
  inheritedVariables,
  jobLogsOf,
  jobVariables,
  logOf,
  type Places,
  STACK,
  TABLES,
  type Variables,
} from './settings.ts';

export interface CloudOptions {
  /** Where all state is, `.redex` in most cases. */
  readonly folder: string;
  /** What relative file locations are relative to. */
  readonly root: string;
  /** The words that start the runner. */
  readonly runner: readonly string[];
  /** Loads the handlers, once the environment is set. */
  readonly functions: () => Promise<Functions>;
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
  /** Endpoints and settings, for SDK clients and core/environment.ts. The owner's process has them set. */
  readonly environment: Variables;
  /** Of the HTTP API, with the secret that lets nobody in who does not know it. */
  readonly apiUrl: string;
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

/** A log that is larger when the cloud is opened is begun anew. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;

const IDLE_POLL_MS = 20;
const DEFAULTS = {
  wakeUpDelayMs: 1000,
  sweepPeriodMs: SWEEP_PERIOD_MS,
  invocationMs: INVOCATION_MS_MAX,
  killGraceMs: 30_000,
  closeGraceMs: 2000,
  timeoutSecondsMin: 60,
  chaos: noChaos,
  startJob: startExecution,
  warn: () => undefined,
};
type Settings = Required<Omit<CloudOptions, 'umask'>> & Pick<CloudOptions, 'umask'> & { readonly capacity: Capacity };

/** What is to be undone when the cloud ends, last first. */
type Endings = (() => unknown)[];

/** Opens the folder's cloud in this process; undefined when another one has it. */
export async function openCloud(options: CloudOptions): Promise<Cloud | undefined> {
  mkdirSync(options.folder, { recursive: true });
  // The journal, the store and the logs hold what users compute with: nobody else on the machine reads them.
  chmodSync(options.folder, 0o700);
  const folder = realpathSync(options.folder);
  const capacity = { ...machineCapacity(), ...options.capacity };
  const settings = { ...DEFAULTS, ...options, folder, root: resolve(options.root), capacity };
  const lock = await takeLock(join(folder, 'owner'));
  if (!lock) return undefined;
  const endings: Endings = [lock.release];
  try {
    return await openOwned(settings, endings);
  } catch (error) {
    await undo(endings);
    throw error;
  }
}

async function undo(endings: Endings): Promise<void> {
  const errors: unknown[] = [];
  for (const end of endings.splice(0).reverse()) {
    try {
      await end();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'the local cloud did not end well');
}

async function openOwned(settings: Settings, endings: Endings): Promise<Cloud> {
  const { folder, root, sweepPeriodMs, umask } = settings;
  const batchStore = openBatchStore(join(folder, 'batch'), Date.now());
  endings.push(batchStore.close);
  const secret = randomBytes(16).toString('hex');
  const dynamoDb = await openDynamoDb(join(folder, 'db'), secret);
  endings.push(dynamoDb.close);
  const server = await openServer(secret);
  endings.push(server.close);
  const store = join(folder, 'store');
  mkdirSync(store, { recursive: true });
  const sender = `local-${randomUUID()}`;
  const log = logOf(folder);
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) rmSync(log);
  const places = {
    dynamoDbUrl: dynamoDb.url,
    serverUrl: server.url,
    store,
    jobLogs: jobLogsOf(folder),
    log,
    root,
    sender,
    sweepPeriodMs,
    umask,
  };
  const inherited = inheritedVariables(process.env);
  const environment = cloudVariables(places);
  endings.push(setVariables(process.env, environment));
  await makeTables();

  const functions = functionCaller(settings.functions, settings.invocationMs);
  endings.push(functions.settled);
  const held = folderHeldRuns(store);
  const trouble = teller(settings.warn, log);
  const services = { store: batchStore, places, inherited, held, trouble, invoke: functions.invoke };
  const { batch, bus, queue } = await openServices(settings, services);
  // The queue's last invocation may still submit jobs, which then wait for the next start.
  endings.push(() => Promise.all([queue.stop(), batch.stop(settings.closeGraceMs)]));

  const isIdle = (): boolean => batch.idle() && queue.idle() && functions.idle();
  const { closed, close } = closing(endings);
  const cloud = {
    owner: true,
    pid: process.pid,
    environment,
    apiUrl: apiUrlOf(server),
    invoke: functions.invoke,
    onRunEnded: bus.onRunEnded,
    hold: held.add,
    isHeld: held.has,
    release: (run: RunId) => {
      if (held.delete(run)) {
        batch.carryOn((job) => runOf(job) === run);
        bus.carryOn(run);
      }
      bus.wake(run);
      return Promise.resolve();
    },
    idle: async () => {
      while (!isIdle()) {
        if (endings.length === 0) throw new Error('the local cloud has been closed');
        await sleep(IDLE_POLL_MS);
      }
    },
    close,
    stop: close,
    closed,
  };
  const api = batchApi(batch, { timeoutSecondsMin: settings.timeoutSecondsMin });
  server.serve(cloudRoutes(api, bus, { ...cloud, isIdle }));
  endings.push(publish(join(folder, 'endpoint.json'), { url: server.url, pid: process.pid, environment }));
  endings.push(openSchedule({ invoke: functions.invoke, periodMs: sweepPeriodMs, trouble }));
  return cloud;
}

/** Closing happens once, whoever asks for it and however often. */
function closing(endings: Endings): Pick<Cloud, 'close' | 'closed'> {
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  let undoing: Promise<void> | undefined;
  return {
    closed,
    close: () => {
      undoing ??= undo(endings).finally(setClosed);
      return undoing;
    },
  };
}

/** Tells of what failed and is tried again: in a sentence, and once however often it fails. */
function teller(warn: (message: string) => void, log: string): (reason: string) => void {
  const told = new Set<string>();
  return (reason) => {
    const [line = ''] = reason.split('\n');
    if (told.has(line)) return;
    told.add(line);
    warn(`a step of a run failed, and is tried again: ${line}; the whole story is in ${log}`);
  };
}

/** What the services of a cloud stand on. */
interface Foundations extends Pick<Cloud, 'invoke'> {
  readonly store: BatchStore;
  readonly places: Places;
  readonly inherited: NodeJS.ProcessEnv;
  readonly held: HeldRunsOnDisk;
  readonly trouble: (reason: string) => void;
}

function runOf({ submission }: Job): RunId | undefined {
  return parseJobName(STACK, submission.name)?.run;
}

async function openServices(
  { folder, runner, startJob, capacity, killGraceMs, wakeUpDelayMs, chaos, warn }: Settings,
  { store, places, inherited, held, trouble, invoke }: Foundations,
) {
  const queue = openQueue({
    handler: async (batch) => failedMessages(await invoke('advance', batch)),
    trouble,
    deadLetters: deadLettersOf(folder),
    warn,
  });
  const bus = openBus({ store, queue, chaos, isHeld: held.has, wakeUpDelayMs });
  const workFolder = join(folder, 'work');
  const machine = await openMachine({
    logFolder: places.jobLogs,
    workFolder,
    runner,
    inherited,
    variables: jobVariables(places),
    root: places.root,
    folders: [places.root, places.store, workFolder],
    killGraceMs,
    chaos,
    startJob,
  });
  const isHeld = (job: Job): boolean => {
    const run = runOf(job);
    return run !== undefined && held.has(run);
  };
  const batch = await openBatch({ store, machine, capacity, isHeld, deliver: bus.deliver, warn });
  return { batch, queue, bus };
}

interface AdvanceAnswer {
  readonly batchItemFailures?: readonly { readonly itemIdentifier: string }[];
  readonly reasons?: Readonly<Record<string, string>>;
}

/** Messages that came back, each with its reason. */
function failedMessages(answer: unknown): Map<string, string> {
  const { batchItemFailures = [], reasons = {} } = (answer ?? {}) as AdvanceAnswer;
  return new Map(batchItemFailures.map(({ itemIdentifier: id }) => [id, reasons[id] ?? 'the handler gave it back']));
}

async function makeTables(): Promise<void> {
  const { dynamo } = awsClients({ local: true });
  try {
    await ensureTables(dynamo, TABLES);
  } finally {
    dynamo.destroy();
  }
}

/** Sets the variables; gives the function that sets back what was there. */
function setVariables(present: NodeJS.ProcessEnv, variables: Variables): () => void {
  const before = Object.keys(variables).map((name) => [name, present[name]] as const);
  Object.assign(present, variables);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete present[name];
      else present[name] = value;
    }
  };
}

/** Whole or not at all, and for this user only. Gives the function that takes it back. */
function publish(path: string, endpoint: Endpoint): () => void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, JSON.stringify(endpoint), { mode: 0o600 });
  renameSync(draft, path);
  return () => rmSync(path, { force: true });
}
