/** The functions as they are deployed: their zips, unpacked where nothing of this repository is. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderObjects } from '../../core/disk/objects.ts';
import { deployBundle } from '../../core/engine/deployed.ts';
import { bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import { FUNCTIONS, type FunctionPackage, packageFunctions } from '../../stack/build.ts';
import { startDynamo, type TestDynamo, tableNames } from '../support/dynamo.ts';
import { close } from '../support/fault-proxy.ts';
import { project } from '../support/project.ts';
import { ROOT } from './template.ts';

/** Of the reducer; cold, since Lambda loads it before the first round. */
const PROGRAM_BYTES_MAX = 3_000_000;
const IMPORT_MS_MAX = 300;

const WORKFLOW = `import { task, v } from 'redex';
const twice = task('zip.twice', (n: number) => 2 * n);
export const main = task('zip.main', { params: v.object({ n: v.number() }) }, ({ n }) => twice(n));
export const bad = task('zip.bad', { params: v.object({}) }, () => { throw new Error('of the author'); });`;

describe('the zips', () => {
  let packages: readonly FunctionPackage[];
  let dynamo: TestDynamo;
  let bus: Server;
  let elsewhere: string;
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
    const bundle = await bundleProgram({ entries: [join(folder, 'workflow.ts')] });
    const objects = folderObjects(join(elsewhere, 'store'));
    await storeBundle(objects, bundle);
    await deployBundle(objects, bundle.hash);
    dynamo = await startDynamo();
    bus = createServer((_, response) => void response.end('{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}'));
    await new Promise<void>((resolve) => bus.listen(0, '127.0.0.1', resolve));
    variables = {
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
      AWS_ENDPOINT_URL_EVENTBRIDGE: `http://127.0.0.1:${(bus.address() as AddressInfo).port}`,
      REDEX_STACK: 'zip',
      REDEX_EVENTS: 'http://127.0.0.1/events',
      REDEX_TABLE_RUNS: tableNames.runs,
      REDEX_TABLE_CACHE: tableNames.cache,
      REDEX_TABLE_ATTEMPTS: tableNames.attempts,
      REDEX_STORE: join(elsewhere, 'store'),
    };
  });

  afterAll(async () => {
    await Promise.all([dynamo.stop(), close(bus)]);
  });

  /** What the expression comes to in a process of its own, `handler` being the function's. */
  const inside = async (name: string, expression: string): Promise<unknown> => {
    const file = join(elsewhere, FUNCTIONS, name, 'index.js');
    const code = `const before = performance.now();
      const { handler } = await import(${JSON.stringify(file)});
      const importMs = performance.now() - before;
      process.stdout.write(JSON.stringify(await (${expression})) ?? 'null');
      process.exit();`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { cwd: elsewhere, env: variables });
    let [said, complained] = ['', ''];
    child.stdout.on('data', (chunk) => (said += chunk));
    child.stderr.on('data', (chunk) => (complained += chunk));
    await new Promise((resolve) => child.once('close', resolve));
    if (said === '') throw new Error(complained);
    return JSON.parse(said);
  };

  it('start workflows, whose code the worker runs that lies beside the program', async () => {
    const started = await inside('start', "handler({ workflow: 'zip.main', args: { n: 21 } })");
    expect(started).toEqual({ run: expect.any(String) });
    const status = await inside('status', `handler(${JSON.stringify(started)})`);
    expect(status).toMatchObject({ status: 'DONE', result: [42] });
    const failed = await inside('start', "handler({ workflow: 'zip.bad' })");
    expect(await inside('status', `handler(${JSON.stringify(failed)})`)).toMatchObject({
      status: 'FAILED',
      traceback: expect.stringMatching(/of the author(.|\n)*workflow\.ts:4/),
    });
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

  it('are small, and quick to load', async () => {
    for (const { name, programBytes } of packages) {
      expect([name, programBytes < PROGRAM_BYTES_MAX]).toEqual([name, true]);
    }
    const times: number[] = [];
    for (let tries = 0; tries < 5; tries++) times.push((await inside('advance', 'importMs')) as number);
    expect(Math.min(...times)).toBeLessThan(IMPORT_MS_MAX);
  });

  it('are the same for the same sources', async () => {
    const bytes = () => packages.map(({ archive }) => readFileSync(join(ROOT, archive)));
    const before = bytes();
    await packageFunctions();
    expect(bytes()).toEqual(before);
  });
});
