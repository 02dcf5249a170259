/** What runs have left, to be read: the part of the world that needs no Batch, no bus and no worker. */
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { batchJobIds } from '../core/aws/batch/job-ids.ts';
import { dynamoCache } from '../core/aws/cache.ts';
import { storageClients } from '../core/aws/clients.ts';
import { dynamoJournal } from '../core/aws/journal.ts';
import { s3Objects } from '../core/aws/objects.ts';
import { dynamoSummaries } from '../core/aws/summaries.ts';
import { folderObjects } from '../core/disk/objects.ts';
import type { Executor } from '../core/engine/executor.ts';
import type { HistorySource } from '../core/engine/history.ts';
import type { Clock, Objects, World } from '../core/engine/ports.ts';
import { engineSettings, type Store } from '../core/environment.ts';
import { clientOfUser } from '../core/files/s3-client.ts';
import type { ExecutorKind } from '../core/values/program.ts';
import { perEnvironment, provided } from './per-environment.ts';

const NONCE_BYTES = 8;

export const clock: Clock = {
  now: () => Date.now(),
  nonce: () => randomBytes(NONCE_BYTES).toString('hex'),
  sleep: (ms) => setTimeout(ms),
};

export type StoredState = Pick<World, 'cache' | 'journal' | 'objects' | 'summaries'> & HistorySource;

/** What jobs are called at each kind of executor. */
const EXECUTORS: Readonly<Record<ExecutorKind, Pick<Executor, 'ids'>>> = { batch: { ids: batchJobIds } };

/** HistorySource leaves no trace. */
export const storedState = /* @__PURE__ */ perEnvironment((environment): StoredState => {
  const settings = engineSettings(environment);
  const { store, tables } = settings;
  const { dynamo, s3 } = storageClients(settings);
  const objects = objectsIn(store, s3);
  return {
    objects,
    executors: EXECUTORS,
    journal: dynamoJournal(dynamo, tables.runs, objects),
    summaries: dynamoSummaries(dynamo, tables.runs, objects),
    cache: provided(environment).cache ?? dynamoCache(dynamo, tables.cache, objects, clock, { notesUse: false }),
  };
});

export function objectsIn(store: Store, s3: ReturnType<typeof storageClients>['s3']): Objects {
  return store.kind === 'folder' ? folderObjects(store.path) : s3Objects(s3, store.bucket, store.prefix);
}

/** What a stack keeps in its bucket, by the credentials of whoever calls from outside of it. */
export function objectsOf(bucket: string): Objects {
  return s3Objects(clientOfUser(), bucket, '');
}
