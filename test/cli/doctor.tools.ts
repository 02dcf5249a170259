/** `redex doctor` on a stack: each mistake is planted on moto's AWS, and found by the one check that is for it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutImageCommand } from '@aws-sdk/client-ecr';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CheckResult } from '../../cli/doctor/checks.ts';
import { lookAtStack } from '../../cli/doctor/stack.ts';
import { stackChecks } from '../../cli/doctor/stack-checks.ts';
import { FUNCTIONS } from '../../cli/doctor/stack-facts.ts';
import type { Stack } from '../../cli/stack.ts';
import { begin, type Ended } from '../e2e/command.ts';
import { ofType, packaged, type Template } from '../stack/template.ts';
import { hasMoto, type Moto, startMoto } from '../support/moto.ts';
import { project } from '../support/project.ts';
import { deployStack, forgetSweeps, NAME, REGISTRY, sweptAt } from './deployed-stack.ts';
import { type Glass, openGlass } from './glass.ts';
import { deadLetter, EVENTS } from './plants/events.ts';
import { JOBS } from './plants/jobs.ts';
import { clientsOf, type Site } from './plants/site.ts';
import { STORAGE } from './plants/storage.ts';

const IMAGE = `${REGISTRY}/${NAME}:1`;

const WORKFLOW = `import { task, v } from 'redex';
export const main = task('lab.main', { params: v.object({}) }, () => 1);`;
const config = (executor = '') => `import { defineConfig } from 'redex';
export default defineConfig({ executors: {
  batch: { type: 'batch' },
  tools: { type: 'batch', image: 'quay.io/lab/tools:1' },
  ${executor}
} });`;

describe.skipIf(!hasMoto())('a stack', () => {
  let moto: Moto;
  let glass: Glass;
  let stack: Stack;
  let template: Template;
  let folder: string;
  let aws: ReturnType<typeof clientsOf>;

  beforeAll(async () => {
    moto = await startMoto();
    glass = await openGlass(moto.client.endpoint);
    aws = clientsOf(moto);
    template = packaged({ image: IMAGE });
    stack = await deployStack(moto, template);
    await pushImage();
    folder = await project({ 'package.json': '{"type":"module"}', 'workflow.ts': WORKFLOW }, afterAll);
    for (const [name, value] of Object.entries(environment())) vi.stubEnv(name, value);
    await deployCode();
  }, 240_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await glass?.close();
    await moto?.stop();
  });
  afterEach(() => {
    Object.assign(glass, { skewMs: 0, denied: [], silent: [], tells: true });
  });

  const environment = () => ({
    AWS_ENDPOINT_URL: glass.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'shhh-secret',
  });
  const redex = (...words: string[]): Promise<Ended> => begin(folder, words).ended;
  const deployCode = async (executor?: string): Promise<void> => {
    await writeFile(join(folder, 'redex.config.ts'), config(executor));
    const { code, stderr } = await redex('deploy-code', '--bucket', stack.bucket);
    if (code !== 0) throw new Error(stderr);
  };
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json' });
  const pushImage = () =>
    aws.ecr.send(new PutImageCommand({ repositoryName: NAME, imageManifest: manifest, imageTag: '1' }));
  const site = (): Site => ({ aws, glass, bucket: stack.bucket, template, pushImage, deployCode });
  const checksNow = async (redexVersion = '0.1.0') => stackChecks(await lookAtStack(NAME, redexVersion));
  const notRight = (checks: readonly CheckResult[]) => checks.filter(({ status }) => status !== 'right');

  it('as it is deployed has nothing but what is right, and tells what there is', async () => {
    const { code, stdout, stderr } = await redex('doctor', '--on-aws', '--json');
    const { checks } = JSON.parse(stdout) as { checks: CheckResult[] };
    expect(notRight(checks)).toEqual([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(Object.fromEntries(checks.map(({ name, said }) => [name, said]))).toEqual({
      caller: expect.stringContaining('arn:aws:sts::123456789012:'),
      clock: expect.stringMatching(/^this clock is \d s (behind|ahead of) that of AWS$/),
      stack: 'redex-dev in us-east-1, account 123456789012: CREATE_COMPLETE',
      version: 'redex 0.1.0 there as here',
      tables: 'three, with expiry and point-in-time recovery',
      bucket: `${stack.bucket} keeps versions, keeps the public out, and tells of manifests`,
      code: expect.stringMatching(/^1 workflow in bundle [0-9a-f]{40}$/),
      functions: `${FUNCTIONS.length} functions on nodejs24.x`,
      'queue of events': 'redex-dev-events has 0 messages',
      'dead letters': 'both queues for what failed are empty',
      'oldest event': 'none waits',
      delivery: 'redex-dev-advance takes what is in the queue of events',
      rules: expect.stringContaining('lead to where they are handled'),
      sweep: expect.stringMatching(/^was at work \d+ s ago$/),
      alarms: expect.stringMatching(/^none of \d\d is on$/),
      'job queues': 'redex-dev: enabled, with machines',
      images: '2 images; not looked for outside of ECR: quay.io/lab/tools:1',
      roles: '2 roles that jobs can take',
    });
  });

  it('has the functions that the doctor looks at, and no others', () => {
    const functions = ofType(template, 'AWS::Lambda::Function').map(([, { Properties }]) => Properties.FunctionName);
    expect(FUNCTIONS.map((own) => `${NAME}-${own}`).sort()).toEqual(functions.sort());
  });

  it.each([
    [2 * 60_000, 'behind'],
    [-7 * 60_000, 'ahead of'],
  ])('by a clock that is %d ms off', async (skewMs, which) => {
    glass.skewMs = skewMs;
    const [check, ...more] = notRight(await checksNow());
    expect(more).toEqual([]);
    expect(check).toEqual({
      name: 'clock',
      status: 'wrong',
      said: expect.stringMatching(new RegExp(`^this clock is \\d+ s ${which} that of AWS, which refuses`)),
      advice: expect.stringContaining('set-ntp true'),
    });
    const seconds = Number(/\d+/.exec(check?.said ?? '')?.[0]);
    expect(Math.abs(seconds - Math.abs(skewMs) / 1000)).toBeLessThan(3);
  });

  it.each([...STORAGE, ...EVENTS, ...JOBS])('with %s', async (_mistake, name, said, advice, plant) => {
    const undo = await plant(site());
    try {
      expect(notRight(await checksNow())).toEqual([
        { name, status: 'wrong', said: expect.stringMatching(said), advice: expect.stringMatching(advice) },
      ]);
    } finally {
      await undo();
    }
    expect(notRight(await checksNow())).toEqual([]);
  });

  it('with several mistakes says all of them, and ends with 1; no secret is said', async () => {
    const undo = await deadLetter('-events-dead')(site());
    await sweptAt(aws.logs, Date.now(), ['{"message":"the sweep failed","error":"password=hunter2"}\n']);
    const { code, stdout, stderr } = await redex('doctor', '--stack', NAME);
    await undo();
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines.filter((line) => line.startsWith('wrong'))).toEqual([
      expect.stringMatching(/^wrong {4}dead letters {5}redex-dev-events-dead has 1 message: events/),
      expect.stringMatching(/^wrong {4}sweep {12}the sweep has failed within 15 minutes: aws logs tail/),
    ]);
    expect(stdout).toMatch(/\n\n18 checks: 16 right, 2 wrong\.\n$/);
    expect(stdout).not.toMatch(/hunter2|shhh/);
    await forgetSweeps(aws.logs);
    await sweptAt(aws.logs, Date.now());
  });

  it('of another redex than the one that looks', async () => {
    expect(notRight(await checksNow('9.9.9'))).toEqual([
      {
        name: 'version',
        status: 'wrong',
        said: 'redex 0.1.0 there, and 9.9.9 here',
        advice: expect.stringContaining('serverless deploy'),
      },
    ]);
  });

  it('that is not there', async () => {
    const { code, stdout } = await redex('doctor', '--stack', 'redex-prod');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^wrong {4}stack {3}there is no stack redex-prod in us-east-1: /m);
    expect(stdout).toMatch(/\n3 checks: 2 right, 1 wrong\.\n$/);
  });

  it('of which much may not be looked at says what is needed, looks at the rest, and finds nothing wrong', async () => {
    glass.denied = ['dynamodb', 's3', 'iam', 'ecr', 'logs', 'cloudformation'];
    const { code, stdout } = await redex('doctor', '--on-aws', '--json');
    expect(code).toBe(0);
    const { checks } = JSON.parse(stdout) as { checks: CheckResult[] };
    const denied = (needs: string) => `could not look: access denied (needs ${needs})`;
    expect(Object.fromEntries(notRight(checks).map(({ name, status, said }) => [name, [status, said]]))).toEqual({
      stack: ['unknown', denied('cloudformation:DescribeStacks')],
      version: ['unknown', denied('cloudformation:DescribeStacks')],
      tables: ['unknown', denied('dynamodb:DescribeTable, DescribeTimeToLive and DescribeContinuousBackups')],
      bucket: ['unknown', expect.stringMatching(/needs s3:ListBucket.*needs s3:GetBucketVersioning/)],
      code: ['unknown', denied('s3:GetObject and s3:ListBucket')],
      sweep: ['unknown', denied('logs:FilterLogEvents')],
      images: ['unknown', denied('ecr:DescribeImages')],
      roles: ['unknown', denied('iam:GetRole')],
    });
  });

  it('of which one service is silent is looked at all the same, and not for long', async () => {
    glass.silent = ['logs'];
    const began = performance.now();
    expect(notRight(await checksNow())).toEqual([
      { name: 'sweep', status: 'unknown', said: 'could not look: AWS does not answer' },
    ]);
    expect(performance.now() - began).toBeLessThan(30_000);
  });
});
