import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { RegisterJobDefinitionCommand, SubmitJobCommand, TerminateJobCommand } from '@aws-sdk/client-batch';
import { describe, expect, test } from 'vitest';
import { reasonText } from '../../core/aws/batch/reasons.ts';
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

/** Times from the log, per job: when it started and when it ended. */
function spans(folder: string): { readonly job: string; readonly from: number; readonly to: number }[] {
  const lines = logLines(folder);
  return lines.flatMap((start) => {
    if (start.type !== 'started') return [];
    const end = lines.findIndex((line) => line.type === 'ended' && line.job === start.job);
    return [{ job: start.job, from: lines.indexOf(start), to: end === -1 ? lines.length : end }];
  });
}

function mostAtOnce(folder: string): number {
  const all = spans(folder);
  return Math.max(...all.map(({ from }) => all.filter((other) => other.from <= from && from < other.to).length));
}

describe('the machine', () => {
  test('never runs more jobs than it has vCPUs for', async () => {
    const { batch, folder, cloud } = await testCloud({ capacity: { vcpus: 3 } });
    await submit(batch, 'sleep 0.05', { arrayProperties: { size: 12 } });
    await cloud.idle();
    expect(mostAtOnce(folder)).toBe(3);
  });

  test('never runs more jobs than it has memory for', async () => {
    const { batch, folder, cloud } = await testCloud({ capacity: { vcpus: 100, memoryMiB: 130 } });
    await submit(batch, 'sleep 0.05', { arrayProperties: { size: 6 } });
    await cloud.idle();
    expect(mostAtOnce(folder)).toBe(2);
  });

  test('starts jobs in the order in which they came, though a later one would fit', async () => {
    const { batch, folder, cloud } = await testCloud({ capacity: { vcpus: 2 } });
    const ids: string[] = [];
    for (const vcpus of [1, 2, 1]) ids.push(await submit(batch, 'sleep 0.2', { vcpus }));
    await cloud.idle();
    expect(spans(folder).map(({ job }) => job)).toEqual(ids);
    expect(mostAtOnce(folder)).toBe(1);
  });

  test('runs a job that asks for more than there is, alone and with a warning', async () => {
    const warnings: string[] = [];
    const { batch, folder, cloud } = await testCloud({
      capacity: { vcpus: 2 },
      warn: (message) => warnings.push(message),
    });
    await submit(batch, 'sleep 0.1');
    await submit(batch, 'sleep 0.1', { vcpus: 8, jobName: 'greedy' });
    await submit(batch, 'sleep 0.1');
    await cloud.idle();
    expect(mostAtOnce(folder)).toBe(1);
    expect(warnings).toEqual(['greedy asks for 8 vCPUs of 2: it runs alone']);
  });
});

describe('a job that was ended before it ran, by what was meant for the process that forked it', () => {
  test.each(['INT', 'HUP', 'TERM'])('has not failed by itself: SIG%s', async (signal) => {
    const { batch } = await testCloud();
    const id = await submit(batch, `kill -s ${signal} $$`);
    expect(await untilStatus(batch, id)).toMatchObject({
      status: 'FAILED',
      statusReason: reasonText('machine-stopped'),
    });
  });

  test('and one that says itself with which exit code it ends has', async () => {
    const { batch } = await testCloud();
    const id = await submit(batch, 'exit 130');
    expect(await untilStatus(batch, id)).toMatchObject({ statusReason: 'Essential container in task exited' });
  });
});

describe('a job that takes too long', () => {
  test('is asked to end', async () => {
    const { batch } = await testCloud({ timeoutSecondsMin: 1 });
    const id = await submit(batch, 'trap "exit 0" TERM; sleep 100 & wait', {
      timeout: { attemptDurationSeconds: 1 },
    });
    expect(await untilStatus(batch, id)).toMatchObject({
      status: 'FAILED',
      statusReason: 'Job attempt duration exceeded timeout',
    });
  });

  test('is killed with all its processes when it does not end', async () => {
    const { batch, folder } = await testCloud({ timeoutSecondsMin: 1, killGraceMs: 200 });
    const id = await submit(batch, `trap "" TERM; sleep 100 & echo $! > ${folder}/pid; wait; sleep 100`, {
      timeout: { attemptDurationSeconds: 1 },
    });
    const job = await untilStatus(batch, id);
    expect(job).toMatchObject({ status: 'FAILED', statusReason: 'Job attempt duration exceeded timeout' });
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    await until(() => !isAlive(pid) || undefined);
  });
});

describe('a job that is terminated', () => {
  test('never starts when it waits', async () => {
    const { batch, folder } = await testCloud({ capacity: { vcpus: 1 } });
    const first = await submit(batch, 'sleep 100');
    const second = await submit(batch, 'sleep 100');
    await batch.send(new TerminateJobCommand({ jobId: second, reason: 'not needed' }));
    expect(await describeJob(batch, second)).toMatchObject({ status: 'FAILED', statusReason: 'not needed' });
    expect(spans(folder).map(({ job }) => job)).toEqual([first]);
  });

  test('ends when it runs, and makes room', async () => {
    const { batch } = await testCloud({ capacity: { vcpus: 1 } });
    const first = await submit(batch, 'exec sleep 100');
    const second = await submit(batch, 'true');
    await untilStatus(batch, first, 'RUNNING');
    await batch.send(new TerminateJobCommand({ jobId: first, reason: 'not needed' }));
    expect(await untilStatus(batch, first)).toMatchObject({
      status: 'FAILED',
      statusReason: 'not needed',
      container: { exitCode: 143 },
    });
    expect((await untilStatus(batch, second)).status).toBe('SUCCEEDED');
  });

  test('keeps its first reason, and an ended one its end', async () => {
    const { batch } = await testCloud();
    const id = await submit(batch, 'true');
    await untilStatus(batch, id);
    await batch.send(new TerminateJobCommand({ jobId: id, reason: 'too late' }));
    expect((await describeJob(batch, id)).status).toBe('SUCCEEDED');
  });
});

describe('where there is a Docker', () => {
  /** A `docker` that writes down its words and the environment it passes on, and is the container itself. */
  function standInDocker(answers: boolean): string {
    const folder = temporaryFolder();
    const script = [
      '#!/bin/sh',
      `[ "$1" = version ] && exit ${answers ? 0 : 1}`,
      `[ "$1" = run ] || { echo "$@" >> ${folder}/others; exit 0; }`,
      `for word; do echo "$word"; done > ${folder}/words`,
      'eval "$SCRIPT"',
    ];
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'others'), '');
    writeFileSync(join(folder, 'bin', 'docker'), script.join('\n'));
    chmodSync(join(folder, 'bin', 'docker'), 0o755);
    const path = process.env.PATH;
    process.env.PATH = `${folder}/bin${delimiter}${path}`;
    afterTest(() => {
      process.env.PATH = path;
    });
    return folder;
  }

  const inImage = (script: string) => ({
    containerOverrides: {
      environment: [{ name: 'SCRIPT', value: script }],
      resourceRequirements: [
        { type: 'VCPU' as const, value: '2' },
        { type: 'MEMORY' as const, value: '96' },
      ],
    },
  });

  async function submitInImage(batch: Awaited<ReturnType<typeof testCloud>>['batch'], script: string): Promise<string> {
    await batch.send(
      new RegisterJobDefinitionCommand({
        jobDefinitionName: 'in-image',
        type: 'container',
        containerProperties: { image: 'tools:1' },
      }),
    );
    const { jobId } = await batch.send(
      new SubmitJobCommand({ jobName: 'a', jobQueue: 'local', jobDefinition: 'in-image', ...inImage(script) }),
    );
    return jobId ?? '';
  }

  test('a job with an image runs in it, with its folders, resources and environment', async () => {
    const docker = standInDocker(true);
    const { batch, folder } = await testCloud({ runner: ['/no/runner'] });
    const id = await submitInImage(batch, 'test "$REDEX_PARENT_PIPE" = 1 && exit 7');
    expect((await untilStatus(batch, id)).container?.exitCode).toBe(7);
    const words = readFileSync(join(docker, 'words'), 'utf8').split('\n').slice(0, -1);
    const root = join(folder, '..');
    expect(words.slice(0, 4)).toEqual(['run', '--rm', '--init', '-i']);
    for (const shared of [root, `${folder}/store`, `${folder}/work`]) expect(words).toContain(`${shared}:${shared}`);
    expect(words).toEqual(expect.arrayContaining(['SCRIPT', 'REDEX_STORE', 'AWS_BATCH_JOB_ID']));
    expect(words.slice(-5)).toEqual(['--cpus', '2', '--memory', '96m', 'tools:1']);
  });

  test('a job that has to be killed is removed as a container', async () => {
    const docker = standInDocker(true);
    const { batch } = await testCloud({ killGraceMs: 100 });
    const id = await submitInImage(batch, `trap "" TERM; touch ${docker}/ready; sleep 100 & wait; sleep 100`);
    await until(() => existsSync(join(docker, 'ready')) || undefined);
    await batch.send(new TerminateJobCommand({ jobId: id, reason: 'enough' }));
    await untilStatus(batch, id);
    await until(() => readFileSync(join(docker, 'others'), 'utf8').includes(`rm -f redex-${id}`) || undefined);
  });

  test('a job whose image is not to be had fails to start, with what Docker says', async () => {
    standInDocker(true);
    const { batch } = await testCloud();
    const said = "Unable to find image 'tools:1' locally\ndocker: Error response from daemon: pull access denied.";
    const id = await submitInImage(batch, `echo "${said}" >&2; exit 125`);
    expect(await untilStatus(batch, id)).toMatchObject({
      status: 'FAILED',
      statusReason: 'Task failed to start',
      container: { reason: 'CannotPullContainerError: Error response from daemon: pull access denied.' },
    });
  });

  test('that does not answer, a job with an image runs without it', async () => {
    standInDocker(false);
    const { batch } = await testCloud();
    const id = await submitInImage(batch, 'exit 5');
    expect((await untilStatus(batch, id)).container?.exitCode).toBe(5);
  });
});
