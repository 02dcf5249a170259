/** The functions as they are deployed: their zips, unpacked where nothing of this repository is. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { s3Objects } from '../../core/aws/objects.ts';
import { folderObjects } from '../../core/disk/objects.ts';
import { deployBundle } from '../../core/engine/deployed.ts';
import { type Bundle, bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import { allProcesses, commandLineOf } from '../../core/proc.ts';
import { digestBytes } from '../../core/values/hash.ts';
import { FUNCTIONS, type FunctionPackage, packageFunctions } from '../../stack/build.ts';
import { startDynamo, type TestDynamo, tableNames } from '../support/dynamo.ts';
import { type EventServices, startEventServices } from '../support/event-services.ts';
import { wakeUp } from '../support/lambda-events.ts';
import { startPlainS3 } from '../support/plain-s3.ts';
import { project } from '../support/project.ts';
import { ROOT } from './template.ts';

/** Of the reducer; cold, since Lambda loads it before the first round. */
const PROGRAM_BYTES_MAX = 3_000_000;
const IMPORT_MS_MAX = 300;

const ACCOUNT = { accessKeyId: 'x', secretAccessKey: 'x' };

const WORKFLOW = `import { task, v } from 'redex';
const twice = task('zip.twice', (n: number) => 2 * n);
export const main = task('zip.main', { params: v.object({ n: v.number() }) }, ({ n }) => twice(n));
export const bad = task('zip.bad', { params: v.object({}) }, () => { throw new Error('of the author'); });
const spy = task('zip.spy', () => process.getBuiltinModule('fs').readFileSync('/proc/' + process.ppid + '/environ', 'utf8'));
export const spies = task('zip.spies', { params: v.object({}) }, () => spy());
const leaves = task('zip.leaves', (n: number) => {
  setTimeout(() => { throw new Error('left behind'); }, 200);
  setTimeout(() => void Promise.reject(new Error('left behind, too')), 250);
  setInterval(() => undefined, 10);
  return n;
});
export const leaving = task('zip.leaving', { params: v.object({ n: v.number() }) }, ({ n }) => leaves(n));
export const reads = task('zip.reads', { params: v.object({ at: v.file() }) }, ({ at }) => at.location);`;

describe('the zips', () => {
  let packages: readonly FunctionPackage[];
  let dynamo: TestDynamo;
  let events: EventServices;
  let elsewhere: string;
  let bundle: Bundle;
  let variables: Record<string, string>;

  beforeAll(async () => {
    packages = await packageFunctions();
    elsewhere = await project({}, afterAll);
    for (const { archive } of packages) {
      for (const [path, bytes] of Object.entries(unzipSync(readFileSync(join(ROOT, archive))))) {
        mkdirSync(dirname(join(elsewhere, path)), { recursive: true });
        writeFileSync(join(elsewhere, path), bytes);
      }
    }
    const folder = await project({ 'package.json': '{"type":"module"}', 'workflow.ts': WORKFLOW }, afterAll);
    bundle = await bundleProgram({ entries: [join(folder, 'workflow.ts')] });
    const objects = folderObjects(join(elsewhere, 'store'));
    await storeBundle(objects, bundle);
    await deployBundle(objects, bundle.hash);
    dynamo = await startDynamo();
    events = await startEventServices();
    variables = {
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
      ...events.variables,
      REDEX_STACK: 'zip',
      REDEX_TABLE_RUNS: tableNames.runs,
      REDEX_TABLE_CACHE: tableNames.cache,
      REDEX_TABLE_ATTEMPTS: tableNames.attempts,
      REDEX_STORE: join(elsewhere, 'store'),
    };
    // All functions are packaged, beside whatever else the machine does.
  }, 180_000);

  afterAll(async () => {
    await Promise.all([dynamo.stop(), events.stop()]);
  });

  /** What the expression comes to in a process of its own, `handler` being the function's. */
  const inside = async (name: string, expression: string, more: Record<string, string> = {}): Promise<unknown> => {
    const file = join(elsewhere, FUNCTIONS, name, 'index.js');
    const code = `const before = performance.now();
      const { handler } = await import(${JSON.stringify(file)});
      const importMs = performance.now() - before;
      process.stdout.write(JSON.stringify(await (${expression})) ?? 'null');
      process.exit();`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: elsewhere,
      env: { ...variables, ...more },
    });
    let [said, complained] = ['', ''];
    child.stdout.on('data', (chunk) => (said += chunk));
    child.stderr.on('data', (chunk) => (complained += chunk));
    await new Promise((resolve) => child.once('close', resolve));
    if (said === '') throw new Error(complained);
    return JSON.parse(said);
  };

  /** The run's summary after the round that it was woken for. */
  const takenOn = async (started: unknown): Promise<unknown> => {
    const { run } = started as { readonly run: string };
    await inside('advance', `handler(${JSON.stringify(wakeUp('zip', run))})`);
    return inside('status', `handler(${JSON.stringify({ run })})`);
  };

  it('start workflows, whose code the worker runs that lies beside the program', async () => {
    const started = await inside('start', "handler({ workflow: 'zip.main', args: { n: 21 } })");
    expect(started).toEqual({ run: expect.any(String) });
    expect(await takenOn(started)).toMatchObject({ status: 'DONE', result: [42] });
    const failed = await inside('start', "handler({ workflow: 'zip.bad' })");
    expect(await takenOn(failed)).toMatchObject({
      status: 'FAILED',
      traceback: expect.stringMatching(/of the author\n +at <anonymous> \(workflow\.ts:4:\d+\)$/),
    });
  });

  it('keep what they have for themselves from the code that they run', async () => {
    const spied = await inside('start', "handler({ workflow: 'zip.spies' })");
    expect(await takenOn(spied)).toMatchObject({
      status: 'FAILED',
      traceback: expect.stringContaining('Access to this API has been restricted'),
    });
  });

  it('take no local file for an argument where the store is a bucket', async () => {
    const s3 = await startPlainS3();
    const client = new S3Client({ region: 'us-east-1', endpoint: s3.url, credentials: ACCOUNT });
    await storeBundle(s3Objects(client, 'bucket', ''), bundle);
    const cloud = { AWS_ENDPOINT_URL_S3: s3.url, REDEX_STORE: 's3://bucket' };
    const start = (at: string) =>
      inside(
        'start',
        `handler(${JSON.stringify({ workflow: 'zip.reads', args: { at }, bundle: bundle.hash })})`,
        cloud,
      );
    for (const at of ['/proc/self/environ', 'http://169.254.170.2/v2/credentials', 's3://other/x']) {
      expect(await start(at)).toEqual({ errors: [expect.stringContaining('cannot be reached from here')] });
    }
    expect(await start('s3://bucket/there')).toEqual({ run: expect.any(String) });
    await s3.stop();
  });

  it('refuse what is wrong, by the worker too', async () => {
    const refused = (request: string) => inside('start', `handler(${request})`);
    expect(await refused("{ workflow: 'zip.main', args: { n: 'x' } }")).toMatchObject({
      errors: [expect.stringContaining('n: ')],
    });
    expect(await refused("{ workflow: 'none' }")).toMatchObject({ errors: [expect.stringContaining('zip.main')] });
  });

  it('are each a program that starts, and answers nonsense', async () => {
    for (const { name } of packages) {
      expect([name, await inside(name, 'handler("nonsense")')]).toEqual([name, expect.anything()]);
    }
  });

  describe('in an environment that lives on, as Lambda keeps one', () => {
    let lambda: ChildProcess;
    beforeAll(() => {
      const file = join(elsewhere, FUNCTIONS, 'advance/index.js');
      const host = join(import.meta.dirname, '../cloud/lambda.mjs');
      const quiet = { POWERTOOLS_LOG_LEVEL: 'ERROR', POWERTOOLS_METRICS_DISABLED: 'true' };
      lambda = fork(host, [file], { cwd: elsewhere, env: { ...variables, ...quiet }, execArgv: [] });
    });
    afterAll(() => lambda.kill('SIGKILL'));

    let ids = 0;
    /** A run that the function that lives on is woken for. */
    const start = async (workflow: string, n: number): Promise<{ readonly run: string }> => {
      const request = JSON.stringify({ workflow, args: { n }, cache: false });
      const started = (await inside('start', `handler(${request})`)) as { readonly run: string };
      await call(wakeUp('zip', started.run));
      return started;
    };
    const call = (event: unknown): Promise<unknown> =>
      new Promise((resolve) => {
        const id = ids++;
        const hear = (message: { readonly id?: number; readonly answer?: unknown }): void => {
          if (message.id !== id) return;
          lambda.off('message', hear);
          resolve(message.answer);
        };
        lambda.on('message', hear);
        lambda.send({ id, event, timeoutMs: 29_000 });
      });
    const resultOf = async (answer: unknown): Promise<unknown> =>
      ((await inside('status', `handler(${JSON.stringify(answer)})`)) as { result?: unknown }).result;
    /** The function's process and its workers. */
    const signal = (name: NodeJS.Signals, workers = workersOf(lambda)): void => {
      for (const pid of [...workers, ...(name === 'SIGKILL' ? [] : [lambda.pid as number])]) process.kill(pid, name);
    };

    it('they go on after they were frozen between two calls', async () => {
      expect(await resultOf(await start('zip.main', 1))).toEqual([2]);
      signal('SIGSTOP');
      await new Promise((thawed) => setTimeout(thawed, 3_000));
      signal('SIGCONT');
      expect(await resultOf(await start('zip.main', 2))).toEqual([4]);
    });

    it('they start a worker anew where the one that was kept is gone', async () => {
      expect(workersOf(lambda)).not.toEqual([]);
      signal('SIGSTOP');
      signal('SIGKILL');
      signal('SIGCONT', []);
      expect(await resultOf(await start('zip.main', 3))).toEqual([6]);
    });

    it('what a task leaves behind harms no later call', async () => {
      expect(await resultOf(await start('zip.leaving', 7))).toEqual([7]);
      signal('SIGSTOP');
      await new Promise((thawed) => setTimeout(thawed, 1_000));
      signal('SIGCONT');
      for (const n of [1, 2, 3]) expect(await resultOf(await start('zip.main', n))).toEqual([2 * n]);
    });
  });

  it('are small, and quick to load', async () => {
    for (const { name, programBytes } of packages) {
      expect([name, programBytes < PROGRAM_BYTES_MAX]).toEqual([name, true]);
    }
    // Whatever else the machine does makes it later, never sooner.
    let importMs = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 30 && importMs >= IMPORT_MS_MAX; tries++) {
      importMs = (await inside('advance', 'importMs')) as number;
    }
    expect(importMs).toBeLessThan(IMPORT_MS_MAX);
  });

  it('hold no more than their functions need: who reads carries no bus, no worker, and Batch only to ask it', () => {
    const workerless = packages.filter(({ hasWorker }) => !hasWorker).map(({ name }) => name);
    const asking = ['logs', 'waiting'];
    const others = ['jobhistory', 'jobs', 'result', 'runs', 'status', 'wait', 'workflow', 'workflows'];
    // Ending a run takes none of its code, but events.
    expect(workerless).toEqual([...asking, ...others, 'cancel'].sort());
    for (const name of [...asking, ...others]) {
      const code = readFileSync(join(elsewhere, FUNCTIONS, name, 'index.js'), 'utf8');
      const without = ['EventBridgeClient', 'SQSClient', ...(asking.includes(name) ? [] : ['BatchClient'])];
      for (const client of without) {
        expect([name, client, new RegExp(`class ${client}\\b|${client} = class`).test(code)]).toEqual([
          name,
          client,
          false,
        ]);
      }
    }
    const speaksToBatch = (name: string): boolean =>
      /class BatchClient\b|BatchClient = class/.test(
        readFileSync(join(elsewhere, FUNCTIONS, name, 'index.js'), 'utf8'),
      );
    // Who begins a run or changes its course leaves its jobs to rounds.
    const beginning = ['cancel', 'manifest', 'plan', 'start'];
    expect([beginning.filter(speaksToBatch), ['advance', 'sweep'].filter(speaksToBatch)]).toEqual([
      [],
      ['advance', 'sweep'],
    ]);
  });

  it('are the same for the same sources', async () => {
    const hashes = () => packages.map(({ archive }) => digestBytes(readFileSync(join(ROOT, archive))));
    const before = hashes();
    await packageFunctions();
    expect(hashes()).toEqual(before);
  });
});

function workersOf({ pid }: ChildProcess): number[] {
  return allProcesses().flatMap(({ pid: own, parent }) =>
    parent === pid && commandLineOf(own)?.includes('worker.js') ? [own] : [],
  );
}
