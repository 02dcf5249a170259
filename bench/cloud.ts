/** A local cloud to measure in: the real handlers and SDK clients, with what each invocation of `advance` took. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { directClient } from '../cli/client.ts';
import { loadFunctions } from '../cli/session/functions.ts';
import { dynamoAttempts } from '../core/aws/attempts.ts';
import { storageClients } from '../core/aws/clients.ts';
import { parseEvent } from '../core/aws/events.ts';
import { endOf } from '../core/engine/executor.ts';
import type { RunSummary, World } from '../core/engine/ports.ts';
import { engineSettings, type Variables } from '../core/environment.ts';
import { bundleProgram, storeBundle } from '../core/host/bundle.ts';
import type { RunId } from '../core/values/ids.ts';
import { stored } from '../core/values/json.ts';
import { provide, provided } from '../functions/per-environment.ts';
import { clock, objectsIn } from '../functions/stored.ts';
import { world as openWorld } from '../functions/world.ts';
import type { BatchRecord } from '../local/batch/records.ts';
import type { Functions } from '../local/functions.ts';
import { openCloud } from '../local/open-cloud.ts';
import { startPlainS3 } from '../test/support/plain-s3.ts';
import { type InProcessJobs, startInProcess } from './in-process-jobs.ts';
import { type Requests, requestsSince, requestsSoFar, tapClients } from './requests.ts';

/** One invocation of `advance`. */
export interface TimedInvocation {
  /** Jobs of whose end it heard. */
  readonly ended: number;
  readonly ms: number;
  readonly cpuMs: number;
  readonly requests: Requests;
}

export interface BenchCloudOptions extends Omit<InProcessJobs, 'ports'> {
  /** Objects and attempts in a folder, as on a laptop, or in S3 and DynamoDB, as on AWS. */
  readonly storage: 'folder' | 's3';
  /** The project's folder, which is kept; one of its own otherwise, which is not. */
  readonly root?: string;
  /** `advance` waits for this. */
  readonly held?: () => Promise<void>;
}

export interface BenchCloud {
  /** All of them so far. */
  readonly invocations: readonly TimedInvocation[];
  /** The world of the handlers. */
  readonly world: World;
  start(
    workflow: string,
    args: Readonly<Record<string, unknown>>,
    options?: { readonly cache?: boolean },
  ): Promise<RunId>;
  /** Resolves when all runs have ended. Throws when this one has not, or failed. */
  ended(run: RunId): Promise<RunSummary>;
  /** The next invocation finds nothing warm: connections, graphs, workers. */
  cool(): void;
  /** `submissionsIn` its folder. */
  submissions(): Promise<readonly (number | undefined)[]>;
  /** A call of a function as by Lambda. */
  readonly invoke: (name: 'sweep', event: unknown) => Promise<unknown>;
  close(): Promise<void>;
}

/** Slots for jobs: they are over within a millisecond or two. */
const JOBS_AT_ONCE = 32;
const WAKE_UP_DELAY_MS = 50;
const WORKFLOW = join(import.meta.dirname, 'workflow.ts');

export async function openBenchCloud(options: BenchCloudOptions): Promise<BenchCloud> {
  tapClients();
  const { storage } = options;
  const root = options.root ?? (await mkdtemp(join(tmpdir(), 'redex-bench-')));
  const folder = join(root, '.redex');
  const s3 = storage === 's3' ? await startPlainS3() : undefined;
  if (s3) Object.assign(process.env, { ...S3_USER, AWS_ENDPOINT_URL_S3: s3.url });
  const invocations: TimedInvocation[] = [];
  let environment: Variables = {};
  const handlers: { advance?: Functions['advance'] } = {};
  /** In S3 nothing is provided: the cache is that of DynamoDB, as on AWS. */
  const environmentOf = (given: Variables): Variables => {
    const own = { ...given, POWERTOOLS_METRICS_DISABLED: 'true', ...(s3 && { REDEX_STORE: 's3://bench/' }) };
    if (!s3) provide(own, provided(given));
    return own;
  };
  let given: Variables = {};
  const functions = async (told: Variables): Promise<Functions> => {
    given = told;
    environment = environmentOf(given);
    return {
      ...(await loadFunctions(environment)),
      advance: measured(options, invocations, async (event, context) => {
        handlers.advance ??= (await loadFunctions(environmentOf(given))).advance;
        return handlers.advance(event, context);
      }),
    };
  };
  const jobPorts = () => {
    const settings = engineSettings(environment);
    const { dynamo, s3: client } = storageClients(settings);
    const objects = objectsIn(settings.store, client);
    return { objects, attempts: dynamoAttempts(dynamo, settings.tables.attempts, objects, clock) };
  };
  let ports: ReturnType<typeof jobPorts> | undefined;
  const onS3 = s3 && {
    ports: () => {
      ports ??= jobPorts();
      return ports;
    },
  };
  const cloud = await openCloud({
    folder,
    root,
    runner: [],
    startJob: startInProcess({ ...options, ...onS3 }),
    environment: process.env,
    functions,
    capacity: { vcpus: JOBS_AT_ONCE, memoryMiB: Number.POSITIVE_INFINITY },
    wakeUpDelayMs: WAKE_UP_DELAY_MS,
    warn: (message) => process.stderr.write(`${message}\n`),
  });
  if (!cloud) throw new Error(`${folder} is in use`);
  // Loads the functions, with which the environment is known.
  await cloud.invoke('runs', {});
  const world = openWorld(environment);
  const bundle = await bundleProgram({ entries: [WORKFLOW] });
  await storeBundle(world.objects, bundle);
  return {
    invocations,
    world,
    start: async (workflow, args, { cache = true } = {}) =>
      (await directClient(cloud.invoke).call('start', { workflow, args, bundle: bundle.hash, cache })).run,
    ended: async (run) => {
      await cloud.idle();
      const summary = await world.summaries.get(run);
      if (!summary) throw new Error(`run ${run} is gone`);
      if (summary.status !== 'DONE') throw new Error(`run ${run} is ${summary.status}: ${summary.traceback ?? ''}`);
      return summary;
    },
    cool: () => {
      delete handlers.advance;
    },
    submissions: () => submissionsIn(folder),
    invoke: cloud.invoke,
    close: async () => {
      await cloud.close();
      await s3?.stop();
      if (options.root === undefined) await rm(root, { recursive: true, force: true });
    },
  };
}

/** Of nobody: the S3 is in memory. */
const S3_USER = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' };

const Batch = v.object({ Records: v.array(v.object({ body: v.string() })) });

function measured(
  { held }: Pick<BenchCloudOptions, 'held'>,
  invocations: TimedInvocation[],
  advance: Functions['advance'],
): Functions['advance'] {
  return async (event, context) => {
    await held?.();
    const { Records } = v.parse(Batch, event);
    const news = Records.map(({ body }) => parseEvent(JSON.parse(body)));
    const ended = news.filter((one) => one?.kind === 'report' && endOf(one.report)).length;
    const requests = requestsSoFar();
    const cpu = process.cpuUsage();
    const begin = performance.now();
    const answer = await advance(event, context);
    const ms = performance.now() - begin;
    const { user, system } = process.cpuUsage(cpu);
    invocations.push({ ended, ms, cpuMs: (user + system) / 1000, requests: requestsSince(requests) });
    return answer;
  };
}

/** SubmitJob requests to the local cloud of a folder, by size; undefined for a single job. */
export async function submissionsIn(folder: string): Promise<(number | undefined)[]> {
  const lines = (await readFile(join(folder, 'batch', 'jobs.jsonl'), 'utf8')).split('\n').filter(Boolean);
  const records = lines.map((line) => stored<BatchRecord>(line));
  return records.flatMap((record) => (record.type === 'submitted' ? [record.size] : []));
}
