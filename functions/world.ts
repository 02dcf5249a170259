/** The world the handlers act on: ports chosen and put together by the environment's settings. */
import { dynamoCache } from '../core/aws/cache.ts';
import type { EventQueue } from '../core/aws/queue.ts';
import { s3Uploads } from '../core/aws/uploads.ts';
import { deployedBundle } from '../core/engine/deployed.ts';
import { type DryWorld, readOnly } from '../core/engine/dry-run.ts';
import type { Host, World } from '../core/engine/ports.ts';
import { warmGraphs } from '../core/engine/warm.ts';
import { type EngineSettings, engineSettings, type Variables } from '../core/environment.ts';
import { fileAccess } from '../core/files/access.ts';
import { observeFiles } from '../core/files/observe.ts';
import { workerHost } from '../core/host/host.ts';
import { withinReach } from '../core/host/reachable.ts';
import type { FileAccess } from '../core/values/classes.ts';
import type { Hash } from '../core/values/ids.ts';
import type { WebSettings } from '../core/values/program.ts';
import { base, type CourseWorld, type Storage } from './base.ts';
import { executorsOf } from './executor.ts';
import type { Log } from './log.ts';
import type { ManifestPlace } from './manifest.ts';
import { perEnvironment, provided } from './per-environment.ts';
import { clock, storedState } from './stored.ts';

/** Runs whose graphs stay in memory: a Lambda environment meets few at a time, and a graph may be of many megabytes. */
const WARM_GRAPHS_MAX = 8;

function hostOf(
  log: Log,
  { umask, filesRoot, local }: EngineSettings,
  { objects, bundles, files: { reach } }: Storage,
  files: (web: WebSettings | undefined) => FileAccess,
): Host {
  const options = { objects, ...bundles, files, umask, project: filesRoot, confined: !local };
  // What authors print on a laptop is for its terminal.
  const said = { log: (text: string) => log.info('code of a workflow printed', { text }) };
  const host = workerHost({ ...options, ...(!local && said) });
  return reach ? withinReach(host, reach) : host;
}

/** What it takes to begin a run. */
export type BeginningWorld = CourseWorld & Pick<World, 'host'>;

export const beginningWorld = /* @__PURE__ */ perEnvironment((environment): BeginningWorld => {
  const { log, settings, storage, course } = base(environment);
  const host = hostOf(log, settings, storage, (web) => fileAccess({ ...storage.files, web }));
  return { ...course, host };
});

export const world = /* @__PURE__ */ perEnvironment((environment): World => {
  const { settings, clients, storage } = base(environment);
  const { stack, tables, sender } = settings;
  const { objects, scratch, files, held } = storage;
  return {
    ...beginningWorld(environment),
    stack,
    cache: provided(environment).cache ?? dynamoCache(clients.dynamo, tables.cache, objects, clock),
    ...(scratch && { scratch }),
    executors: executorsOf(settings),
    files: observeFiles(files),
    sender: { id: sender ?? clock.nonce(), exclusive: sender !== undefined },
    warm: warmGraphs(WARM_GRAPHS_MAX),
    ...(held && { held }),
    liveNodesMax: settings.liveNodesMax,
  };
});

/** Of events; undefined in a local cloud, whose queue knows by itself when they come again. */
export function eventQueue(environment: Variables): EventQueue | undefined {
  return base(environment).queue;
}

/** Where nothing is written, neither by the engine nor by the tasks that it runs. */
export const dryWorld = /* @__PURE__ */ perEnvironment((environment): DryWorld => {
  const { log, settings, storage } = base(environment);
  const files = { ...storage.files, notesVersions: false };
  const host = hostOf(log, settings, storage, (web) => readOnly(fileAccess({ ...files, web })));
  return { ...storedState(environment), host, files: observeFiles(files), clock };
});

/** Between two calls of the sweep; undefined: the engine's own period. */
export function sweepPeriodMs(environment: Variables): number | undefined {
  return engineSettings(environment).sweepPeriodMs;
}

/** The bundle that new runs are pinned to unless they name another. */
export function currentBundle(environment: Variables): Promise<Hash | undefined> {
  return deployedBundle(base(environment).storage.objects);
}

/** Throws where the store is a folder: nobody says what is put there. */
export function manifestPlace(environment: Variables): ManifestPlace {
  const { settings, clients } = base(environment);
  if (settings.store.kind !== 's3') throw new Error('manifests are put on S3: REDEX_STORE is a folder');
  const { bucket, prefix } = settings.store;
  return { uploads: s3Uploads(clients.s3), bucket, prefix };
}
