/** What runs have left, for commands that only look. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { openFolderCache } from '../../core/disk/cache.ts';
import { folderHeldRuns } from '../../core/disk/held.ts';
import type { Variables } from '../../core/environment.ts';
import type { RunId } from '../../core/values/ids.ts';
import { provide } from '../../functions/per-environment.ts';
import type { StoredState } from '../../functions/stored.ts';
import { attach, CloudUnreachable } from '../../local/attach.ts';
import { openDynamoDb } from '../../local/dynamodb.ts';
import { functionCaller, INVOCATION_MS_MAX } from '../../local/functions.ts';
import { takeLock } from '../../local/lock.ts';
import { cacheOf, cloudVariables, databaseOf, jobLogsOf, logOf, ownerOf, storeOf } from '../../local/settings.ts';
import { type Client, directClient } from '../client.ts';
import { UsageError } from '../usage-error.ts';
import { loadFunctions } from './functions.ts';
import { openOnAws } from './open.ts';
import { refuseForeignState, stateFolder, type Where } from './where.ts';

export interface ReadSession {
  readonly client: Client;
  /** Whether runs are carried on at this moment. */
  readonly alive: boolean;
  /** Whether its user has stopped the run. */
  isHeld(run: RunId): boolean;
  close(): Promise<void>;
}

/** What runs have left: nothing that was interrupted is carried on by it. Throws UsageError where nothing was run yet. */
async function openReading({ root, stack }: Where): Promise<ReadSession> {
  if (stack !== undefined) return { ...(await openOnAws(stack)), alive: true, isHeld: () => false };
  if (!existsSync(stateFolder(root))) throw new UsageError(`nothing was run in ${root} yet`);
  return await openLocalReading(root);
}

/** `environment`: of handlers that read, or of who has the project's cloud open. */
async function openLocalReading(root: string): Promise<ReadSession & { readonly environment: Variables }> {
  const folder = stateFolder(root);
  refuseForeignState(folder);
  const { has: isHeld } = folderHeldRuns(storeOf(folder));
  const cloud = await attach(folder);
  if (cloud) {
    const { environment, cached, invoke, close } = cloud;
    provide(environment, { cache: { read: async (evals) => new Map(await cached(evals)), write: refuseWrite } });
    return { client: directClient(invoke), environment, alive: true, isHeld, close };
  }
  const lock = await takeLock(ownerOf(folder));
  if (!lock) throw new CloudUnreachable(`another redex process is opening or closing ${folder}; try again in a moment`);
  const dynamoDb = await openDynamoDb(databaseOf(folder), randomBytes(16).toString('hex'));
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
  const cache = await openFolderCache(cacheOf(folder));
  provide(environment, { cache: { read: cache.read, write: refuseWrite } });
  const functions = functionCaller(() => loadFunctions(environment), INVOCATION_MS_MAX);
  return {
    client: directClient(functions.invoke),
    environment,
    alive: false,
    isHeld,
    close: async () => {
      await cache.close();
      await dynamoDb.close();
      await lock.release();
    },
  };
}

function refuseWrite(): Promise<never> {
  return Promise.reject(new Error('who only looks writes nothing into the cache'));
}

/** Readers submit nothing: there is no Batch for them. */
const NOWHERE = 'http://127.0.0.1:9';

/** Runs `use` on what runs have left, and lets go of it whatever happens. */
export async function reading<T>(where: Where, use: (reading: ReadSession) => Promise<T>): Promise<T> {
  return await letGo(await openReading(where), use);
}

/** What the project's runs have left, to be read without a trace; undefined where nothing was run yet. */
export async function readingState<T>(root: string, use: (stored: StoredState | undefined) => Promise<T>): Promise<T> {
  if (!existsSync(stateFolder(root))) return await use(undefined);
  return await letGo(await openLocalReading(root), async ({ environment }) => {
    const { storedState } = await import('../../functions/stored.ts');
    return await use(storedState(environment));
  });
}

async function letGo<R extends ReadSession, T>(opened: R, use: (opened: R) => Promise<T>): Promise<T> {
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}
