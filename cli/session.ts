/** Where the functions are that a command calls: in the project's local cloud, or in a stack on AWS. */

import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folderHeldRuns } from '../core/disk/held.ts';
import { folderObjects } from '../core/disk/objects.ts';
import type { Objects } from '../core/engine/ports.ts';
import type { Variables } from '../core/environment.ts';
import type { RunId } from '../core/values/ids.ts';
import type { Handler } from '../functions/invocation.ts';
import type { StoredState } from '../functions/stored.ts';
import { attach, attachOrOpen, CloudUnreachable } from '../local/attach.ts';
import { seededChaos } from '../local/chaos.ts';
import type { Cloud } from '../local/cloud.ts';
import { openDynamoDb } from '../local/dynamodb.ts';
import { type FunctionHandler, type Functions, functionCaller, INVOCATION_MS_MAX } from '../local/functions.ts';
import { takeLock } from '../local/lock.ts';
import { cloudVariables, jobLogsOf, logOf } from '../local/settings.ts';
import { type Client, directClient } from './client.ts';
import { TYPED_UMASK } from './umask.ts';
import { UsageError } from './usage-error.ts';

const STATE = '.redex';
const RUNNER = fileURLToPath(new URL('../docker/runner/main.ts', import.meta.url));

/** The innermost folder around `from` that has a redex.config.ts or redex's state; else `from` itself. */
export function projectRoot(from: string): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'redex.config.ts')) || existsSync(join(folder, STATE))) return folder;
    if (folder === dirname(folder)) return resolve(from);
  }
}

export function stateFolder(root: string): string {
  return join(root, STATE);
}

/** Throws UsageError where the state is another user's: two users' files in it would lock both out. */
export function refuseForeignState(folder: string, user = process.getuid?.()): void {
  const owner = statSync(folder, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || user === undefined || owner === user) return;
  throw new UsageError(
    `${folder} belongs to another user (uid ${owner}): work as that user, or in a copy of the project`,
  );
}

/** What a command is about: the project in `root`, or, where it is named, the stack on AWS. */
export interface Where {
  readonly root: string;
  readonly stack: string | undefined;
}

export interface Session {
  readonly client: Client;
  /** Where bundles are put for runs to find them. */
  readonly objects: Objects;
  /** undefined on AWS, where nothing needs this process. */
  readonly cloud: Cloud | undefined;
  /** Where the functions are, for people. */
  readonly place: string;
  close(): Promise<void>;
}

/** What was lost on purpose is looked for after seconds, not after the minutes that go by before it is worth it on AWS. */
const CHAOS_TIMES = { sweepPeriodMs: 2000, invocationMs: 20_000 };

/**
 * The project's cloud, opened here or by way of the process that has it; or the stack. Opening a cloud carries unfinished
 * runs on. `chaos`: the seed of what goes wrong on purpose.
 */
export async function openSession(
  { root, stack }: Where,
  warn: (message: string) => void,
  chaos?: number,
): Promise<Session> {
  if (stack !== undefined) return openOnAws(stack);
  const folder = stateFolder(root);
  refuseForeignState(folder);
  const cloud = await attachOrOpen({
    folder,
    root,
    runner: [process.execPath, RUNNER],
    environment: process.env,
    functions: loadFunctions,
    umask: TYPED_UMASK,
    ...(chaos !== undefined && { ...CHAOS_TIMES, chaos: seededChaos(chaos) }),
    warn,
  });
  return {
    client: directClient(cloud.invoke),
    objects: folderObjects(storeOf(folder)),
    cloud,
    place: `process ${cloud.pid}`,
    close: cloud.close,
  };
}

async function openOnAws(name: string): Promise<Session> {
  // The SDK is large: whoever needs none is not made to wait for it.
  const [{ openStack }, { objectsOf }] = await Promise.all([
    import('./stack-client.ts'),
    import('../functions/stored.ts'),
  ]);
  const { stack, client } = await openStack(name);
  return {
    client,
    objects: objectsOf(stack.bucket),
    cloud: undefined,
    place: `the stack ${name}`,
    close: () => Promise.resolve(),
  };
}

function storeOf(folder: string): string {
  return join(folder, 'store');
}

export interface Reading {
  readonly client: Client;
  /** Whether runs are carried on at this moment. */
  readonly alive: boolean;
  /** Whether its user has stopped the run. */
  isHeld(run: RunId): boolean;
  close(): Promise<void>;
}

/** What runs have left: nothing that was interrupted is carried on by it. Throws UsageError where nothing was run yet. */
async function openReading({ root, stack }: Where): Promise<Reading> {
  if (stack !== undefined) return { ...(await openOnAws(stack)), alive: true, isHeld: () => false };
  if (!existsSync(stateFolder(root))) throw new UsageError(`nothing was run in ${root} yet`);
  return await openLocalReading(root);
}

/** `environment`: of handlers that read, or of who has the project's cloud open. */
async function openLocalReading(root: string): Promise<Reading & { readonly environment: Variables }> {
  const folder = stateFolder(root);
  refuseForeignState(folder);
  const { has: isHeld } = folderHeldRuns(storeOf(folder));
  const cloud = await attach(folder);
  if (cloud) {
    const { environment, invoke, close } = cloud;
    return { client: directClient(invoke), environment, alive: true, isHeld, close };
  }
  const lock = await takeLock(join(folder, 'owner'));
  if (!lock) throw new CloudUnreachable(`another redex process is opening or closing ${folder}; try again in a moment`);
  const dynamoDb = await openDynamoDb(join(folder, 'db'), randomBytes(16).toString('hex'));
  const places = {
    dynamoDbUrl: dynamoDb.url,
    serverUrl: NOWHERE,
    store: storeOf(folder),
    jobLogs: jobLogsOf(folder),
    log: logOf(folder),
    root,
    sender: 'reader',
  };
  const environment = { ...process.env, ...cloudVariables(places) };
  const functions = functionCaller(() => loadFunctions(environment), INVOCATION_MS_MAX);
  return {
    client: directClient(functions.invoke),
    environment,
    alive: false,
    isHeld,
    close: async () => {
      await dynamoDb.close();
      await lock.release();
    },
  };
}

/** Readers submit nothing: there is no Batch for them. */
const NOWHERE = 'http://127.0.0.1:9';

/** Runs `use` on what runs have left, and lets go of it whatever happens. */
export async function reading<T>(where: Where, use: (reading: Reading) => Promise<T>): Promise<T> {
  return await letGo(await openReading(where), use);
}

/** What the project's runs have left, to be read without a trace; undefined where nothing was run yet. */
export async function readingState<T>(root: string, use: (stored: StoredState | undefined) => Promise<T>): Promise<T> {
  if (!existsSync(stateFolder(root))) return await use(undefined);
  return await letGo(await openLocalReading(root), async ({ environment }) => {
    const { storedState } = await import('../functions/stored.ts');
    return await use(storedState(environment));
  });
}

async function letGo<R extends Reading, T>(opened: R, use: (opened: R) => Promise<T>): Promise<T> {
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

/** The functions in an environment. Each is loaded when it is called first. */
export function loadFunctions(environment: Variables): Promise<Functions> {
  const lazily = (load: () => Promise<FunctionModule>): FunctionHandler => {
    let loading: Promise<Handler<unknown>> | undefined;
    return async (event, context) => {
      loading ??= load().then(({ handlerIn }) => handlerIn(environment));
      return (await loading)(event, context);
    };
  };
  return Promise.resolve({
    start: lazily(() => import('../functions/start.ts')),
    plan: lazily(() => import('../functions/plan.ts')),
    advance: lazily(() => import('../functions/advance.ts')),
    sweep: lazily(() => import('../functions/sweep.ts')),
    cancel: lazily(() => import('../functions/cancel.ts')),
    retry: lazily(() => import('../functions/retry.ts')),
    runs: lazily(() => import('../functions/runs.ts')),
    status: lazily(() => import('../functions/status.ts')),
    wait: lazily(() => import('../functions/wait.ts')),
    result: lazily(() => import('../functions/result.ts')),
    waiting: lazily(() => import('../functions/waiting.ts')),
    jobs: lazily(() => import('../functions/jobs.ts')),
    jobhistory: lazily(() => import('../functions/jobhistory.ts')),
    logs: lazily(() => import('../functions/logs.ts')),
    workflows: lazily(() => import('../functions/workflows.ts')),
    workflow: lazily(() => import('../functions/workflow.ts')),
  });
}

interface FunctionModule {
  readonly handlerIn: (environment: Variables) => Handler<unknown>;
}
