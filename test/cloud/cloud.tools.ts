/** The packaged stack on an AWS that nobody here wrote: whole runs, by every way in. */
import { readFileSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redex, runEnd } from '../e2e/command.ts';
import { httpEvent } from '../support/lambda-events.ts';
import { hasMoto } from '../support/moto.ts';
import { RUN, writeInputs } from '../workflow/inputs.ts';
import { makeProject, type Project } from '../workflow/project.ts';
import { grantsOf, isGranted } from './grants.ts';
import { BUCKET, type CloudWorld, deployCode, openCloudWorld } from './world.ts';

const CLOUD = `import { script, task, v } from '../../core/index.ts';
export const quick = task('cloud.quick', { params: v.object({ n: v.optional(v.number(), 1) }) }, ({ n }) => n + 1);
export const slow = task('cloud.slow', { params: v.object({}) }, () => script('sleep 60'));
const half = task('cloud.half', { executor: 'batch' }, (n: number) => n / 2);
export const many = task('cloud.many', { params: v.object({ to: v.number() }) }, ({ to }) =>
  Array.from({ length: to }, (_, n) => half(n)));
export const flaky = task('cloud.flaky', { params: v.object({ gate: v.file() }) }, ({ gate }) =>
  [half(40), script('test "$(cat gate)" = open', { inputs: [gate.stage('gate')] })]);
`;

interface Summary {
  readonly run: string;
  readonly status: string;
  readonly result?: readonly unknown[];
  readonly traceback?: string;
  readonly tally: Readonly<Record<string, { readonly done: number; readonly cached: number; readonly failed: number }>>;
}

describe.skipIf(!hasMoto())('the packaged stack', () => {
  let world: CloudWorld;
  let tour: Project;

  beforeAll(async () => {
    // A sweep that looks at jobs of a second ago, as the real one does at those of five minutes.
    world = await openCloudWorld(afterAll, { sweep: { REDEX_SWEEP_SECONDS: '1' } });
    tour = await makeProject();
    await writeInputs(tour.folder);
    await mkdir(join(tour.folder, 'workflows/cloud'));
    await writeFile(join(tour.folder, 'workflows/cloud/workflow.ts'), CLOUD);
    for (const path of await readdir(join(tour.folder, 'in'), { recursive: true, withFileTypes: true })) {
      if (!path.isFile()) continue;
      const file = join(path.parentPath, path.name);
      const Key = file.slice(tour.folder.length + 1);
      await world.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: readFileSync(file) }));
    }
    deployCode(world, tour.folder, '--profile', 'debian');
  });

  afterAll(async () => {
    await world?.close();
    await tour?.remove();
  });

  const start = async (request: object): Promise<string> => {
    const answer = (await world.invoke('start', request)) as { run?: string; errors?: string[] };
    if (answer.run === undefined) throw new Error(JSON.stringify(answer));
    return answer.run;
  };
  /** As whoever names the run may: asked again it is the same one. */
  const startAnyway = async (request: object): Promise<string> => {
    for (let tries = 0; ; tries++) {
      try {
        return await start(request);
      } catch (error) {
        if (tries > 10) throw error;
      }
    }
  };
  const status = (run: string) => world.invoke('status', { run }) as Promise<Summary>;
  const ended = async (run: string): Promise<Summary> => {
    await world.settle();
    return status(run);
  };
  const counts = ({ tally }: Pick<Summary, 'tally'>) =>
    Object.entries(tally).reduce(
      (sum, [, { done, cached, failed }]) => ({
        done: sum.done + done,
        cached: sum.cached + cached,
        failed: sum.failed + failed,
      }),
      { done: 0, cached: 0, failed: 0 },
    );

  it('runs the bioinformatics workflow with the values and counts that it has on a laptop, and then from the cache', async () => {
    const local = runEnd(await redex(tour.folder, 'run', ...RUN, '--json'));
    const args = { samplesFile: `s3://${BUCKET}/in/samples.txt`, outputPath: `s3://${BUCKET}/out` };
    const summary = await ended(await start({ workflow: 'bioinfo_batch.main', args }));
    expect(summary.traceback).toBeUndefined();
    expect(summary).toMatchObject({ status: 'DONE' });
    expect(counts(summary)).toEqual(counts(local as never));
    const { Contents = [] } = await world.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'out/' }));
    expect(Contents.length).toBeGreaterThan(20);
    for (const { Key = '' } of Contents) {
      const { Body } = await world.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      const here = readFileSync(join(tour.folder, Key));
      expect([Key, Buffer.from((await Body?.transformToByteArray()) ?? []).equals(here)]).toEqual([Key, true]);
    }
    const jobs = world.machines.count;
    const again = await ended(await start({ workflow: 'bioinfo_batch.main', args }));
    expect(again).toMatchObject({ status: 'DONE', result: summary.result });
    expect(world.machines.count).toBe(jobs);
  });

  it('answers over HTTP: starts, tells, refuses', async () => {
    const post = (body: string) => world.invoke('start', httpEvent('POST', { body }));
    const created = (await post('{"workflow":"cloud.quick"}')) as { statusCode: number; body: string };
    expect(created.statusCode).toBeLessThan(300);
    const { run } = JSON.parse(created.body);
    await world.settle();
    const told = (await world.invoke('status', httpEvent('GET', { path: { run } }))) as {
      statusCode: number;
      body: string;
    };
    expect(JSON.parse(told.body)).toMatchObject({ run, status: 'DONE' });
    const get = async (name: string, path: Record<string, string>, query: Record<string, string> = {}) => {
      const event = { ...(httpEvent('GET', { path }) as object), queryStringParameters: query };
      return JSON.parse(((await world.invoke(name, event)) as { body: string }).body);
    };
    expect(await get('runs', {}, { workflow: 'cloud.quick', limit: '1' })).toMatchObject({ runs: [{ run }] });
    const { jobs } = await get('jobs', { run });
    expect(await get('jobhistory', { run, job: jobs[0].id })).toEqual(jobs[0]);
    expect((await get('workflows', {})).workflows.map(({ name }: { name: string }) => name)).toContain('cloud.quick');
    expect(await get('workflow', { workflow: 'cloud.quick' })).toMatchObject({ params: { type: 'object' } });
    expect(await post('{"workflow":"cloud.none"}')).toMatchObject({ statusCode: 400 });
    expect(await world.invoke('status', httpEvent('GET', { path: { run: 'none' } }))).toMatchObject({
      statusCode: 404,
    });
  });

  it('starts a run for each manifest, once however often S3 tells of it, and answers beside it', async () => {
    await world.put('manifests/cloud.quick/one.json', '{}', 3);
    await world.put('manifests/cloud.quick/one.json', '{}', 3);
    await world.put('manifests/cloud.quick/bad.json', '{', 3);
    await world.put('elsewhere/cloud.quick/one.json', '{}', 3);
    await world.settle();
    const listed = await world.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'manifest-answers/' }));
    const answers = await Promise.all(
      (listed.Contents ?? []).map(async ({ Key }) => {
        const { Body } = await world.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
        return JSON.parse((await Body?.transformToString()) ?? '') as { run?: string; errors?: string[] };
      }),
    );
    expect(answers.filter(({ errors }) => errors)).toHaveLength(1);
    const runs = answers.flatMap(({ run }) => run ?? []);
    expect(new Set(runs).size).toBe(2);
    for (const run of runs) expect(await status(run)).toMatchObject({ status: 'DONE' });
  });

  it('cancels a run, whose jobs end with it', async () => {
    const run = await start({ workflow: 'cloud.slow' });
    const before = Date.now();
    const settled = world.settle();
    while (world.machines.running === 0) await new Promise((done) => setTimeout(done, 100));
    expect(await world.invoke('cancel', { run, reason: 'enough' })).toMatchObject({ run });
    await settled;
    expect(await ended(run)).toMatchObject({ status: 'CANCELLED' });
    expect(Date.now() - before).toBeLessThan(50_000);
  });

  it('takes a failed run up again, and does only what is missing', async () => {
    const gate = `s3://${BUCKET}/gate.txt`;
    await world.put('gate.txt', 'shut');
    const run = await start({ workflow: 'cloud.flaky', args: { gate } });
    expect(await ended(run)).toMatchObject({ status: 'FAILED', traceback: expect.stringContaining('exit code 1') });
    const jobs = world.machines.count;
    expect(await world.invoke('retry', { run })).toMatchObject({ run });
    expect(await ended(run)).toMatchObject({ status: 'FAILED' });
    expect(world.machines.count - jobs).toBe(1);
    await world.put('gate.txt', 'open');
    const next = await ended(await start({ workflow: 'cloud.flaky', args: { gate } }));
    expect(next).toMatchObject({ status: 'DONE', tally: { 'cloud.half': { cached: 1 } } });
    expect(world.machines.count - jobs).toBe(2);
  });

  it('loses nothing when events are lost: the sweep asks Batch how its jobs are', async () => {
    world.deliveries = () => 0;
    const run = await start({ workflow: 'cloud.many', args: { to: 5 } });
    await world.settle();
    expect(await status(run)).toMatchObject({ status: 'RUNNING' });
    world.deliveries = () => 1;
    // Until the time of the call that sent the jobs is over, nobody asks: it may be about to say more.
    while ((await status(run)).status === 'RUNNING') {
      expect(await world.invoke('sweep', {})).toMatchObject({ failures: [] });
      await new Promise((done) => setTimeout(done, 500));
    }
    expect(await ended(run)).toMatchObject({
      status: 'DONE',
      tally: { 'cloud.half': { done: 5, failed: 0 } },
    });
  });

  it('counts an event once that comes three times', async () => {
    world.deliveries = () => 3;
    const run = await start({ workflow: 'cloud.many', args: { to: 4 }, cache: false });
    expect(await ended(run)).toMatchObject({ status: 'DONE' });
    expect((await status(run)).tally['cloud.half']).toMatchObject({ done: 4, failed: 0 });
    world.deliveries = () => 1;
  });

  it('comes to the same through trouble with every service, and submits no job twice', {
    timeout: 240_000,
  }, async () => {
    const TROUBLE = ['reset', 503, 'late', 'lost answer', 429] as const;
    let requests = 0;
    world.trouble = () => (++requests % 11 === 0 ? TROUBLE[(requests / 11) % TROUBLE.length] : undefined);
    const jobs = world.machines.count;
    const run = await startAnyway({ workflow: 'cloud.many', args: { to: 8 }, cache: false, run: 'troubled' });
    const deadline = Date.now() + 200_000;
    for (;;) {
      await world.settle();
      const summary = await status(run).catch(() => undefined);
      if (summary && summary.status !== 'RUNNING') break;
      expect(Date.now()).toBeLessThan(deadline);
      await world.invoke('sweep', {}).catch(() => undefined);
      await new Promise((done) => setTimeout(done, 1_000));
    }
    world.trouble = () => undefined;
    expect(requests).toBeGreaterThan(50);
    expect(await status(run)).toMatchObject({ status: 'DONE', tally: { 'cloud.half': { done: 8, failed: 0 } } });
    expect(world.machines.count - jobs).toBe(8);
  });

  it('asks for nothing that its roles do not grant', () => {
    const refused = world.needs.filter((need) => !isGranted(world.template, need));
    expect([...new Set(refused.map(({ who, action, resource }) => `${who}: ${action} on ${resource}`))]).toEqual([]);
    expect(new Set(world.needs.map(({ who }) => who)).size).toBeGreaterThan(6);
  });

  it('is granted nothing that nobody asks for, but what is said to be for something else', () => {
    const unused = grantsOf(world.template).filter(({ who, action }) => {
      const used = world.needs.some((need) => kindOf(need.who) === kindOf(who) && need.action === action);
      return !used && !(action in EXPLAINED) && !(`${kindOf(who)}: ${action}` in EXPLAINED);
    });
    expect(unused.map(({ who, action }) => `${who}: ${action}`)).toEqual([]);
  });
});

/** Of one kind, what one has to do another may have to. */
const KINDS: Readonly<Record<string, string>> = {
  advance: 'rounds',
  sweep: 'rounds',
  start: 'beginning',
  manifest: 'beginning',
};

function kindOf(who: string): string {
  return KINDS[who] ?? who;
}

/** What these runs need not give anybody a reason to ask for, and who has one. */
const EXPLAINED: Readonly<Record<string, string>> = {
  'logs:CreateLogStream': 'Lambda, on the function’s behalf',
  'logs:PutLogEvents': 'Lambda, on the function’s behalf',
  'sqs:ReceiveMessage': 'Lambda, on the function’s behalf',
  'sqs:DeleteMessage': 'Lambda, on the function’s behalf',
  'sqs:GetQueueAttributes': 'Lambda, on the function’s behalf',
  'sqs:ChangeMessageVisibility': 'advance, where a round fails',
  'rounds: dynamodb:UpdateItem': 'moving an expiry that is a day old',
  'rounds: sqs:SendMessage': 'a run for which a round had no time left',
  'beginning: dynamodb:Query': 'two requests for one run that come at once',
  'beginning: s3:PutObject': 'arguments that are too large for an item',
  'beginning: s3:ListBucket': 'a bundle that is not there',
  'cancel: s3:GetObject': 'a summary that is too large for an item',
  'cancel: s3:PutObject': 'an entry that is too large for an item',
  'cancel: s3:ListBucket': 'an object that is not there, which is told from one that is refused',
  'retry: dynamodb:Query': 'a summary that was damaged and is written anew',
  'retry: s3:GetObject': 'a summary that is too large for an item',
  'retry: s3:PutObject': 'a summary that is too large for an item',
  'retry: s3:ListBucket': 'an object that is not there, which is told from one that is refused',
  'retry: events:PutEvents': 'a summary that was damaged and is written anew',
  's3:GetObjectTagging': 'copies of objects that have tags',
  's3:PutObjectTagging': 'copies of objects that have tags',
  's3:DeleteObject': 'a directory that is written anew',
  's3:AbortMultipartUpload': 'a large file that cannot be written',
  'batch:TagResource': 'executors with tags',
  'runs: s3:GetObject': 'a summary that is too large for an item',
  'jobs: s3:GetObject': 'an entry that is too large for an item',
  'jobhistory: s3:GetObject': 'an entry that is too large for an item',
  'status: s3:GetObject': 'a result that is too large for an item',
  'job: s3:ListBucket': 'a file that is not there, which is told from one that is refused',
  'batch:ListJobs': 'a submission whose answer did not come',
};
