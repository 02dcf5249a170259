/** The HTTP API, asked for whatever its description says and for what it does not: the packaged functions behind a gateway. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderObjects } from '../../core/disk/objects.ts';
import { deployBundle } from '../../core/engine/deployed.ts';
import { bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import type { Handler } from '../../functions/invocation.ts';
import { ROUTES } from '../../functions/routes.ts';
import { FUNCTIONS, packageFunctions } from '../../stack/build.ts';
import { packaged, ROOT, type Template } from '../stack/template.ts';
import { startDynamo, type TestDynamo, tableNames } from '../support/dynamo.ts';
import { type EventServices, startEventServices } from '../support/event-services.ts';
import { queueBatch } from '../support/lambda-events.ts';
import { project } from '../support/project.ts';
import { pythonTool } from '../support/python-tools.ts';
import { type Gateway, openGateway } from './gateway.ts';

const schemathesis = pythonTool('schemathesis');

const ACCOUNT = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
const SEED = 1;
/** Of what is said: the failures, and the sum of it. */
const LAST_CHARACTERS = 10_000;

const WORKFLOW = `import { task, v } from 'redex';
const twice = task('api.twice', (n: number) => 2 * n);
export const main = task('api.main', { params: v.object({ n: v.optional(v.number(), 1) }) }, ({ n }) => twice(n));
export const bad = task('api.bad', { params: v.object({}) }, () => { throw new Error('of the author'); });`;

/** Their wake-ups come to nobody. */
const STANDING = ['standing1', 'standing2'];

describe.skipIf(schemathesis === undefined)('the HTTP API', () => {
  let dynamo: TestDynamo;
  let events: EventServices;
  let gateway: Gateway;
  let template: Template;
  let description: string;
  let environment: Record<string, string>;
  let woken = Promise.resolve<unknown>(undefined);
  const handlers = new Map<string, Handler<unknown>>();
  const invoke = (name: string, event: unknown): Promise<unknown> =>
    handlers.get(name)?.(event, { getRemainingTimeInMillis: () => 29_000 }) ??
    Promise.reject(new Error(`there is no function ${name}`));

  beforeAll(async () => {
    const folder = await project({ 'package.json': '{"type":"module"}', 'workflow.ts': WORKFLOW }, afterAll);
    const bundle = await bundleProgram({ entries: [join(folder, 'workflow.ts')] });
    const objects = folderObjects(join(folder, 'store'));
    await storeBundle(objects, bundle);
    await deployBundle(objects, bundle.hash);
    dynamo = await startDynamo();
    events = await startEventServices((body) => {
      if (STANDING.some((run) => body.includes(run))) return;
      woken = woken.then(() => invoke('advance', queueBatch([{ event: body }])));
    });
    Object.assign(process.env, {
      ...events.variables,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: ACCOUNT.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ACCOUNT.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
      REDEX_STACK: 'api',
      REDEX_TABLE_RUNS: tableNames.runs,
      REDEX_TABLE_CACHE: tableNames.cache,
      REDEX_TABLE_ATTEMPTS: tableNames.attempts,
      REDEX_STORE: join(folder, 'store'),
      REDEX_LOG: join(folder, 'log.jsonl'),
    });
    for (const { name, archive } of await packageFunctions()) {
      for (const [path, bytes] of Object.entries(unzipSync(readFileSync(join(ROOT, archive))))) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), bytes);
      }
      const module = (await import(join(folder, FUNCTIONS, name, 'index.js'))) as { handler: Handler<unknown> };
      handlers.set(name, module.handler);
    }
    template = packaged();
    gateway = await openGateway(template, ACCOUNT, invoke);
    const runs = ['done1', 'done2', 'failed1', 'failed2'];
    for (const run of [...runs, ...STANDING]) {
      await invoke('start', { workflow: run.startsWith('failed') ? 'api.bad' : 'api.main', run });
    }
    await settled();
    const { jobs } = (await invoke('jobs', { run: 'done1' })) as { readonly jobs: readonly { readonly id: string }[] };
    const examples = {
      run: [...runs, ...STANDING],
      job: jobs.map(({ id }) => id),
      workflow: ['api.main', 'api.bad'],
      bundle: [bundle.hash],
    };
    description = join(folder, 'openapi.json');
    writeFileSync(description, described(examples));
    environment = {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      AWS_ACCESS_KEY_ID: ACCOUNT.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ACCOUNT.secretAccessKey,
      SCHEMATHESIS_HOOKS: 'signing',
      PYTHONPATH: import.meta.dirname,
      PYTHONDONTWRITEBYTECODE: '1',
    };
  });

  afterAll(async () => {
    await Promise.all([gateway?.stop(), dynamo?.stop(), events?.stop()]);
  });

  const settled = async (): Promise<void> => {
    for (let last: unknown; last !== woken; ) {
      last = woken;
      await woken;
    }
  };

  it('lets nobody in without a signature, by no route', async () => {
    const wrong = 'AWS4-HMAC-SHA256 Credential=other/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host';
    for (const { method, path } of ROUTES) {
      const url = `${gateway.url}${path.replace('{run}', 'done1').replace('{job}', 'x').replace('{workflow}', 'api.main')}`;
      for (const authorization of ['', `${wrong}, Signature=${'0'.repeat(64)}`]) {
        const { status } = await fetch(url, { method, headers: { authorization } });
        expect([method, path, status]).toEqual([method, path, 403]);
      }
    }
    expect([...gateway.calls]).toEqual([]);
  });

  /** What schemathesis says of a gateway, and its exit code. */
  const asked = async (
    url: string,
    ...more: string[]
  ): Promise<{ readonly status: unknown; readonly said: string }> => {
    const words = [
      ...['run', description, '--url', url, '--seed', String(SEED), '--checks', CHECKS.join(','), '--no-color'],
      ...['--phases', 'examples,coverage,fuzzing', '--workers', '1', '--continue-on-failure'],
      ...['--generation-database', 'none', '--generation-allow-x00', 'true', '--suppress-health-check', 'all'],
      ...more,
    ];
    const child = spawn(schemathesis as string, words, { env: environment, cwd: dirname(description) });
    const [said, status] = await Promise.all([
      text(child.stdout),
      new Promise((resolve) => child.once('close', resolve)),
    ]);
    return { status, said: said.slice(-LAST_CHARACTERS) };
  };

  it('fails at nothing, and answers what its description says', { timeout: 240_000 }, async () => {
    const { status, said } = await asked(gateway.url, '--max-examples', '250');
    expect([status, said]).toEqual([0, expect.stringMatching(/(\d+) generated, \1 passed/)]);
    await settled();
    expect(gateway.misSigned).toEqual([]);
    expect([...gateway.calls.keys()].sort()).toEqual(expect.arrayContaining(ROUTES.map((route) => route.function)));
    expect([...gateway.calls.values()].reduce((sum, calls) => sum + calls, 0)).toBeGreaterThan(1_000);
    const { runs } = (await invoke('runs', { status: 'DONE', limit: 200 })) as { readonly runs: readonly unknown[] };
    expect(runs.length).toBeGreaterThan(20);
  });

  it.each([
    ['a status that is not in its description', { statusCode: 418, body: '{"errors":[]}' }],
    ['a body that is not in its description', { statusCode: 200, body: '{"run":"done1"}' }],
    ['an error on its side', { statusCode: 500, body: '{"errors":[]}' }],
  ])('is found out where it answers with %s', async (_, answer) => {
    const headers = { 'content-type': 'application/json' };
    const broken = await openGateway(template, ACCOUNT, () => Promise.resolve({ ...answer, headers }));
    const { status } = await asked(broken.url, '--max-examples', '5', '--include-operation-id', 'status');
    await broken.stop();
    expect(status).toBe(1);
  });
});

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'ignored_auth',
];

/** The committed description, with what is there in this world: examples, and the workflows that can be started. */
function described(examples: Readonly<Record<string, readonly string[]>>): string {
  const description = JSON.parse(readFileSync(join(ROOT, 'functions/openapi.json'), 'utf8'));
  for (const path of Object.values(description.paths) as Record<string, Operation>[]) {
    for (const { parameters } of Object.values(path)) {
      for (const parameter of parameters) {
        const values = parameter.in === 'path' ? (examples[parameter.name] ?? []) : [];
        parameter.examples = Object.fromEntries(values.map((value) => [value, { value }]));
      }
    }
  }
  const { properties } = description.paths['/runs'].post.requestBody.content['application/json'].schema;
  properties.workflow.enum = examples.workflow;
  properties.args = { type: 'object', properties: { n: { type: 'number' } }, additionalProperties: false };
  properties.bundle.enum = examples.bundle;
  return JSON.stringify(description);
}

interface Operation {
  readonly parameters: { readonly name: string; readonly in: string; examples?: unknown }[];
}
