/** Opens the embedded cloud of a folder: its parts one after another, each with what ends it. */

import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { storageClients } from '../core/aws/clients.ts';
import { ensureTables } from '../core/aws/tables.ts';
import { openFolderCache } from '../core/disk/cache.ts';
import { folderHeldRuns, type HeldRunsOnDisk } from '../core/disk/held.ts';
import { FOLDER_MODE } from '../core/disk/write.ts';
import { SWEEP_PERIOD_MS } from '../core/engine/sweep.ts';
import { provide } from '../functions/per-environment.ts';
import { batchApi } from './batch/api.ts';
import { type Capacity, machineCapacity } from './batch/capacity.ts';
import { type StartExecution, startExecution } from './batch/execution.ts';
import { jobRunners } from './batch/runners.ts';
import { openBatchStore } from './batch/store.ts';
import { noChaos } from './chaos.ts';
import { type Closing, makeClosing } from './closing.ts';
import type { Cloud, CloudOptions } from './cloud.ts';
import { openDynamoDb } from './dynamodb.ts';
import { publishEndpoint } from './endpoint.ts';
import { functionCaller, INVOCATION_MS_MAX } from './functions.ts';
import { untilIdle } from './idle.ts';
import { takeLock } from './lock.ts';
import { cloudRoutes } from './routes.ts';
import { openSchedule } from './schedule.ts';
import { openServer } from './server.ts';
import { openServices, runOf } from './services.ts';
import {
  apiUrlOf,
  type CloudPlaces,
  cacheOf,
  cloudVariables,
  databaseOf,
  inheritedVariables,
  jobLogsOf,
  logOf,
  ownerOf,
  storeOf,
  TABLES,
} from './settings.ts';

/** A log that is larger when the cloud is opened is begun anew. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;

const DEFAULTS = {
  wakeUpDelayMs: 1000,
  sweepPeriodMs: SWEEP_PERIOD_MS,
  invocationMs: INVOCATION_MS_MAX,
  killGraceMs: 30_000,
  closeGraceMs: 2000,
  timeoutSecondsMin: 60,
  chaos: noChaos,
  servingRunner: false,
  warn: () => undefined,
};
type CloudSettings = Required<Omit<CloudOptions, 'umask' | 'startJob'>> &
  Pick<CloudOptions, 'umask' | 'startJob'> & { readonly capacity: Capacity };

/** Opens the folder's cloud in this process; undefined when another one has it. */
export async function openCloud(options: CloudOptions): Promise<Cloud | undefined> {
  mkdirSync(options.folder, { recursive: true });
  // The journal, the store and the logs hold what users compute with: nobody else on the machine reads them.
  chmodSync(options.folder, FOLDER_MODE);
  const folder = realpathSync(options.folder);
  const capacity = { ...machineCapacity(), ...options.capacity };
  const settings = { ...DEFAULTS, ...options, folder, root: resolve(options.root), capacity };
  const lock = await takeLock(ownerOf(folder));
  if (!lock) return undefined;
  const closing = makeClosing();
  closing.push(lock.release);
  try {
    return await openOwned(settings, closing);
  } catch (error) {
    await closing.close();
    throw error;
  }
}

async function openOwned(settings: CloudSettings, closing: Closing): Promise<Cloud> {
  const { folder, sweepPeriodMs, invocationMs, warn } = settings;
  const store = openBatchStore(join(folder, 'batch'), Date.now());
  closing.push(store.close);
  const { places, server } = await openPlaces(settings, closing);
  const own = cloudVariables(places);
  // Of the handlers alone: this process's own is as its user has set it.
  const environment = { ...settings.environment, ...own };
  const inherited = inheritedVariables(settings.environment);
  const cache = await openFolderCache(cacheOf(folder));
  closing.push(cache.close);
  provide(environment, { cache });

  const functions = functionCaller(() => settings.functions(environment), invocationMs);
  closing.push(functions.settled);
  const held = folderHeldRuns(places.store);
  const trouble = teller(warn, places.log);
  const startJob = settings.startJob ?? startedBy(settings, closing);
  const services = await openServices(
    { ...settings, startJob },
    { store, places, inherited, held, trouble, invoke: functions.invoke },
  );
  const { batch, bus, queue } = services;
  // The queue's last invocation may still submit jobs, which then wait for the next start.
  closing.push(() => Promise.all([queue.stop(), batch.stop(settings.closeGraceMs)]));

  const isIdle = (): boolean => batch.idle() && queue.idle() && functions.idle();
  const { invoke } = functions;
  const { close, closed } = closing;
  const release = releaser(services, held);
  const api = batchApi(batch, { timeoutSecondsMin: settings.timeoutSecondsMin });
  server.serve(cloudRoutes(api, bus, { cached: cache.read, invoke, release, close, isIdle }));
  closing.push(publishEndpoint(folder, { url: server.url, pid: process.pid, environment: own }));
  closing.push(openSchedule({ invoke, periodMs: sweepPeriodMs, trouble }));
  return {
    owner: true,
    pid: process.pid,
    environment: own,
    apiUrl: apiUrlOf(server),
    cached: cache.read,
    invoke,
    onRunEnded: bus.onRunEnded,
    hold: held.add,
    isHeld: held.has,
    release,
    idle: async () => {
      await untilIdle(isIdle, closing.isClosing);
      if (!isIdle()) throw new Error('the local cloud has been closed');
    },
    close,
    stop: close,
    closed,
  };
}

function startedBy({ servingRunner }: CloudSettings, closing: Closing): StartExecution {
  if (!servingRunner) return startExecution;
  const runners = jobRunners();
  closing.push(runners.close);
  return runners.start;
}

/** The servers, with the tables that they serve, and where all is that handlers and jobs are told of. */
async function openPlaces({ folder, root, sweepPeriodMs, umask }: CloudSettings, closing: Closing) {
  const secret = randomBytes(16).toString('hex');
  const dynamoDb = await openDynamoDb(databaseOf(folder), secret);
  closing.push(dynamoDb.close);
  const server = await openServer(secret);
  closing.push(server.close);
  await makeTables(dynamoDb.url);
  const store = storeOf(folder);
  mkdirSync(store, { recursive: true });
  const log = logOf(folder);
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) rmSync(log);
  const places: CloudPlaces = {
    dynamoDbUrl: dynamoDb.url,
    serverUrl: server.url,
    store,
    jobLogs: jobLogsOf(folder),
    log,
    root,
    sender: `local-${randomUUID()}`,
    sweepPeriodMs,
    umask,
  };
  return { places, server };
}

async function makeTables(endpoint: string): Promise<void> {
  const { dynamo } = storageClients({ local: true, endpoint });
  try {
    await ensureTables(dynamo, TABLES);
  } finally {
    dynamo.destroy();
  }
}

function releaser({ batch, bus }: Awaited<ReturnType<typeof openServices>>, held: HeldRunsOnDisk): Cloud['release'] {
  return (run) => {
    if (held.delete(run)) {
      batch.carryOn((job) => runOf(job) === run);
      bus.carryOn(run);
    }
    bus.wake(run);
    return Promise.resolve();
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
