/**
 * Every port on AWS behind a proxy that makes trouble, with the clients of the handlers and of the runner: what passes is
 * tried again and ends right, what stays fails in bounded time and says which request it was, and nothing is lost or done
 * twice, also where only the answer was lost.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dynamoAttempts } from '../../core/aws/attempts.ts';
import { batchExecutor } from '../../core/aws/batch/executor.ts';
import { eventBus, parseWakeUp } from '../../core/aws/bus.ts';
import { dynamoCache } from '../../core/aws/cache.ts';
import { awsClients, type ClientSettings } from '../../core/aws/clients.ts';
import { dynamoJournal } from '../../core/aws/journal.ts';
import { s3Objects } from '../../core/aws/objects.ts';
import type { Patience } from '../../core/aws/patience.ts';
import { dynamoSummaries } from '../../core/aws/summaries.ts';
import { type Executor, endOf, type SubmissionRequest, type SubmitOutcome } from '../../core/engine/executor.ts';
import type { Attempts, Clock, Entry, Objects } from '../../core/engine/ports.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, RunId, SubmissionId } from '../../core/values/ids.ts';
import { cloudPorts } from '../../docker/runner/cloud.ts';
import type { Cloud } from '../../local/cloud.ts';
import { openCloud } from '../../local/open-cloud.ts';
import { outcomeOf } from '../contract/attempts.ts';
import { evaluation } from '../contract/cache.ts';
import { summary } from '../contract/summaries.ts';
import { type Event, recordingFunctions } from '../local/shell.ts';
import { startDynamo, type TestDynamo, tableNames } from '../support/dynamo.ts';
import { type Fault, type FaultProxy, faultProxy } from '../support/fault-proxy.ts';
import { type PlainS3, startPlainS3 } from '../support/plain-s3.ts';

type Settings = ClientSettings & { readonly patience: Patience };

/** The time of a runner's call is minutes, outside of tests. What is late comes later than an answer may. */
const SHORT = { waits: { connectionMs: 1_500, answerMs: 1_500 }, patience: { forMs: 10_000, delayMsMax: 50 } };
/** Where nothing gets through anyway. */
const SHORTEST = { waits: { connectionMs: 200, answerMs: 200 }, patience: { forMs: 500, delayMsMax: 50 } };
const USUAL = { waits: { connectionMs: 3_000, answerMs: 10_000 }, patience: { forMs: 60_000 } };
/** A machine under load must not look like trouble where there is none: short only where it has to be waited for. */
const waitingFor = (fault: Fault) => (['silent', 'stall', 'late'].includes(`${fault}`) ? SHORT : USUAL);
const ACCOUNT = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

let dynamo: TestDynamo;
let s3: PlainS3;
let cloud: Cloud;
let folder: string;
/** Past all proxies. */
let objects: Objects;
let executor: Executor;
const events: Event[] = [];
const ended: unknown[] = [];
const proxies: FaultProxy[] = [];

beforeAll(async () => {
  Object.assign(process.env, ACCOUNT);
  folder = mkdtempSync(join(tmpdir(), 'redex-trouble-'));
  const opened = await openCloud({
    folder: join(folder, '.redex'),
    root: folder,
    // The first one holds the whole machine, and all others wait.
    runner: ['/bin/sleep', '100'],
    capacity: { vcpus: 1 },
    environment: process.env,
    functions: () => Promise.resolve(recordingFunctions(events)),
    closeGraceMs: 100,
    wakeUpDelayMs: 0,
  });
  [dynamo, s3, cloud] = [await startDynamo(), await startPlainS3(), opened as Cloud];
  cloud.onRunEnded((detail) => ended.push(detail));
  objects = objectsOf({ endpoint: s3.url });
  executor = executorOf({ endpoint: cloud.environment.AWS_ENDPOINT_URL_BATCH ?? '' });
  await submitted('first' as RunId);
});

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await Promise.all([dynamo.stop(), s3.stop(), cloud.close()]);
  rmSync(folder, { recursive: true, force: true });
  for (const name of Object.keys(ACCOUNT)) delete process.env[name];
});

/** One call of a port, by way of the proxy. */
interface Call {
  readonly made: () => Promise<unknown>;
  /** What it gives when all is well, where that is one thing only. */
  readonly right?: unknown;
  /** How many it takes when all is well; 1 unless told. */
  readonly requests?: number;
  /** Of one that writes: what there is of it, seen past the proxy, before and after it was done. */
  readonly written?: {
    readonly seen: () => Promise<unknown> | unknown;
    readonly before: unknown;
    readonly after: unknown;
  };
}

type Service = 'dynamo' | 's3' | 'cloud';
type Prepared = (settings: Settings, run: RunId) => Promise<Call> | Call;

let nonces = 0;
const clock: Clock = { now: Date.now, nonce: () => `nonce${nonces++}`, sleep: (ms) => sleep(ms) };
const hash = digest('test', 'work') as EvalHash;
const BYTES = Buffer.alloc(5_000, 'x');

const journalOf = (client = dynamo.client) => dynamoJournal(client, tableNames.runs, objects);
const summariesOf = (client = dynamo.client) => dynamoSummaries(client, tableNames.runs, objects);
const cacheOf = (client = dynamo.client) => dynamoCache(client, tableNames.cache, objects, clock);
const attemptsOf = (client = dynamo.client) => dynamoAttempts(client, tableNames.attempts, objects, clock);
const objectsOf = (settings: ClientSettings) => s3Objects(awsClients({ local: false, ...settings }).s3, 'bucket', 'p/');
const handlers = (settings: ClientSettings) => awsClients({ local: true, ...settings });
const runner = (settings: Settings) =>
  cloudPorts({ kind: 's3', bucket: 'bucket', prefix: 'p/' }, tableNames.attempts, settings);

const entryOf = (run: RunId): Entry => ({ run, sequence: 1, nonce: 'abc', at: 5, facts: [] });

function claimed(attempts: Attempts, run: RunId, holder = 'job'): Call {
  const read = () => attemptsOf().read(run, [hash]);
  const after = new Map([[hash, { attempt: 1, holder }]]);
  const written = { seen: read, before: new Map(), after };
  return { made: () => attempts.claim(run, hash, 1, holder), right: 'claimed', written };
}

async function finished(attempts: Attempts, run: RunId): Promise<Call> {
  await attemptsOf().claim(run, hash, 1, 'job');
  const outcome = outcomeOf('x');
  const seen = async () => (await attemptsOf().read(run, [hash])).get(hash)?.outcome;
  const written = { seen, before: undefined, after: outcome };
  return { made: () => attempts.finish(run, hash, 1, 'job', outcome), right: 'recorded', written };
}

function stored(port: Objects, run: RunId): Call {
  const seen = () => objects.get(`values/${run}`).then((bytes) => bytes?.length);
  const written = { seen, before: undefined, after: BYTES.length };
  return { made: () => port.put(`values/${run}`, BYTES), written };
}

async function fetched(port: Objects, run: RunId): Promise<Call> {
  await objects.put(`values/${run}`, BYTES);
  return { made: async () => Buffer.from((await port.get(`values/${run}`)) ?? []).equals(BYTES), right: true };
}

const executorOf = (settings: ClientSettings) =>
  batchExecutor(handlers(settings), {
    stack: 'local',
    store: join(folder, 'store'),
    attemptsTable: undefined,
    filesRoot: undefined,
    queue: 'local',
    local: true,
  });

const requestOf = (run: RunId): SubmissionRequest => ({
  name: `redex_local_${run}_s1`,
  run,
  submission: 's1' as SubmissionId,
  spec: 'specs/abc',
  size: 1,
  resources: { vcpus: 1, memory: 1, timeoutSeconds: 100 },
});

/** A job that waits for ever, since another one has the whole machine. */
async function submitted(run: RunId): Promise<string> {
  const outcome = await executor.submit(requestOf(run));
  if (outcome.kind !== 'accepted') throw new Error(JSON.stringify(outcome));
  return outcome.id;
}

const busOf = (settings: ClientSettings) =>
  eventBus(handlers(settings), { bus: 'default', queue: 'http://127.0.0.1/events' }, 'local');

/** All calls of all ports by the service that answers them, but SubmitJob, of which nobody may try twice. */
const CALLS: Readonly<Record<Service, Readonly<Record<string, Prepared>>>> = {
  dynamo: {
    'appending to the journal': (settings, run) => {
      const entry = entryOf(run);
      const seen = () => journalOf().readAfter(run, 0);
      const made = () => journalOf(handlers(settings).dynamo).append(entry);
      // A second try may find the first one's entry, which a round knows for its own.
      return { made, written: { seen, before: [], after: [entry] } };
    },
    'reading the journal': async (settings, run) => {
      await journalOf().append(entryOf(run));
      return { made: () => journalOf(handlers(settings).dynamo).readAfter(run, 0), right: [entryOf(run)] };
    },
    'putting a summary': (settings, run) => {
      const one = summary({ run });
      const written = { seen: () => summariesOf().get(run), before: undefined, after: one };
      return { made: () => summariesOf(handlers(settings).dynamo).put(one), written };
    },
    'getting a summary': async (settings, run) => {
      const one = summary({ run });
      await summariesOf().put(one);
      return { made: () => summariesOf(handlers(settings).dynamo).get(run), right: one };
    },
    'writing to the cache': (settings) => {
      const some = [evaluation(), evaluation()];
      const evals = some.map((one) => one.hash);
      const after = new Map(some.map((one) => [one.hash, one]));
      const written = { seen: () => cacheOf().read(evals), before: new Map(), after };
      return { made: () => cacheOf(handlers(settings).dynamo).write(some), written };
    },
    'reading the cache': async (settings) => {
      const one = evaluation();
      await cacheOf().write([one]);
      const made = () => cacheOf(handlers(settings).dynamo).read([one.hash]);
      return { made, right: new Map([[one.hash, one]]) };
    },
    'claiming work': (settings, run) => claimed(attemptsOf(handlers(settings).dynamo), run),
    'claiming work, of a runner': (settings, run) => claimed(runner(settings).attempts, run),
    'recording an outcome': (settings, run) => finished(attemptsOf(handlers(settings).dynamo), run),
    'recording an outcome, of a runner': (settings, run) => finished(runner(settings).attempts, run),
    'asking who holds work': async (settings, run) => {
      await attemptsOf().claim(run, hash, 1, 'job');
      return { made: () => runner(settings).attempts.holds(run, hash, 1, 'job'), right: true };
    },
    'reading attempts': async (settings, run) => {
      await attemptsOf().claim(run, hash, 1, 'job');
      const right = new Map([[hash, { attempt: 1, holder: 'job' }]]);
      return { made: () => attemptsOf(handlers(settings).dynamo).read(run, [hash]), right };
    },
    'cancelling a run': async (settings, run) => {
      await attemptsOf().claim(run, hash, 1, 'job');
      const written = { seen: () => attemptsOf().holds(run, hash, 1, 'job'), before: true, after: false };
      return { made: () => attemptsOf(handlers(settings).dynamo).cancel(run), requests: 16, written };
    },
    'reopening a run': async (settings, run) => {
      await attemptsOf().claim(run, hash, 1, 'job');
      await attemptsOf().cancel(run);
      const written = { seen: () => attemptsOf().holds(run, hash, 1, 'job'), before: false, after: true };
      return { made: () => attemptsOf(handlers(settings).dynamo).reopen(run), requests: 16, written };
    },
  },
  s3: {
    'putting an object': (settings, run) => stored(objectsOf(settings), run),
    'putting an object, of a runner': (settings, run) => stored(runner(settings).objects, run),
    'getting an object': (settings, run) => fetched(objectsOf(settings), run),
    'getting an object, of a runner': (settings, run) => fetched(runner(settings).objects, run),
  },
  cloud: {
    'finding a job': async (settings, run) => {
      const id = await submitted(run);
      return { made: () => executorOf(settings).find(requestOf(run).name, undefined), right: [id] };
    },
    'looking at a job': async (settings, run) => {
      const id = await submitted(run);
      return {
        made: async () => (await executorOf(settings).look([{ submission: id }])).map(({ job }) => job.submission),
        right: [id],
      };
    },
    'stopping a job': async (settings, run) => {
      const id = await submitted(run);
      const seen = async () => (await executor.look([{ submission: id }])).map(endOf)[0]?.said;
      return {
        made: () => executorOf(settings).stop(id, 'cancelling'),
        written: { seen, before: undefined, after: 'the run was cancelled' },
      };
    },
    'waking a run': (settings, run) => {
      const seen = () => events.some((event) => parseWakeUp(event)?.run === run);
      return { made: () => busOf(settings).wake(run, 'soon'), written: { seen, before: false, after: true } };
    },
    'telling the end of a run': (settings, run) => {
      const seen = () => ended.some((detail) => (detail as { run: RunId }).run === run);
      return { made: () => busOf(settings).ended(summary({ run })), written: { seen, before: false, after: true } };
    },
  },
};

let runs = 0;

/** A proxy before the service, for one call. */
async function proxied(service: Service): Promise<{ proxy: FaultProxy; endpoint: string; run: RunId }> {
  const batch = cloud.environment.AWS_ENDPOINT_URL_BATCH ?? '';
  const proxy = await faultProxy({ dynamo: dynamo.endpoint, s3: s3.url, cloud: batch }[service]);
  proxies.push(proxy);
  const endpoint = proxy.url + (service === 'cloud' ? new URL(batch).pathname : '');
  return { proxy, endpoint, run: `run${runs++}` as RunId };
}

/** The trial of every call, all at once. */
function eachCall(
  trial: (call: Call, proxy: FaultProxy, name: string) => Promise<void>,
  settings: Omit<Settings, 'endpoint'>,
): Promise<unknown> {
  const trials = (Object.keys(CALLS) as Service[]).flatMap((service) =>
    Object.entries(CALLS[service]).map(async ([name, prepare]) => {
      const { proxy, endpoint, run } = await proxied(service);
      await trial(await prepare({ ...settings, endpoint }, run), proxy, name);
    }),
  );
  return Promise.all(trials);
}

async function expectDone({ made, right, written }: Call, name: string): Promise<void> {
  const given = await made().catch((error: unknown) => {
    throw new Error(`${name} failed`, { cause: error });
  });
  if (right !== undefined) expect(given, name).toEqual(right);
  if (written) await vi.waitFor(async () => expect(await written.seen(), name).toEqual(written.after), 5_000);
}

/** A write is done, or it is not; never by half. */
async function expectDoneOrNot({ written }: Call, name: string): Promise<void> {
  if (!written) return;
  const seen = await written.seen();
  expect([written.before, written.after], name).toContainEqual(seen);
}

const PASSING: Fault[] = [429, 'silent', 'stall', 'cut', 'reset', 'late', 503];
/** `DynamoDB PutItem: …`, `s3://bucket/key cannot be read: …` */
const BY_NAME =
  /^((DynamoDB|Batch|EventBridge|SQS) [A-Z][A-Za-z]+|s3:\/\/bucket\/p\/values\/run\d+ cannot be (read|written)): ./;

describe('trouble between a port and its service that passes', () => {
  beforeAll(() => vi.stubEnv('AWS_MAX_ATTEMPTS', '10'));
  afterAll(() => vi.unstubAllEnvs());

  it.each(PASSING)('(%s) is not seen: the call is made again', async (fault) => {
    await eachCall(async (call, proxy, name) => {
      proxy.meet([fault]);
      await expectDone(call, name);
      expect(proxy.seen.length, name).toBeGreaterThan(call.requests ?? 1);
    }, waitingFor(fault));
  });
});

describe('trouble between a port and its service', () => {
  it.concurrent.each(PASSING)('that stays (%s) fails the call by name after a few tries', async (fault) => {
    await eachCall(async (call, proxy, name) => {
      proxy.meet([], fault);
      await expect(call.made(), name).rejects.toThrow(BY_NAME);
      await expectDoneOrNot(call, name);
    }, SHORTEST);
  });

  it.concurrent.each([400, 403] as const)('that is a refusal (%s) fails the call at once by name', async (fault) => {
    await eachCall(async (call, proxy, name) => {
      proxy.meet([], fault);
      await expect(call.made(), name).rejects.toThrow(BY_NAME);
      expect(proxy.seen.length, name).toBeLessThanOrEqual(call.requests ?? 1);
      if (call.written) expect(await call.written.seen(), name).toEqual(call.written.before);
    }, USUAL);
  });

  it.concurrent('that is only slowness is waited for: no call is made twice', async () => {
    await eachCall(async (call, proxy, name) => {
      proxy.meet(['late']);
      await expectDone(call, name);
      if (call.requests === undefined) expect(new Set(proxy.seen).size, name).toBe(proxy.seen.length);
      else expect(proxy.seen, name).toHaveLength(call.requests);
    }, USUAL);
  });
});

describe('trouble on the way of a job to Batch', () => {
  const SUBMISSIONS: [Fault, SubmitOutcome['kind'], number][] = [
    ['silent', 'unknown', 0],
    ['stall', 'unknown', 1],
    ['cut', 'unknown', 1],
    ['reset', 'unknown', 0],
    ['late', 'unknown', 1],
    [400, 'refused', 0],
    [403, 'denied', 0],
    [429, 'throttled', 0],
    [500, 'unknown', 0],
    [503, 'unknown', 0],
  ];

  it.concurrent.each(SUBMISSIONS)('(%s) is told as %s: %i are there, and never two', async (fault, kind, count) => {
    const { proxy, endpoint, run } = await proxied('cloud');
    const troubled = executorOf({ ...waitingFor(fault), endpoint });
    // From now on it knows the job definition.
    await troubled.submit(requestOf(`${run}other` as RunId));
    proxy.meet([], fault);
    expect((await troubled.submit(requestOf(run))).kind).toBe(kind);
    expect(proxy.seen).toEqual([expect.stringMatching(/submitjob/)]);
    const found = async () => expect(await executor.find(requestOf(run).name, undefined)).toHaveLength(count);
    await vi.waitFor(found, 5_000);
  });
});
