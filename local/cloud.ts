/**
 * The embedded cloud: a DynamoDB, a Batch, an event bus and its queue, in one process, with all state in one folder.
 *
 * 1. One process at a time owns a folder; whoever finds it owned attaches to the owner.
 * 2. The owner may die at any moment: what was acknowledged is on disk, and its jobs end with it.
 * 3. Ending is no special case: jobs that are stopped by it look to the next start as if the process had died.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ensureTables } from '../core/aws/tables.ts';
import { batchApi } from './batch/api.ts';
import { type Batch, openBatch } from './batch/batch.ts';
import type { Capacity } from './batch/capacity.ts';
import { openBatchStore } from './batch/store.ts';
import { openBus, type RunEndedListener } from './bus.ts';
import { type Chaos, noChaos } from './chaos.ts';
import { openDynamoDb } from './dynamodb.ts';
import { type FunctionName, type Functions, invokeFunction, isFunctionName } from './functions.ts';
import { takeLock } from './lock.ts';
import { openQueue, type Queue } from './queue.ts';
import { type Answer, openServer, type Routes } from './server.ts';
import { cloudVariables, type Endpoint, inheritedVariables, jobVariables, TABLES, type Variables } from './settings.ts';

export interface CloudOptions {
  /** Where all state is, `.redex` in most cases. */
  readonly folder: string;
  /** What relative file locations are relative to. */
  readonly root: string;
  /** The words that start the runner. */
  readonly runner: readonly string[];
  /** Loads the handlers, once the environment is set. */
  readonly functions: () => Promise<Functions>;
  /** What jobs may use together; by default the whole machine. */
  readonly capacity?: Partial<Capacity>;
  /** Default 1000. */
  readonly wakeUpDelayMs?: number;
  /** Between SIGTERM and SIGKILL of a job; default 30,000. */
  readonly killGraceMs?: number;
  /** The same when the cloud is closed; default 2000. */
  readonly closeGraceMs?: number;
  /** Shortest time-out of a job; default 60, as in AWS. */
  readonly timeoutSecondsMin?: number;
  readonly chaos?: Chaos;
  readonly warn?: (message: string) => void;
}

export interface Cloud {
  /** Whether this process owns the folder, or is attached to the one that does. */
  readonly owner: boolean;
  /** The owner's. */
  readonly pid: number;
  /** Endpoints, credentials and settings, for SDK clients and core/environment.ts. The owner's process has them set. */
  readonly environment: Variables;
  /** Calls a function as Lambda would; throws what it throws. */
  invoke(name: FunctionName, payload: unknown): Promise<unknown>;
  /** Hears of every run that ends; gives the function that ends the listening. */
  onRunEnded(listener: RunEndedListener): () => void;
  /** Resolves when no job, event or invocation is left, wake-ups included. */
  idle(): Promise<void>;
  /** The owner ends the cloud: jobs are stopped and will count as interrupted. An attached process only leaves. */
  close(): Promise<void>;
  /** Ends the cloud, whoever owns it. */
  stop(): Promise<void>;
  /** Resolves when the cloud has ended. */
  readonly closed: Promise<void>;
}

const MIB = 1024 * 1024;
const IDLE_POLL_MS = 20;
const DEFAULTS = { wakeUpDelayMs: 1000, killGraceMs: 30_000, closeGraceMs: 2000, timeoutSecondsMin: 60 };

/** Opens the folder's cloud in this process; undefined when another one has it. */
export async function openCloud(options: CloudOptions): Promise<Cloud | undefined> {
  mkdirSync(options.folder, { recursive: true });
  const folder = realpathSync(options.folder);
  const lock = await takeLock(join(folder, 'owner'));
  if (!lock) return undefined;
  try {
    return await openOwned({ ...options, folder }, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openOwned(options: CloudOptions, lock: { release(): Promise<void> }): Promise<Cloud> {
  const { folder, closeGraceMs = DEFAULTS.closeGraceMs } = options;
  const root = resolve(options.root);
  const secret = randomBytes(16).toString('hex');
  const dynamoDb = await openDynamoDb(join(folder, 'db'), secret);
  const server = await openServer(secret);
  const store = join(folder, 'store');
  mkdirSync(store, { recursive: true });
  // biome-ignore lint/style/noProcessEnv: the settings of the handlers that run in this process are made here
  const present = process.env;
  const places = { dynamoDbUrl: dynamoDb.url, serverUrl: server.url, store, root, sender: `local-${randomUUID()}` };
  const environment = cloudVariables(places, present);
  const inherited = inheritedVariables(present);
  const restore = setVariables(present, environment);
  await makeTables();

  const functions = once(options.functions);
  const running = new Set<Promise<unknown>>();
  const invoke = (name: FunctionName, payload: unknown): Promise<unknown> => {
    const invocation = functions().then((loaded) => invokeFunction(loaded, name, payload, randomUUID()));
    running.add(invocation);
    const forget = () => running.delete(invocation);
    invocation.then(forget, forget);
    return invocation;
  };

  const services = await openServices(options, {
    inherited,
    variables: jobVariables(places, join(folder, 'work')),
    folders: [root, store],
    advance: (event) => invoke('advance', event),
  });
  const { batch, queue, bus } = services;
  const idle = async (): Promise<void> => {
    while (!batch.idle() || !queue.idle() || running.size > 0) await sleep(IDLE_POLL_MS);
  };
  const endpointFile = join(folder, 'endpoint.json');
  let closing: Promise<void> | undefined;
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  const close = (): Promise<void> => {
    closing ??= (async () => {
      rmSync(endpointFile, { force: true });
      // The queue's last invocation may still submit jobs, which then wait for the next start.
      await Promise.all([queue.stop(), batch.stopJobs(closeGraceMs)]);
      await Promise.allSettled(running);
      await server.close();
      batch.store.close();
      await dynamoDb.close();
      restore();
      await lock.release();
      setClosed();
    })();
    return closing;
  };

  server.serve(
    routesOf(
      services,
      { timeoutSecondsMin: options.timeoutSecondsMin ?? DEFAULTS.timeoutSecondsMin },
      { invoke, idle, close },
    ),
  );
  publish(endpointFile, { url: server.url, pid: process.pid, environment });
  return {
    owner: true,
    pid: process.pid,
    environment,
    invoke,
    onRunEnded: bus.onRunEnded,
    idle,
    close,
    stop: close,
    closed,
  };
}

interface Surroundings {
  readonly inherited: NodeJS.ProcessEnv;
  readonly variables: Variables;
  readonly folders: readonly string[];
  readonly advance: (event: unknown) => Promise<unknown>;
}

type Services = Awaited<ReturnType<typeof openServices>>;

async function openServices(options: CloudOptions, surroundings: Surroundings) {
  const { folder, chaos = noChaos, warn = () => undefined } = options;
  const store = openBatchStore(join(folder, 'batch'), Date.now());
  const queue: Queue = openQueue({
    handler: async (batch) => failedMessages(await surroundings.advance(batch)),
    deadLetters: join(folder, 'batch', 'dead-letters.jsonl'),
    warn,
  });
  const bus = openBus({ store, queue, chaos, wakeUpDelayMs: options.wakeUpDelayMs ?? DEFAULTS.wakeUpDelayMs });
  const batch: Batch = await openBatch({
    store,
    logFolder: join(folder, 'batch', 'logs'),
    workFolder: join(folder, 'work'),
    capacity: { ...machineCapacity(), ...options.capacity },
    runner: options.runner,
    inherited: surroundings.inherited,
    variables: surroundings.variables,
    folders: [...surroundings.folders, join(folder, 'work')],
    killGraceMs: options.killGraceMs ?? DEFAULTS.killGraceMs,
    chaos,
    deliver: bus.deliver,
    warn,
  });
  return { batch, queue, bus };
}

interface Controls {
  invoke(name: FunctionName, payload: unknown): Promise<unknown>;
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** An attached process asks again after this long. */
const IDLE_ANSWER_MS = 20_000;

function routesOf({ batch, bus }: Services, limits: { timeoutSecondsMin: number }, controls: Controls): Routes {
  return {
    batch: batchApi(batch, limits),
    putEvents: bus.put,
    invoke: (name, payload) => (isFunctionName(name) ? invocationAnswer(controls.invoke(name, payload)) : undefined),
    cloud: {
      '/cloud/alive': () => ({ body: { pid: process.pid } }),
      '/cloud/idle': async () => {
        const idle = controls.idle().then(() => true);
        return { body: { idle: await Promise.race([idle, sleep(IDLE_ANSWER_MS, false)]) } };
      },
      '/cloud/stop': () => {
        setImmediate(() => void controls.close());
        return { body: {} };
      },
      '/cloud/runs-ended': (response) => {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders();
        const end = bus.onRunEnded((detail) => response.write(`${JSON.stringify(detail)}\n`));
        response.once('close', end);
        return Promise.resolve(undefined);
      },
    },
  };
}

/** As Lambda's Invoke answers: what a function throws is an answer, too. */
async function invocationAnswer(invocation: Promise<unknown>): Promise<Answer> {
  try {
    return { body: await invocation };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    return { headers: { 'x-amz-function-error': 'Unhandled' }, body: { errorType: name, errorMessage: message } };
  }
}

function failedMessages(answer: unknown): string[] {
  const failures = (answer as { batchItemFailures?: { itemIdentifier: string }[] } | undefined)?.batchItemFailures;
  return (failures ?? []).map(({ itemIdentifier }) => itemIdentifier);
}

async function makeTables(): Promise<void> {
  const client = new DynamoDBClient({});
  try {
    await ensureTables(client, TABLES);
  } finally {
    client.destroy();
  }
}

function machineCapacity(): Capacity {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return { vcpus: availableParallelism(), memoryMiB: Math.floor(memory / MIB) };
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

/** Whole or not at all, and for this user only. */
function publish(path: string, endpoint: Endpoint): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, JSON.stringify(endpoint), { mode: 0o600 });
  renameSync(draft, path);
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load();
    return loaded;
  };
}
