/** The packaged stack in trouble: services that fail, deny, are slow or silent, machines and events that are lost. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededChaos } from '../../local/chaos.ts';
import { type RunEnd, redex, runEnd } from '../e2e/command.ts';
import { hasMoto } from '../support/moto.ts';
import { RUN } from '../workflow/inputs.ts';
import { countsOf, type Deployed, openDeployed, type Summary, seedRequest } from './deployed.ts';
import type { Request, Trouble } from './gate.ts';
import { isGranted } from './grants.ts';
import { BUCKET, type CloudWorld } from './world.ts';

/** Of which each is met in its turn. What is silent costs a client its whole patience: ten seconds, and a try. */
const TROUBLE = ['reset', 503, 'late', 'lost answer', 429, 403, 'late', 503, 429, 'silent'] as const;
/** Of `workflows/bioinfo-batch` at Batch. */
const JOBS = 22;
/** Every so many requests meet some. */
const PERIOD = 11;

/**
 * A denial is an answer like others where files are concerned: it ends a job, or a call whose file cannot be looked at. So
 * it comes where it may pass by itself. And submissions of which nobody knows whether they arrived are looked up when the
 * deadline of whoever sent them is a minute past: one is enough.
 */
function isFair({ who, action }: Request, trouble: Trouble): boolean {
  if (action === 'batch:SubmitJob') return trouble === 'late' || trouble === 'lost answer' || trouble === 429;
  return trouble !== 403 || (who !== 'job' && /^(dynamodb|sqs|events|batch):/.test(action));
}

describe.skipIf(!hasMoto())('the packaged stack in trouble', () => {
  let deployed: Deployed;
  let world: CloudWorld;
  let local: RunEnd;

  beforeAll(async () => {
    // A sweep that looks at jobs of a second ago, and functions that are over sooner: as minutes are on AWS, seconds are here.
    deployed = await openDeployed(afterAll, {
      variables: { sweep: { REDEX_SWEEP_SECONDS: '1' } },
      seconds: { advance: 20, sweep: 20, start: 20 },
    });
    world = deployed.world;
    local = runEnd(await redex(deployed.folder, 'run', ...RUN, '--json'));
  });

  afterAll(() => deployed?.close());

  /** Their summaries, as long as that takes. */
  const ended = async (runs: readonly string[], timeMs: number): Promise<Summary[]> => {
    const deadline = Date.now() + timeMs;
    for (;;) {
      await world.settle();
      const summaries = await Promise.all(runs.map((run) => deployed.status(run).catch(() => undefined)));
      const over = summaries.flatMap((summary) => (summary && summary.status !== 'RUNNING' ? [summary] : []));
      if (over.length === runs.length) return over;
      if (Date.now() > deadline) throw new Error(`these have not ended: ${JSON.stringify(summaries)}`);
      await world.invoke('sweep', {}).catch(() => undefined);
      await new Promise((done) => setTimeout(done, 1_000));
    }
  };

  /** The files below the folder of the bucket, each as it is on a laptop, below `out`. */
  const expectOutputs = async (below: string): Promise<void> => {
    const { Contents = [] } = await world.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${below}/` }));
    expect(Contents.length).toBeGreaterThan(20);
    for (const { Key = '' } of Contents) {
      const { Body } = await world.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      const here = readFileSync(join(deployed.folder, 'out', Key.slice(below.length + 1)));
      expect([Key, Buffer.from((await Body?.transformToByteArray()) ?? []).equals(here)]).toEqual([Key, true]);
    }
  };

  it('comes to the same through trouble with every service, and submits no job twice', {
    timeout: 240_000,
  }, async () => {
    // One submission is not heard of, and one is denied.
    const first: Trouble[] = ['silent', 403];
    let [untroubled, met] = [0, 0];
    world.trouble = (request) => {
      const planned = request.action === 'batch:SubmitJob' ? first.shift() : undefined;
      if (planned !== undefined) return planned;
      const trouble = TROUBLE[met % TROUBLE.length] as Trouble;
      if (++untroubled < PERIOD || !isFair(request, trouble)) return undefined;
      untroubled = 0;
      met++;
      return trouble;
    };
    const jobs = world.machines.count;
    const many = { workflow: 'cloud.many', args: { to: 4 }, cache: false };
    for (const run of ['silent', 'denied']) await deployed.startAnyway({ ...many, run });
    await deployed.startAnyway({ ...seedRequest('troubled'), cache: false, run: 'troubled' });
    const [silent, denied, seed] = (await ended(['silent', 'denied', 'troubled'], 220_000)) as [
      Summary,
      Summary,
      Summary,
    ];
    world.trouble = () => undefined;
    expect(first).toEqual([]);
    expect(met).toBeGreaterThan(2 * TROUBLE.length);
    for (const summary of [silent, denied]) {
      expect(summary).toMatchObject({ status: 'DONE', tally: { 'cloud.half': { done: 4, failed: 0 } } });
    }
    expect(seed.traceback).toBeUndefined();
    expect(countsOf(seed)).toEqual(countsOf(local));
    await expectOutputs('troubled');
    expect(world.machines.count - jobs).toBe(4 + 4 + JOBS);
  });

  it('comes to the same when machines and events are lost, and events come twice and late', {
    timeout: 240_000,
  }, async () => {
    const { deliveries, lossOfMachine } = seededChaos(1);
    let lostEvents = 0;
    world.deliveries = () => {
      const delays = deliveries();
      if (delays.length === 0) lostEvents++;
      return delays;
    };
    // Jobs are over within a second here.
    world.lossOfMachine = () => {
      const ms = lossOfMachine();
      return ms && ms / 10;
    };
    const run = await deployed.start({ ...seedRequest('chaos'), cache: false });
    const [summary] = (await ended([run], 220_000)) as [Summary];
    world.deliveries = () => [0];
    world.lossOfMachine = () => undefined;
    expect(world.machines.lost).toBeGreaterThan(0);
    expect(lostEvents).toBeGreaterThan(0);
    expect(summary).toMatchObject({ status: 'DONE' });
    expect(countsOf(summary)).toEqual(countsOf(local));
    await expectOutputs('chaos');
  });

  it('asks for nothing that its roles do not grant', () => {
    const refused = world.needs.filter((need) => !isGranted(world.template, need));
    expect([...new Set(refused.map(({ who, action, resource }) => `${who}: ${action} on ${resource}`))]).toEqual([]);
  });
});
