/** `redex doctor` on a laptop: each mistake is planted where it would be made, and found by the one check that is for it. */
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type CheckResult, judge, judged, oneLine, summaryOf } from '../../cli/doctor/checks.ts';
import { lookAtLaptop } from '../../cli/doctor/laptop.ts';
import { type LaptopFacts, laptopChecks, satisfies } from '../../cli/doctor/laptop-checks.ts';
import { openFolderCache } from '../../core/disk/cache.ts';
import { openDynamoDb } from '../../local/dynamodb.ts';
import { takeLock } from '../../local/lock.ts';
import { openCloud } from '../../local/open-cloud.ts';
import { begin } from '../e2e/command.ts';
import { close } from '../support/fault-proxy.ts';
import { project } from '../support/project.ts';

const FILES = {
  'workflow.ts': `import { task, v } from 'redex';
export const main = task('lab.main', { params: v.object({}) }, () => 1);`,
  'redex.config.ts': `import { defineConfig } from 'redex';
export default defineConfig({ executors: { batch: { type: 'batch', vcpus: 1, memory: 1 } } });`,
};
const IMAGE = `import { defineConfig } from 'redex';
export default defineConfig({ executors: { batch: { type: 'batch' }, tools: { type: 'batch', image: 'tools:1' } } });`;

const NAMES = [
  'node',
  'tools',
  'processes',
  'machine',
  'disk',
  'state',
  'cloud',
  'database',
  'dead letters',
  'configuration',
  'workflows',
  'docker',
];

const notRight = (checks: readonly CheckResult[]) => checks.filter(({ status }) => status !== 'right');

describe('a laptop', () => {
  let folder: string;
  let state: string;
  beforeEach(async () => {
    // What is loaded takes a second: only who is about it has it.
    folder = await project({ 'package.json': '{"type":"module"}' });
    state = join(folder, '.redex');
    // What a first run leaves, as far as the doctor looks.
    await mkdir(join(state, 'batch'), { recursive: true });
    await chmod(state, 0o700);
    await (await takeLock(join(state, 'owner')))?.release();
    await (await openDynamoDb(join(state, 'db'), 'secret')).close();
    await (await openFolderCache(join(state, 'cache'))).close();
  });

  const withProject = async (files: Readonly<Record<string, string>> = {}): Promise<void> => {
    for (const [name, text] of Object.entries({ ...FILES, ...files })) await writeFile(join(folder, name), text);
  };
  const checksNow = async (environment: NodeJS.ProcessEnv = process.env) =>
    laptopChecks(await lookAtLaptop({ root: folder, redex: '0.1.0', environment }));
  /** The one check that is not right, of those that a healthy laptop has. */
  const found = async (environment?: NodeJS.ProcessEnv): Promise<CheckResult | undefined> => {
    const checks = await checksNow(environment);
    const [one, ...more] = notRight(checks);
    expect(more).toEqual([]);
    expect(one?.said ?? '').not.toMatch(/\n/);
    return one;
  };

  it('that is as it should be has nothing but what is right, and tells what there is', async () => {
    await withProject();
    const checks = await checksNow();
    expect(notRight(checks)).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual(NAMES);
    const said = Object.fromEntries(checks.map((check) => [check.name, check.said]));
    expect(said).toMatchObject({
      node: `redex 0.1.0 on Node ${process.versions.node}`,
      machine: expect.stringMatching(/^\d+ processors? and [\d.]+ GiB of memory/),
      disk: expect.stringMatching(/^[\d.]+ GiB free for \//),
      cloud: 'no process has it open',
      configuration: 'redex.config.ts loads: 2 executors (inline, batch)',
      workflows: '1 file with 1 workflow (lab.main)',
    });
  });

  it('where nothing was run yet has no state to look at, and gets none by it', async () => {
    await rm(state, { recursive: true });
    const checks = await checksNow();
    expect(notRight(checks)).toEqual([]);
    expect(checks.find(({ name }) => name === 'state')?.said).toBe('nothing was run here yet');
    expect(existsSync(state)).toBe(false);
  });

  it('where PATH leads to no bash and no mkfifo', async () => {
    expect(await found({ PATH: folder })).toMatchObject({
      name: 'tools',
      status: 'wrong',
      said: expect.stringContaining('no bash and no mkfifo'),
      advice: expect.stringContaining('coreutils'),
    });
  });

  it('whose state others can read', async () => {
    await chmod(state, 0o755);
    expect(await found()).toMatchObject({
      name: 'state',
      status: 'wrong',
      said: expect.stringContaining('has mode 755'),
      advice: `chmod 700 ${state}`,
    });
  });

  it.skipIf(process.getuid?.() !== 0)('whose state is of another user, and opens none of it', async () => {
    await chown(state, 4711, 4711);
    expect(await found()).toMatchObject({ name: 'state', said: expect.stringContaining('(uid 4711)') });
    expect((await checksNow()).map(({ name }) => name)).not.toContain('database');
  });

  it.each(['db', 'cache'])('whose database %s is damaged', async (database) => {
    await writeFile(join(state, database, 'CURRENT'), 'no manifest');
    expect(await found()).toMatchObject({
      name: 'database',
      status: 'wrong',
      said: expect.stringContaining('CURRENT'),
      advice: expect.stringContaining('redex clean'),
    });
  });

  it('whose cloud a process holds that does not answer', async () => {
    const lock = await takeLock(join(state, 'owner'));
    onTestFinished(async () => lock?.release());
    const hung = createServer(() => undefined);
    await new Promise<void>((resolve) => hung.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => close(hung));
    const url = `http://127.0.0.1:${(hung.address() as AddressInfo).port}/x`;
    await writeFile(join(state, 'endpoint.json'), JSON.stringify({ url, pid: process.pid, environment: {} }));
    expect(await found()).toMatchObject({
      name: 'cloud',
      status: 'wrong',
      said: `process ${process.pid} holds ${state} and does not answer`,
      advice: expect.stringContaining(`kill ${process.pid}`),
    });
  });

  it('whose cloud another process has open, and one whose owner was killed, are right, and told apart', async () => {
    const said = async () => (await checksNow()).find(({ name }) => name === 'cloud')?.said;
    const endpoint = { url: 'http://127.0.0.1:9/x', pid: 4711, environment: {} };
    await writeFile(join(state, 'endpoint.json'), JSON.stringify(endpoint));
    expect(await said()).toMatch(/^process 4711, which had it open, was killed/);
    const cloud = await openCloud({
      folder: state,
      root: folder,
      runner: [],
      environment: process.env,
      functions: () => Promise.reject(new Error('nobody calls one')),
    });
    onTestFinished(async () => cloud?.close());
    expect(await said()).toBe(`process ${process.pid} has it open, and answers`);
    expect(notRight(await checksNow())).toEqual([]);
  });

  it('where events could not be handled', async () => {
    const letter = { at: 1, message: 'm', receives: 10, reason: 'the journal\nis damaged', body: '{"secret":"x"}' };
    await writeFile(join(state, 'batch/dead-letters.jsonl'), `{"reason":"old"}\n${JSON.stringify(letter)}\n`);
    const check = await found();
    expect(check).toMatchObject({
      name: 'dead letters',
      status: 'wrong',
      said: '2 events could not be handled, the last since: the journal is damaged',
      advice: expect.stringContaining('.redex/log.jsonl'),
    });
    expect(JSON.stringify(check)).not.toContain('secret');
  });

  it('with a mistake in an executor', async () => {
    await withProject({ 'redex.config.ts': FILES['redex.config.ts'].replace('memory', 'memroy') });
    expect(await found()).toMatchObject({
      name: 'configuration',
      status: 'wrong',
      said: expect.stringContaining('memroy'),
    });
  });

  it('with a workflow that cannot be loaded', async () => {
    await withProject({ 'workflow.ts': `${FILES['workflow.ts']}\nimport './missing.ts';` });
    expect(await found()).toMatchObject({
      name: 'workflows',
      status: 'wrong',
      said: expect.stringContaining('./missing.ts'),
    });
  });

  it('where an executor names an image, and no Docker answers; one that does is right', async () => {
    await writeFile(join(folder, 'redex.config.ts'), IMAGE);
    await writeFile(join(folder, 'docker'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const environment = { PATH: `${folder}:/usr/bin:/bin` };
    expect(await found(environment)).toMatchObject({
      name: 'docker',
      status: 'wrong',
      said: expect.stringMatching(/^tools names an image, and no Docker answers/),
    });
    await writeFile(join(folder, 'docker'), '#!/bin/sh\nexit 0\n');
    expect(await found(environment)).toBeUndefined();
  });

  it('says it in a line a check, ends with 0 or 1, and gives programs one object', async () => {
    const doctor = (...words: string[]) => begin(folder, ['doctor', ...words]).ended;
    const well = await doctor();
    expect(well).toMatchObject({ code: 0, stderr: '' });
    const lines = well.stdout.trimEnd().split('\n');
    expect(lines.slice(0, -2).every((line) => /^right {4}\S/.test(line))).toBe(true);
    expect(lines.at(-1)).toBe(`${NAMES.length} checks: ${NAMES.length} right, 0 wrong.`);
    await chmod(state, 0o755);
    const ill = await doctor('--json');
    expect(ill.code).toBe(1);
    const { checks } = JSON.parse(ill.stdout) as { checks: CheckResult[] };
    expect(notRight(checks)).toEqual([
      { name: 'state', status: 'wrong', said: expect.any(String), advice: `chmod 700 ${state}` },
    ]);
  });

  it('is not looked at by words that mean nothing', async () => {
    const doctor = (...words: string[]) => begin(folder, ['doctor', ...words]).ended;
    const [option, stack] = await Promise.all([doctor('--no-such'), doctor('--stack', 'a b')]);
    expect(option).toMatchObject({ code: 2, stdout: '' });
    expect(stack).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'redex: a b is no name of a stack: a letter, and then up to 39 letters, digits and -\n',
    });
  });
});

describe('what no test can make of its own machine', () => {
  const facts: LaptopFacts = {
    root: '/p',
    folder: '/p/.redex',
    redex: '0.1.0',
    node: '24.1.0',
    engines: '>=20.19',
    platform: 'linux',
    missing: [],
    procIsReadable: true,
    vcpus: 4,
    memoryMiB: 8192,
    freeBytes: 1e12,
    state: undefined,
    config: { kind: 'none' },
    workflows: { kind: 'none' },
    executors: { large: { type: 'batch', memory: 16 }, small: { type: 'batch', memory: 8, vcpus: 4 } },
    imageNamers: [],
    docker: undefined,
  };

  it.each<[string, Partial<LaptopFacts>, string, RegExp]>([
    ['an old Node', { node: '20.18.3' }, 'node', /on Node 20\.18\.3, and >=20\.19 is needed/],
    ['a full disk', { freeBytes: 2 ** 29 }, 'disk', /^0\.5 GiB free for \/p$/],
    ['little memory', { memoryMiB: 512 }, 'machine', /0\.5 GiB of memory.*need more$/],
    ['a /proc that is closed', { procIsReadable: false }, 'processes', /^\/proc cannot be read/],
    [
      'a state that is read-only',
      { state: { owner: 1, user: 1, mode: 0o700, writable: false, inside: undefined } },
      'state',
      /cannot be written/,
    ],
  ])('%s is wrong', (_what, changed, name, said) => {
    expect(notRight(laptopChecks(facts))).toEqual([]);
    expect(notRight(laptopChecks({ ...facts, ...changed }))).toEqual([
      { name, status: 'wrong', said: expect.stringMatching(said), advice: expect.stringMatching(/\S/) },
    ]);
  });

  it('and of a machine without /proc, without perl, or smaller than a job, it is said what that means', () => {
    const saidOf = (changed: Partial<LaptopFacts>, name: string) =>
      laptopChecks({ ...facts, ...changed }).find((check) => check.name === name)?.said;
    expect(saidOf({ procIsReadable: false, platform: 'darwin' }, 'processes')).toMatch(/process group/);
    expect(saidOf({ missing: ['perl'] }, 'tools')).toMatch(/without perl/);
    expect(saidOf({}, 'machine')).toMatch(/; jobs of large ask for more and run alone$/);
  });

  it('a version is compared by its numbers', () => {
    expect(['20.19.0', '20.20.0', '21.0.0', '100.0.0'].filter((version) => satisfies(version, '>=20.19'))).toHaveLength(
      4,
    );
    expect(['20.18.9', '19.99.9', '9.0.0'].filter((version) => satisfies(version, '>=20.19'))).toEqual([]);
    expect(() => satisfies('24.0.0', '^24')).toThrow('only >=VERSION');
  });
});

describe('a check of several things', () => {
  const problem = { said: 'it is off', advice: 'switch it on' };
  const [well, ill, dark] = [{ found: [] }, { found: [problem] }, { unseen: 'access denied (needs x:Y)' }];

  it('is wrong if one of them is, else unknown if one could not be looked at, else right', () => {
    expect(judged('c', [well, dark, ill], 'well')).toEqual({ name: 'c', status: 'wrong', ...problem });
    expect(judged('c', [well, dark, dark], 'well')).toEqual({
      name: 'c',
      status: 'unknown',
      said: 'could not look: access denied (needs x:Y)',
    });
    expect(judged('c', [well, well], 'well')).toEqual({ name: 'c', status: 'right', said: 'well' });
    expect(judge({ found: 3 }, (count) => [count > 2 ? problem : undefined])).toEqual(ill);
  });

  it('is told in one line, and counted', () => {
    expect(oneLine('a\n  b\t c')).toBe('a b c');
    expect(oneLine('x'.repeat(1000))).toHaveLength(401);
    const checks = [judged('a', [well], ''), judged('b', [ill], ''), judged('c', [dark], '')];
    expect(summaryOf(checks)).toBe('3 checks: 1 right, 1 wrong, 1 could not be looked at.');
  });
});
