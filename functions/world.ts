/** The world the handlers act on: ports chosen and put together by the environment's settings. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dynamoAttempts } from '../core/aws/attempts.ts';
import { batchExecutor } from '../core/aws/batch.ts';
import { eventBus } from '../core/aws/bus.ts';
import { dynamoCache } from '../core/aws/cache.ts';
import { awsClients } from '../core/aws/clients.ts';
import { dynamoJournal } from '../core/aws/journal.ts';
import { s3Objects } from '../core/aws/objects.ts';
import { type EventQueue, sqsQueue } from '../core/aws/queue.ts';
import { dynamoSummaries } from '../core/aws/summaries.ts';
import { s3Uploads } from '../core/aws/uploads.ts';
import { folderAttempts } from '../core/disk/attempts.ts';
import { folderHeldRuns } from '../core/disk/held.ts';
import { folderObjects } from '../core/disk/objects.ts';
import { deployedBundle } from '../core/engine/deployed.ts';
import type { Attempts, HeldRuns, Objects, World } from '../core/engine/ports.ts';
import { warmGraphs } from '../core/engine/warm.ts';
import { type EngineSettings, engineSettings, parseS3, type Store } from '../core/environment.ts';
import { fileAccess } from '../core/files/access.ts';
import { observeFiles } from '../core/files/observe.ts';
import type { Reach } from '../core/files/reach.ts';
import type { StoreOptions } from '../core/files/stores.ts';
import { workerHost } from '../core/host/host.ts';
import { withinReach } from '../core/host/reachable.ts';
import type { Hash } from '../core/values/hash.ts';
import { log } from './log.ts';
import type { ManifestPlace } from './manifest.ts';
import { clock } from './stored.ts';

/** Runs whose graphs stay in memory: a Lambda environment meets few at a time, and a graph may be of many megabytes. */
const WARM_GRAPHS_MAX = 8;

type Clients = ReturnType<typeof awsClients>;

interface Storage {
  readonly objects: Objects;
  readonly scratch?: (location: string) => Objects;
  readonly attempts: Attempts;
  readonly files: StoreOptions;
  readonly held?: HeldRuns;
  /** For unpacked bundles; may be lost at any time. */
  readonly bundles: { readonly folder: string; readonly tidy?: true };
}

function openStorage(settings: EngineSettings, { s3, dynamo }: Clients): Storage {
  const { store, tables, filesRoot, umask, proxies } = settings;
  if (store.kind === 'folder') {
    const { path } = store;
    return {
      objects: folderObjects(path),
      attempts: folderAttempts(path),
      files: { root: filesRoot, versions: join(path, 'versions'), umask, proxies },
      held: folderHeldRuns(path),
      bundles: { folder: join(path, 'unpacked') },
    };
  }
  const open = ({ bucket, prefix }: Extract<Store, { kind: 's3' }>): Objects => s3Objects(s3, bucket, prefix);
  const objects = open(store);
  const scratch = (location: string): Objects => open(parseS3(location));
  return {
    objects,
    scratch,
    attempts: dynamoAttempts(dynamo, tables.attempts, objects, clock, { open: scratch }),
    files: { root: filesRoot, s3, proxies, reach: reachOf(settings) },
    bundles: { folder: join(tmpdir(), 'redex-bundles'), tidy: true },
  };
}

/** What runs may name in the cloud: nothing of the function itself, nor of the network that it is in. */
function reachOf({ store, filesRoot, dataBuckets }: EngineSettings): Reach | undefined {
  if (store.kind === 'folder' || filesRoot !== undefined) return undefined;
  return { below: undefined, buckets: [store.bucket, ...dataBuckets] };
}

function openWorld(settings: EngineSettings, clients: Clients): World {
  const { stack, tables, sender, bus, events } = settings;
  const { objects, scratch, attempts, files, held, bundles } = openStorage(settings, clients);
  const host = workerHost({
    objects,
    ...bundles,
    files: (web) => fileAccess({ ...files, web }),
    umask: settings.umask,
    project: settings.filesRoot,
    confined: !settings.local,
    // What authors print on a laptop is for its terminal.
    ...(!settings.local && { log: (text) => log.info('code of a workflow printed', { text }) }),
  });
  return {
    stack,
    journal: dynamoJournal(clients.dynamo, tables.runs, objects),
    summaries: dynamoSummaries(clients.dynamo, tables.runs, objects),
    cache: dynamoCache(clients.dynamo, tables.cache, objects, clock),
    attempts,
    objects,
    ...(scratch && { scratch }),
    batch: batchExecutor(clients, {
      stack,
      store: settings.storeText,
      attemptsTable: settings.store.kind === 's3' ? tables.attempts : undefined,
      filesRoot: settings.filesRoot,
      queue: settings.queue,
      image: settings.image,
      jobRole: settings.jobRole,
      executionRole: settings.executionRole,
      logGroup: settings.jobLogs,
      local: settings.local,
    }),
    host: files.reach ? withinReach(host, files.reach) : host,
    files: observeFiles(files),
    bus: eventBus(clients, { bus, queue: events }, stack),
    clock,
    sender: { id: sender ?? clock.nonce(), exclusive: sender !== undefined },
    warm: warmGraphs(WARM_GRAPHS_MAX),
    ...(held && { held }),
    liveNodesMax: settings.liveNodesMax,
  };
}

interface Opened {
  readonly key: string;
  readonly world: World;
  readonly queue: EventQueue | undefined;
}

let opened: Opened | undefined;

/** Connections, workers and warm graphs live as long as the process's settings do. */
function open(): Opened {
  const settings = engineSettings();
  const key = JSON.stringify(settings);
  if (opened?.key === key) return opened;
  const clients = awsClients(settings);
  const queue = settings.local ? undefined : sqsQueue(clients.sqs, settings.events);
  opened = { key, world: openWorld(settings, clients), queue };
  return opened;
}

export function world(): World {
  return open().world;
}

/** Of events; undefined in a local cloud, whose queue knows by itself when they come again. */
export function eventQueue(): EventQueue | undefined {
  return open().queue;
}

/** Between two calls of the sweep; undefined: the engine's own period. */
export function sweepPeriodMs(): number | undefined {
  return engineSettings().sweepPeriodMs;
}

/** The bundle that new runs are pinned to unless they name another. */
export function currentBundle(): Promise<Hash | undefined> {
  return deployedBundle(world().objects);
}

/** Throws where the store is a folder: nobody says what is put there. */
export function manifestPlace(): ManifestPlace {
  const settings = engineSettings();
  if (settings.store.kind !== 's3') throw new Error('manifests are put on S3: REDEX_STORE is a folder');
  const { bucket, prefix } = settings.store;
  return { uploads: s3Uploads(awsClients(settings).s3), bucket, prefix };
}
