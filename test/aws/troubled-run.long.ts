/** Whole runs whose database and object store are in trouble all the while: handlers come again, runners go on trying. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { dynamoAttempts } from '../../core/aws/attempts.ts';
import { dynamoCache } from '../../core/aws/cache.ts';
import { awsClients, patientClients } from '../../core/aws/clients.ts';
import { dynamoJournal } from '../../core/aws/journal.ts';
import { s3Objects } from '../../core/aws/objects.ts';
import { dynamoSummaries } from '../../core/aws/summaries.ts';
import type { JobReport } from '../../core/engine/executor.ts';
import { loadLarge } from '../../core/engine/objects.ts';
import type { RunStatus } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { add, catchError, map, seq, task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import { startDynamo, type TestDynamo, tableNames } from '../support/dynamo.ts';
import { type Fault, type FaultProxy, faultProxy } from '../support/fault-proxy.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { type PlainS3, startPlainS3 } from '../support/plain-s3.ts';
import { plain, playJobs, playWorld, start } from '../support/play.ts';

const WAITS = { connectionMs: 300, answerMs: 300 };
const PATIENCE = { forMs: 20_000, delayMsMax: 50 };
const FAULTS: readonly Fault[] = [400, 'cut', 503, 'reset', 403, 'stall', 429, 'silent', 'late'];
const PASSING = FAULTS.filter((fault) => fault !== 400 && fault !== 403);
const ACCOUNT = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
const CLAIM_OVERDUE_MS = 180_000;
const ROUNDS_MAX = 100;

const v1 = { version: '1' };
const batch = { ...v1, executor: 'batch' };
const heavy = task('t.heavy', batch, (n: number) => n * 10);
const text = task('t.text', batch, (n: number) => `${n} `.repeat(3_000));
const length = task('t.length', v1, (all: string) => all.length);
const fragile = task('t.fragile', batch, (): number => {
  throw Object.assign(new Error('no'), { stack: undefined });
});
const zero = task('t.zero', v1, (_error: Error) => 0);
const expression = () => [
  map(heavy, [1, 2, 3]),
  add(length(text(1)), heavy(4)),
  catchError(fragile(), 'Error', zero),
  seq([heavy(5), heavy(6), heavy(7), heavy(8)]),
];
const RIGHT = [[10, 20, 30], 6_040, 0, [50, 60, 70, 80]];

let dynamo: TestDynamo;
let s3: PlainS3;
let proxies: readonly FaultProxy[];

beforeAll(async () => {
  Object.assign(process.env, ACCOUNT);
  [dynamo, s3] = await Promise.all([startDynamo(), startPlainS3()]);
  proxies = await Promise.all([faultProxy(dynamo.endpoint), faultProxy(s3.url)]);
});

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await Promise.all([dynamo.stop(), s3.stop()]);
  for (const name of Object.keys(ACCOUNT)) delete process.env[name];
});

/** The memory's world with its database and objects behind the proxies. */
function troubledWorld(): MemoryWorld {
  const world = playWorld();
  const [database, store] = proxies as [FaultProxy, FaultProxy];
  const { dynamo: client } = awsClients({ local: true, endpoint: database.url, waits: WAITS });
  const { s3: bucket } = awsClients({ local: false, endpoint: store.url, waits: WAITS });
  const { stored } = world.objects;
  const objects = { ...s3Objects(bucket, 'bucket', ''), stored };
  const { clock } = world;
  return {
    ...world,
    objects,
    journal: dynamoJournal(client, tableNames.runs, objects),
    summaries: dynamoSummaries(client, tableNames.runs, objects),
    cache: dynamoCache(client, tableNames.cache, objects, clock),
    attempts: dynamoAttempts(client, tableNames.attempts, objects, clock),
  };
}

/** The same as its runners see it. */
function runnersOf(world: MemoryWorld): MemoryWorld {
  const [database, store] = proxies as [FaultProxy, FaultProxy];
  const { dynamo: client } = patientClients({ endpoint: database.url, waits: WAITS, patience: PATIENCE });
  const { s3: bucket } = patientClients({ endpoint: store.url, waits: WAITS, patience: PATIENCE });
  const objects = { ...s3Objects(bucket, 'bucket', ''), stored: world.objects.stored };
  return { ...world, objects, attempts: dynamoAttempts(client, tableNames.attempts, objects, world.clock) };
}

/** Rounds, each tried again until it comes to its end, as the queue does. */
async function playInTrouble(world: MemoryWorld, run: RunId): Promise<{ status: RunStatus; failed: number }> {
  const runners = runnersOf(world);
  let reports: JobReport[] = [];
  let failed = 0;
  for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
    try {
      const { status } = await round(world, run, reports);
      if (status !== 'RUNNING' && status !== 'unknown') return { status, failed };
      // What is refused to a runner is refused for good.
      inTrouble(rounds, PASSING);
      reports = await playJobs(runners);
    } catch {
      failed++;
      world.clock.advance(CLAIM_OVERDUE_MS);
    }
    inTrouble(rounds);
  }
  throw new Error(`it has not ended after ${ROUNDS_MAX} rounds`);
}

/** A few requests go well, and then one does not, and so on; each round begins elsewhere among the faults. */
function inTrouble(rounds: number, kinds: readonly Fault[] = FAULTS): void {
  for (const [at, proxy] of proxies.entries()) {
    const faults = kinds.map((_, index) => kinds[(index + rounds + 4 * at) % kinds.length] as Fault);
    proxy.meet(faults.flatMap((fault, index) => [...new Array<null>((index + rounds) % 4).fill(null), fault]));
  }
}

it('a run through every fault ends right: no job is submitted or recorded twice, and no entry is lost', async () => {
  const world = troubledWorld();
  const run = await start(world, expression(), { run: `trouble${Date.now()}` });
  inTrouble(0);
  const { status, failed } = await playInTrouble(world, run);
  for (const proxy of proxies) proxy.meet([]);
  expect(status).toBe('DONE');
  expect(failed).toBeGreaterThan(0);
  const summary = await world.summaries.get(run);
  expect(plain(await loadLarge(world.objects, summary?.result ?? []))).toEqual(RIGHT);
  const names = world.batch.jobs.map(({ request }) => request.name);
  expect(new Set(names).size).toBe(names.length);
  const entries = await world.journal.readAfter(run, 0);
  expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, at) => at + 1));
  const outcomes = entries
    .flatMap(({ facts }) => facts)
    .flatMap((fact) => (fact.type === 'returned' || fact.type === 'failed' ? [`${fact.eval} ${fact.attempt}`] : []));
  expect(new Set(outcomes).size).toBe(outcomes.length);
  expect(world.bus.endings.map((ended) => ended.run)).toContain(run);
});
