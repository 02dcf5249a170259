/** The local cloud of a project, as the commands use it. */
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from 'aws-lambda';
import type { World } from '../core/engine/ports.ts';
import type { StoredState } from '../functions/stored.ts';
import { attach, attachOrOpen, CloudUnreachable } from '../local/attach.ts';
import { seededChaos } from '../local/chaos.ts';
import type { Cloud } from '../local/cloud.ts';
import { openDynamoDb } from '../local/dynamodb.ts';
import type { Functions } from '../local/functions.ts';
import { takeLock } from '../local/lock.ts';
import { cloudVariables, logOf } from '../local/settings.ts';
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

export interface Session {
  readonly cloud: Cloud;
  readonly world: World;
}

/** What was lost on purpose is looked for after seconds, not after the minutes that go by before it is worth it on AWS. */
const CHAOS_TIMES = { sweepPeriodMs: 2000, invocationMs: 20_000 };

/**
 * The project's cloud, opened here or by way of the process that has it. Opening it carries unfinished runs on. `chaos`:
 * the seed of what goes wrong on purpose.
 */
export async function openSession(root: string, warn: (message: string) => void, chaos?: number): Promise<Session> {
  refuseForeignState(stateFolder(root));
  const cloud = await attachOrOpen({
    folder: stateFolder(root),
    root,
    runner: [process.execPath, RUNNER],
    functions: loadFunctions,
    umask: TYPED_UMASK,
    ...(chaos !== undefined && { ...CHAOS_TIMES, chaos: seededChaos(chaos) }),
    warn,
  });
  return { cloud, world: await worldOf(cloud.environment) };
}

export interface Reading {
  readonly world: World;
  /** Whether a process carries the project's runs on at this moment. */
  readonly alive: boolean;
  close(): Promise<void>;
}

/** The project's state to read: nothing that was interrupted is carried on by it. Throws UsageError without any state. */
export async function openReading(root: string): Promise<Reading> {
  const folder = stateFolder(root);
  if (!existsSync(folder)) throw new UsageError(`nothing was run in ${root} yet`);
  refuseForeignState(folder);
  const cloud = await attach(folder);
  if (cloud) return { world: await worldOf(cloud.environment), alive: true, close: cloud.close };
  const lock = await takeLock(join(folder, 'owner'));
  if (!lock) throw new CloudUnreachable(`another redex process is opening or closing ${folder}; try again in a moment`);
  const dynamoDb = await openDynamoDb(join(folder, 'db'), randomBytes(16).toString('hex'));
  const places = {
    dynamoDbUrl: dynamoDb.url,
    serverUrl: NOWHERE,
    store: join(folder, 'store'),
    log: logOf(folder),
    root,
    sender: 'reader',
  };
  return {
    world: await worldOf(cloudVariables(places)),
    alive: false,
    close: async () => {
      await dynamoDb.close();
      await lock.release();
    },
  };
}

/** Readers submit nothing: there is no Batch for them. */
const NOWHERE = 'http://127.0.0.1:9';

/** Runs `use` on the project's state, and lets go of it whatever happens. */
export async function reading<T>(root: string, use: (reading: Reading) => Promise<T>): Promise<T> {
  const opened = await openReading(root);
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

/** Settings come first: the functions read them from the environment when they are loaded, as in Lambda. */
async function worldOf(environment: Readonly<Record<string, string>>): Promise<World> {
  Object.assign(process.env, environment);
  const { world } = await import('../functions/world.ts');
  return world();
}

/** What the project's runs have left, to be read without a trace; undefined where nothing was run yet. */
export function readingState<T>(root: string, use: (stored: StoredState | undefined) => Promise<T>): Promise<T> {
  if (!existsSync(stateFolder(root))) return use(undefined);
  return reading(root, async () => {
    const { storedState } = await import('../functions/stored.ts');
    return use(storedState());
  });
}

/** As Lambda calls them: with an event and a context. */
export async function loadFunctions(): Promise<Functions> {
  const [start, advance, status, sweep, cancel, retry] = await Promise.all([
    import('../functions/start.ts'),
    import('../functions/advance.ts'),
    import('../functions/status.ts'),
    import('../functions/sweep.ts'),
    import('../functions/cancel.ts'),
    import('../functions/retry.ts'),
  ]);
  return {
    start: (event, context) => start.handler(event, context as Context),
    advance: (event, context) => advance.handler(event, context as Context),
    status: (event, context) => status.handler(event, context as Context),
    sweep: (event, context) => sweep.handler(event, context as Context),
    cancel: (event, context) => cancel.handler(event, context as Context),
    retry: (event, context) => retry.handler(event, context as Context),
  };
}
