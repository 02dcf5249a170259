/** What runs keep, and how their course is changed: the part of the world that needs no Batch and none of their code. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dynamoAttempts } from '../core/aws/attempts.ts';
import { eventBus } from '../core/aws/bus.ts';
import { busClients, storageClients } from '../core/aws/clients.ts';
import { dynamoJournal } from '../core/aws/journal.ts';
import { type EventQueue, sqsQueue } from '../core/aws/queue.ts';
import { dynamoSummaries } from '../core/aws/summaries.ts';
import { folderAttempts } from '../core/disk/attempts.ts';
import { folderHeldRuns } from '../core/disk/held.ts';
import type { Attempts, HeldRuns, Objects, World } from '../core/engine/ports.ts';
import { type EngineSettings, engineSettings, parseS3, type Variables } from '../core/environment.ts';
import type { Reach } from '../core/files/reach.ts';
import type { StoreOptions } from '../core/files/stores.ts';
import { type Log, logOf } from './log.ts';
import { perEnvironment } from './per-environment.ts';
import { clock, objectsIn } from './stored.ts';

type Clients = ReturnType<typeof storageClients> & ReturnType<typeof busClients>;

export interface Storage {
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
      objects: objectsIn(store, s3),
      attempts: folderAttempts(path),
      files: { root: filesRoot, versions: join(path, 'versions'), umask, proxies },
      held: folderHeldRuns(path),
      bundles: { folder: join(path, 'unpacked') },
    };
  }
  const objects = objectsIn(store, s3);
  const scratch = (location: string): Objects => objectsIn(parseS3(location), s3);
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

/** What it takes to change a run's course: none of its code, no Batch, and nothing of a round. */
export type CourseWorld = Pick<World, 'attempts' | 'bus' | 'clock' | 'journal' | 'objects' | 'summaries'>;

export interface Base {
  readonly log: Log;
  readonly settings: EngineSettings;
  readonly clients: Clients;
  readonly storage: Storage;
  readonly course: CourseWorld;
  readonly queue: EventQueue | undefined;
}

export const base = /* @__PURE__ */ perEnvironment((environment): Base => {
  const settings = engineSettings(environment);
  const log = logOf(environment);
  const { stack, tables, bus, events, local } = settings;
  const clients = { ...storageClients(settings), ...busClients(settings) };
  const storage = openStorage(settings, clients);
  const { objects, attempts } = storage;
  const course: CourseWorld = {
    journal: dynamoJournal(clients.dynamo, tables.runs, objects),
    summaries: dynamoSummaries(clients.dynamo, tables.runs, objects),
    attempts,
    objects,
    bus: eventBus(clients, { bus, queue: events }, stack),
    clock,
  };
  const queue = local ? undefined : sqsQueue(clients.sqs, events);
  return { log, settings, clients, storage, course, queue };
});

export function courseWorld(environment: Variables): CourseWorld {
  return base(environment).course;
}
