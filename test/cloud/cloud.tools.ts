/** The packaged stack on an AWS that nobody here wrote: whole runs, by every way in. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Table } from '../../core/values/table.ts';
import { redex, runEnd } from '../e2e/command.ts';
import { ROOT } from '../stack/template.ts';
import { httpEvent } from '../support/lambda-events.ts';
import { hasMoto } from '../support/moto.ts';
import { plain } from '../support/play.ts';
import { RUN } from '../workflow/inputs.ts';
import { countsOf, type Deployed, openDeployed, type Summary, seedRequest } from './deployed.ts';
import { COMMAND_LINE, isGranted, unusedGrants } from './grants.ts';
import { BUCKET, type CloudWorld } from './world.ts';

interface ManifestAnswer {
  readonly run?: string;
  readonly version?: string;
  readonly errors?: readonly string[];
}

/** Lines of the README that start a run. */
const INVOCATIONS = readFileSync(join(ROOT, 'README.md'), 'utf8').match(/^npx serverless invoke .*$/gm) ?? [];

/** What a line of a shell prints. Standard error says what the framework does meanwhile. */
function shell(line: string, variables: Readonly<Record<string, string>>): Promise<string> {
  // As after `npm ci`, whose programs npx takes.
  const options = { cwd: ROOT, env: { PATH: process.env.PATH, HOME: tmpdir(), ...variables } };
  return new Promise((resolve, reject) => {
    execFile('bash', ['-euc', line], options, (error, stdout, stderr) =>
      error ? reject(new Error(`${stdout}\n${stderr}`, { cause: error })) : resolve(stdout),
    );
  });
}

function resultOf({ result }: Summary): unknown {
  return result && plain(result as Table);
}

describe.skipIf(!hasMoto())('the packaged stack', () => {
  let deployed: Deployed;
  let world: CloudWorld;

  beforeAll(async () => {
    // A sweep that looks at jobs of a second ago, as the real one does at those of five minutes.
    deployed = await openDeployed(afterAll, { variables: { sweep: { REDEX_SWEEP_SECONDS: '1' } } });
    world = deployed.world;
  });

  afterAll(() => deployed?.close());

  const start = (request: object) => deployed.start(request);
  const status = (run: string) => deployed.status(run);
  const ended = (run: string) => deployed.ended(run);

  it('runs the bioinformatics workflow with the values and counts that it has on a laptop, and then from the cache', async () => {
    const local = runEnd(await redex(deployed.folder, 'run', ...RUN, '--json'));
    const summary = await ended(await start(seedRequest('out')));
    expect(summary.traceback).toBeUndefined();
    expect(summary).toMatchObject({ status: 'DONE' });
    expect(countsOf(summary)).toEqual(countsOf(local));
    const { Contents = [] } = await world.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'out/' }));
    expect(Contents.length).toBeGreaterThan(20);
    for (const { Key = '' } of Contents) {
      const { Body } = await world.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      const here = readFileSync(join(deployed.folder, Key));
      expect([Key, Buffer.from((await Body?.transformToByteArray()) ?? []).equals(here)]).toEqual([Key, true]);
    }
    const jobs = world.machines.count;
    const again = await ended(await start(seedRequest('out')));
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
    expect(await get('jobhistory', { run, job: jobs[0].id })).toMatchObject(jobs[0]);
    expect((await get('workflows', {})).workflows.map(({ name }: { name: string }) => name)).toContain('cloud.quick');
    expect(await get('workflow', { workflow: 'cloud.quick' })).toMatchObject({ params: { type: 'object' } });
    expect(await post('{"workflow":"cloud.none"}')).toMatchObject({ statusCode: 400 });
    expect(await world.invoke('status', httpEvent('GET', { path: { run: 'none' } }))).toMatchObject({
      statusCode: 404,
    });
  });

  it.each(INVOCATIONS)('starts a run by the words of the README: %s', async (line) => {
    const { run } = JSON.parse(await shell(line.replace('BUCKET', BUCKET), world.environment)) as { run: string };
    expect(await ended(run)).toMatchObject({ status: 'DONE', workflow: 'hello.say_hello' });
    const { Body } = await world.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'hello/greeting.txt' }));
    expect(await Body?.transformToString()).toBe('Hello, world!\n');
  });

  it('takes a run on with the code that it began with, whatever was deployed since, and makes new ones of that', async () => {
    const run = await start({ workflow: 'cloud.pinned' });
    await deployed.deploy('of A', 'of B');
    expect(resultOf(await ended(run))).toEqual(['job of A 1', 'inline of A 1', ['job of A 501', 'inline of A 501']]);
    const next = await ended(await start({ workflow: 'cloud.pinned' }));
    expect(resultOf(next)).toEqual(['job of B 1', 'inline of B 1', ['job of B 501', 'inline of B 501']]);
    await deployed.deploy('of B', 'of A');
  });

  /** Of the manifests below this, as they are in the bucket. */
  const answersTo = async (below: string): Promise<ManifestAnswer[]> => {
    const Prefix = `manifest-answers/${below}`;
    const { Contents = [] } = await world.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix }));
    return await Promise.all(
      Contents.map(async ({ Key }) => {
        const { Body } = await world.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
        return JSON.parse((await Body?.transformToString()) ?? '');
      }),
    );
  };

  it.each([
    ['its arguments as JSON', 'cloud.quick', 'one.json', '{"n": 41}', 42],
    ['a table, the workflow’s one file that must be given', 'cloud.sheet', 'two.csv', 'a,b\n1,2\n', ['a,b', '1,2']],
    ['a table, with tabs', 'cloud.sheet', 'three.tsv', 'a\tb\n', ['a\tb']],
  ])(
    'starts one run for a manifest that is %s, told of three times, and one more when it is put again',
    async (_, workflow, name, text, result) => {
      const key = `manifests/${workflow}/${name}`;
      const runsOf = async () => {
        const answers = await answersTo(`${workflow}/${name}`);
        // Of a bucket that keeps them.
        expect(new Set(answers.map(({ version }) => version ?? 'none')).size).toBe(answers.length);
        return new Set(answers.flatMap(({ run }) => run ?? []));
      };
      await world.put(key, text, 3);
      const first = await runsOf();
      expect(first.size).toBe(1);
      await world.put(key, text, 3);
      const both = await runsOf();
      expect(both.size).toBe(2);
      expect(both).toContain([...first][0]);
      const [{ version } = {}] = await answersTo(`${workflow}/${name}`);
      expect(version).toBeDefined();
      await world.settle();
      for (const run of both) {
        const { status: how, result: table } = await status(run);
        expect([how, table && plain(table as Table)]).toEqual(['DONE', result]);
      }
    },
  );

  it('answers a bad manifest with what is wrong, once, and is started by nothing else', async () => {
    await world.put('manifests/cloud.quick/bad.json', '{', 3);
    await world.put('elsewhere/cloud.quick/one.json', '{}', 3);
    expect(await answersTo('cloud.quick/bad.json')).toEqual([
      expect.objectContaining({ errors: [expect.stringContaining('it is no JSON')] }),
    ]);
    const answers = await answersTo('');
    expect(answers.filter(({ run }) => run !== undefined)).toHaveLength(6);
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
    world.deliveries = () => [];
    const run = await start({ workflow: 'cloud.many', args: { to: 5 } });
    await world.settle();
    expect(await status(run)).toMatchObject({ status: 'RUNNING' });
    world.deliveries = () => [0];
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
    world.deliveries = () => [0, 0, 0];
    const run = await start({ workflow: 'cloud.many', args: { to: 4 }, cache: false });
    expect(await ended(run)).toMatchObject({ status: 'DONE' });
    expect((await status(run)).tally['cloud.half']).toMatchObject({ done: 4, failed: 0 });
    world.deliveries = () => [0];
  });

  it('logs in JSON, line by line: every round with its run and entry, and metrics of every call', () => {
    const TAKE = ['advance', 'sweep', 'retry'];
    for (const name of [...TAKE, 'start', 'status', 'runs', 'jobs', 'workflows']) {
      const told = world.log(name).map((line) => JSON.parse(line) as Record<string, unknown>);
      const [metrics, events] = [told.filter(({ _aws }) => _aws), told.filter(({ _aws }) => !_aws)];
      for (const event of events) {
        expect(event).toMatchObject({
          level: expect.stringMatching(/^(INFO|WARN|ERROR)$/),
          message: expect.any(String),
          service: 'redex-dev',
          function_name: `redex-dev-${name}`,
          function_request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        });
      }
      const rounds = events.filter(({ message }) => message === 'a round');
      expect([name, metrics.length > 0]).toEqual([name, TAKE.includes(name)]);
      expect([name, metrics.reduce((sum, line) => sum + Number(line.rounds), 0)]).toEqual([name, rounds.length]);
    }
    const ages = world
      .log('advance')
      .flatMap((line) => (JSON.parse(line) as { oldestEvent?: number }).oldestEvent ?? []);
    expect(ages.length).toBeGreaterThan(0);
    expect(ages.filter((age) => age < 0 || age > 600_000)).toEqual([]);
    const all = TAKE.flatMap((name) => world.log(name)).join('\n');
    expect(all).toContain('"text":"said by an author\\n"');
  });

  it('asks for nothing that its roles do not grant', () => {
    const refused = world.needs.filter((need) => !isGranted(world.template, need));
    expect([...new Set(refused.map(({ who, action, resource }) => `${who}: ${action} on ${resource}`))]).toEqual([]);
    expect(new Set(world.needs.map(({ who }) => who)).size).toBeGreaterThan(6);
  });

  it('has words of the README for both ways to call a function', () => {
    expect(INVOCATIONS.map((line) => / local /.test(line))).toEqual([false, true]);
  });

  it('is granted nothing that nobody asks for, but what is said to be for something else', () => {
    const unused = unusedGrants(world.template, world.needs).filter(({ who }) => !COMMAND_LINE.includes(who));
    expect(unused.map(({ who, action }) => `${who}: ${action}`)).toEqual([]);
  });
});
