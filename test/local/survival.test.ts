import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BatchClient } from '@aws-sdk/client-batch';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, test } from 'vitest';
import { reasonText } from '../../core/aws/batch/reasons.ts';
import { openFolderCache } from '../../core/disk/cache.ts';
import { digest } from '../../core/values/hash.ts';
import { attachOrOpen } from '../../local/attach.ts';
import type { Cloud } from '../../local/cloud.ts';
import { appendJsonLines, readJsonLines } from '../../local/json-lines.ts';
import { evaluation } from '../contract/cache.ts';
import {
  afterTest,
  describeJob,
  isAlive,
  logLines,
  submit,
  temporaryFolder,
  testCloud,
  until,
  untilStatus,
} from './fixture.ts';
import { recordingFunctions, SHELL_RUNNER } from './shell.ts';

interface OwnerProcess {
  readonly process: ChildProcess;
  readonly owner: boolean;
  readonly environment: Cloud['environment'];
}

/** Starts another process that opens the folder's cloud, or attaches to it. */
async function startProcess(folder: string): Promise<OwnerProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'owner.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  afterTest(() => {
    child.kill('SIGKILL');
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { process: child, ...(JSON.parse(line) as { owner: boolean; environment: Cloud['environment'] }) };
}

function batchOf({ environment }: OwnerProcess): BatchClient {
  return new BatchClient({
    endpoint: environment.AWS_ENDPOINT_URL_BATCH ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: 'redex', secretAccessKey: 'redex' },
  });
}

async function killNine(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Writes the job's process number, and ends it as the runner does when its standard input ends. */
const likeTheRunner = (pidFile: string): string => `echo $$ > ${pidFile}; sleep 100 & cat > /dev/null; kill -9 0`;

describe('when the process that owns the cloud is killed', () => {
  test('its jobs end with it, and the next start reports them interrupted once', async () => {
    const folder = join(temporaryFolder(), '.redex');
    const first = await startProcess(folder);
    const id = await submit(batchOf(first), likeTheRunner(join(folder, 'pid')));
    const leader = await until(() => readPid(join(folder, 'pid')));
    await untilStatus(batchOf(first), id, 'RUNNING');
    await killNine(first.process);
    await until(() => !isAlive(leader) || undefined);

    const second = await testCloud({ folder });
    await second.cloud.idle();
    expect(second.events.map(({ detail }) => [detail.jobId, detail.status, detail.statusReason])).toEqual([
      [id, 'FAILED', reasonText('machine-stopped')],
    ]);
    await second.cloud.close();
    const third = await testCloud({ folder });
    await third.cloud.idle();
    expect(third.events).toEqual([]);
    expect((await describeJob(third.batch, id)).statusReason).toBe(reasonText('machine-stopped'));
  });

  test('a job that does not notice is killed by the next start, with the processes it has started', async () => {
    const folder = join(temporaryFolder(), '.redex');
    const first = await startProcess(folder);
    // The second process's environment does not tell whose it is, as that of scripts.
    const script = `trap "" HUP; env -i sleep 100 & echo $! > ${folder}/child; echo $$ > ${folder}/pid; exec sleep 100`;
    const id = await submit(batchOf(first), script);
    const leader = await until(() => readPid(join(folder, 'pid')));
    const child = await until(() => readPid(join(folder, 'child')));
    await untilStatus(batchOf(first), id, 'RUNNING');
    await killNine(first.process);
    expect([leader, child].map(isAlive)).toEqual([true, true]);

    await testCloud({ folder });
    await until(() => ![leader, child].some(isAlive) || undefined);
  });

  test('jobs that waited still wait, and run', async () => {
    const folder = join(temporaryFolder(), '.redex');
    const first = await startProcess(folder);
    const batch = batchOf(first);
    const array = await submit(batch, 'sleep 100', { arrayProperties: { size: 2 }, vcpus: 64 });
    const single = await submit(batch, 'exit 9', { vcpus: 64 });
    await untilStatus(batch, `${array}:0`, 'RUNNING');
    await killNine(first.process);

    const second = await testCloud({ folder });
    expect((await describeJob(second.batch, `${array}:0`)).statusReason).toBe(reasonText('machine-stopped'));
    await untilStatus(second.batch, `${array}:1`, 'RUNNING');
    expect(await describeJob(second.batch, single)).toMatchObject({ status: 'RUNNABLE' });
    const starts = logLines(folder).flatMap((line) => (line.type === 'started' ? [line.job] : []));
    expect(starts).toEqual([`${array}:0`, `${array}:1`]);
  });

  test('a last line that was cut short does not count', () => {
    const path = join(temporaryFolder(), 'lines.jsonl');
    const lines = appendJsonLines(path);
    lines.append({ whole: 1 });
    lines.close();
    const cut = appendJsonLines(path);
    cut.append({ cut: 'x' });
    cut.close();
    truncateSync(path, statSync(path).size - 3);
    expect(readJsonLines(path)).toEqual([{ whole: 1 }]);
    const after = appendJsonLines(path);
    after.append({ whole: 2 });
    after.close();
    expect(readJsonLines(path)).toEqual([{ whole: 1 }, { whole: 2 }]);
  });
});

describe('when the cloud is closed', () => {
  test('its jobs are stopped and look to the next start as if the process had died', async () => {
    const { batch, cloud, folder } = await testCloud();
    const id = await submit(batch, `echo $$ > ${folder}/pid; exec sleep 100`);
    const leader = await until(() => readPid(join(folder, 'pid')));
    await cloud.close();
    expect(isAlive(leader)).toBe(false);
    expect(logLines(folder).some(({ type }) => type === 'ended')).toBe(false);
    const again = await testCloud({ folder });
    expect(await describeJob(again.batch, id)).toMatchObject({
      status: 'FAILED',
      statusReason: reasonText('machine-stopped'),
    });
  });

  test("this process's own environment is as it was, as it is while the cloud is open", async () => {
    const before = { ...process.env };
    const { cloud } = await testCloud();
    expect(process.env).toEqual(before);
    await cloud.close();
    expect(process.env).toEqual(before);
  });
});

describe('of two processes', () => {
  test('the second attaches to the first, and calls its functions', async () => {
    const { cloud, folder } = await testCloud();
    const other = await attachOrOpen(optionsFor(folder));
    afterTest(() => other.close());
    expect(other).toMatchObject({ owner: false, pid: process.pid, environment: cloud.environment });
    expect(await other.invoke('start', { workflow: 'x' })).toEqual({ started: { workflow: 'x' } });
    await expect(other.invoke('status', {})).rejects.toMatchObject({
      name: 'RangeError',
      message: 'there is no such run',
    });
    await other.idle();
  });

  test('the second sees what the first has cached', async () => {
    const folder = join(temporaryFolder(), '.redex');
    const before = await openFolderCache(join(folder, 'cache'));
    const entry = evaluation({ requires: { 't.inner': digest('task', 'inner') } });
    await before.write([entry]);
    await before.close();
    await testCloud({ folder });
    const other = await attachOrOpen(optionsFor(folder));
    afterTest(() => other.close());
    expect(other.owner).toBe(false);
    const unknown = evaluation();
    expect(await other.cached([entry.hash, unknown.hash])).toEqual(new Map([[entry.hash, entry]]));
  });

  test('that race for a folder, one gets it and the other attaches', async () => {
    const folder = join(temporaryFolder(), '.redex');
    const both = await Promise.all([startProcess(folder), startProcess(folder), startProcess(folder)]);
    expect(both.filter(({ owner }) => owner)).toHaveLength(1);
    expect(new Set(both.map(({ environment }) => environment.AWS_ENDPOINT_URL_BATCH)).size).toBe(1);
  });

  test('the attached one is told when the owner has died, and the folder is free', async () => {
    const folder = join(temporaryFolder(), '.redex');
    const first = await startProcess(folder);
    const attached = await attachOrOpen(optionsFor(folder));
    expect(attached.owner).toBe(false);
    await killNine(first.process);
    await attached.closed;
    await expect(attached.invoke('status', {})).rejects.toThrow(/^the redex process \d+ that kept .* has ended/);
    const next = await attachOrOpen(optionsFor(folder));
    afterTest(() => next.close());
    expect(next.owner).toBe(true);
  });

  test('the attached one may end the cloud', async () => {
    const folder = join(temporaryFolder(), '.redex');
    const first = await startProcess(folder);
    const attached = await attachOrOpen(optionsFor(folder));
    await attached.stop();
    await until(() => first.process.exitCode ?? undefined);
    expect(existsSync(join(folder, 'endpoint.json'))).toBe(false);
  });

  test('the attached one hears of runs that end', async () => {
    const { cloud, bus, folder } = await testCloud();
    const other = await attachOrOpen(optionsFor(folder));
    afterTest(() => other.close());
    expect(cloud.owner).toBe(true);
    const heard: unknown[] = [];
    other.onRunEnded((detail) => heard.push(detail));
    const ended = { Source: 'redex', DetailType: 'redex run ended', Detail: '{"run":"é"}' };
    await until(async () => {
      await bus.send(new PutEventsCommand({ Entries: [ended] }));
      return heard[0];
    });
    expect(heard[0]).toEqual({ run: 'é' });
  });
});

function optionsFor(folder: string) {
  return {
    folder,
    root: join(folder, '..'),
    runner: SHELL_RUNNER,
    environment: process.env,
    functions: () => Promise.resolve(recordingFunctions([])),
    closeGraceMs: 200,
  };
}

/** The number in the file, once it is there. */
function readPid(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  return Number(readFileSync(path, 'utf8')) || undefined;
}
