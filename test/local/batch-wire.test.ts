import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DescribeJobDefinitionsCommand,
  DescribeJobsCommand,
  ListJobsCommand,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from '@aws-sdk/client-batch';
import { describe, expect, test } from 'vitest';
import { describeJob, submit, testCloud, untilStatus } from './fixture.ts';

describe('a job', () => {
  test('runs with its definition, its overrides and what Batch tells it in its environment', async () => {
    const { batch, folder } = await testCloud();
    const id = await submit(
      batch,
      'echo "$FROM_DEFINITION $AWS_BATCH_JOB_ID $AWS_BATCH_JOB_ATTEMPT [$AWS_BATCH_JOB_ARRAY_INDEX]"; echo "$REDEX_STORE" "$REDEX_WORK" "$REDEX_PARENT_PIPE" >&2',
    );
    const job = await untilStatus(batch, id);
    expect(job).toMatchObject({
      jobId: id,
      jobName: 'test',
      status: 'SUCCEEDED',
      statusReason: 'Essential container in task exited',
      container: { exitCode: 0, resourceRequirements: expect.arrayContaining([{ type: 'MEMORY', value: '64' }]) },
      attempts: [{ container: { exitCode: 0 } }],
    });
    expect(job.startedAt).toBeGreaterThanOrEqual(job.createdAt ?? Number.NaN);
    expect(job.stoppedAt).toBeGreaterThanOrEqual(job.startedAt ?? Number.NaN);
    const log = job.container?.logStreamName ?? '';
    expect(log).toBe(join(folder, 'batch', 'logs', `${id}.log`));
    expect(readFileSync(log, 'utf8')).toBe(`yes ${id} 1 []\n${folder}/store ${folder}/work 1\n`);
  });

  test('that exits with another code than 0 has failed with that code', async () => {
    const { batch } = await testCloud();
    const job = await untilStatus(batch, await submit(batch, 'exit 3'));
    expect(job).toMatchObject({
      status: 'FAILED',
      statusReason: 'Essential container in task exited',
      container: { exitCode: 3 },
    });
  });

  test('that a signal ends has failed with 128 and its number, and nobody calls it out of memory', async () => {
    const { batch } = await testCloud();
    const job = await untilStatus(batch, await submit(batch, 'kill -9 $$'));
    expect(job.container).toMatchObject({ exitCode: 137 });
    expect(job.container?.reason).toBeUndefined();
  });

  test('whose command does not exist fails to start', async () => {
    const { batch } = await testCloud({ runner: ['/no/such/runner'] });
    const job = await untilStatus(batch, await submit(batch, 'true'));
    expect(job).toMatchObject({ status: 'FAILED', statusReason: 'Task failed to start' });
    expect(job.container?.reason).toMatch(/^CannotStartContainerError: .*ENOENT/);
  });

  test('with overrides that are too long is accepted, and fails without an attempt', async () => {
    const { batch } = await testCloud();
    const job = await untilStatus(batch, await submit(batch, `: ${'x'.repeat(9000)}`));
    expect(job).toMatchObject({
      status: 'FAILED',
      statusReason: 'Container Overrides length must be at most 8192',
      attempts: [],
    });
    expect(job.startedAt).toBeUndefined();
  });

  test('leaves no process behind when it ends', async () => {
    const { batch, folder } = await testCloud();
    const marker = join(folder, 'still-here');
    await untilStatus(batch, await submit(batch, `(sleep 0.3; touch ${marker}) & exit 0`));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(existsSync(marker)).toBe(false);
  });
});

describe('an array', () => {
  test('runs a child for every index, and ends when all have', async () => {
    const { batch, folder } = await testCloud({ capacity: { vcpus: 4 } });
    const id = await submit(batch, 'echo "$AWS_BATCH_JOB_ID $AWS_BATCH_JOB_ARRAY_INDEX"', {
      arrayProperties: { size: 3 },
    });
    expect(await untilStatus(batch, id)).toMatchObject({
      status: 'SUCCEEDED',
      attempts: [],
      arrayProperties: { size: 3, statusSummary: { SUCCEEDED: 3, FAILED: 0 } },
    });
    const child = await describeJob(batch, `${id}:2`);
    expect(child).toMatchObject({ jobId: `${id}:2`, jobName: 'test', arrayProperties: { index: 2 } });
    expect(readFileSync(join(folder, 'batch', 'logs', `${id}_2.log`), 'utf8')).toBe(`${id}:2 2\n`);
  });

  test('has failed when one of its children has', async () => {
    const { batch } = await testCloud({ capacity: { vcpus: 4 } });
    const id = await submit(batch, 'exit $AWS_BATCH_JOB_ARRAY_INDEX', { arrayProperties: { size: 2 } });
    expect(await untilStatus(batch, id)).toMatchObject({ status: 'FAILED', statusReason: 'Array Child Job failed' });
    expect((await describeJob(batch, `${id}:0`)).status).toBe('SUCCEEDED');
  });

  test('is terminated with all its children', async () => {
    const { batch } = await testCloud({ capacity: { vcpus: 1 } });
    const id = await submit(batch, 'sleep 100', { arrayProperties: { size: 3 } });
    await untilStatus(batch, `${id}:0`, 'RUNNING');
    await batch.send(new TerminateJobCommand({ jobId: id, reason: 'no longer wanted' }));
    expect(await untilStatus(batch, id)).toMatchObject({ status: 'FAILED' });
    for (const index of [0, 1, 2]) {
      expect(await describeJob(batch, `${id}:${index}`)).toMatchObject({
        status: 'FAILED',
        statusReason: 'no longer wanted',
      });
    }
    expect((await describeJob(batch, `${id}:1`)).startedAt).toBeUndefined();
  });
});

describe('looking jobs up', () => {
  test('by name finds those of every status, newest first and page by page, without children', async () => {
    const { batch } = await testCloud({ capacity: { vcpus: 1 } });
    const ids: string[] = [];
    for (const script of ['true', 'exit 1', 'sleep 100', 'sleep 100']) ids.push(await submit(batch, script));
    await submit(batch, 'true', { jobName: 'test-other', arrayProperties: { size: 2 } });
    const filters = [{ name: 'JOB_NAME', values: ['test'] }];
    const first = await batch.send(new ListJobsCommand({ jobQueue: 'local', filters, maxResults: 3 }));
    const { nextToken } = first;
    const second = await batch.send(new ListJobsCommand({ jobQueue: 'local', filters, maxResults: 3, nextToken }));
    const found = [...(first.jobSummaryList ?? []), ...(second.jobSummaryList ?? [])].map(({ jobId }) => jobId);
    expect(found.sort()).toEqual(ids.sort());
    expect(second.nextToken).toBeUndefined();
    const all = await batch.send(
      new ListJobsCommand({ jobQueue: 'local', filters: [{ name: 'JOB_NAME', values: ['test*'] }] }),
    );
    expect(all.jobSummaryList).toHaveLength(5);
  });

  test('by queue alone finds what is running', async () => {
    const { batch } = await testCloud({ capacity: { vcpus: 1 } });
    const id = await submit(batch, 'sleep 100');
    await submit(batch, 'true');
    await untilStatus(batch, id, 'RUNNING');
    const { jobSummaryList } = await batch.send(new ListJobsCommand({ jobQueue: 'local' }));
    expect(jobSummaryList).toMatchObject([{ jobId: id, status: 'RUNNING' }]);
  });

  test('by array finds its children', async () => {
    const { batch } = await testCloud();
    const id = await submit(batch, 'true', { arrayProperties: { size: 2 } });
    await untilStatus(batch, id);
    const { jobSummaryList } = await batch.send(new ListJobsCommand({ arrayJobId: id, jobStatus: 'SUCCEEDED' }));
    expect(jobSummaryList?.map(({ arrayProperties }) => arrayProperties?.index)).toEqual([0, 1]);
  });

  test('leaves out ids that nobody knows', async () => {
    const { batch } = await testCloud();
    expect((await batch.send(new DescribeJobsCommand({ jobs: ['nobody'] }))).jobs).toEqual([]);
  });
});

test('a definition that is registered again gets the next revision, and its name means the newest', async () => {
  const { batch } = await testCloud();
  const register = (value: string) =>
    batch.send(
      new RegisterJobDefinitionCommand({
        jobDefinitionName: 'twice',
        type: 'container',
        containerProperties: { environment: [{ name: 'SCRIPT', value }], image: '' },
      }),
    );
  expect(await register('exit 1')).toMatchObject({ revision: 1 });
  expect(await register('exit 2')).toMatchObject({ revision: 2 });
  const described = await batch.send(
    new DescribeJobDefinitionsCommand({ jobDefinitionName: 'twice', status: 'ACTIVE' }),
  );
  expect(described.jobDefinitions?.map(({ revision, status }) => [revision, status])).toEqual([
    [2, 'ACTIVE'],
    [1, 'ACTIVE'],
  ]);
  for (const [jobDefinition, exitCode] of [
    ['twice', 2],
    ['twice:1', 1],
  ] as const) {
    const { jobId } = await batch.send(new SubmitJobCommand({ jobName: 'a', jobQueue: 'local', jobDefinition }));
    expect((await untilStatus(batch, jobId ?? '')).container?.exitCode).toBe(exitCode);
  }
});

describe('a request that AWS would refuse is refused as there', () => {
  const refused = { name: 'ClientException', $fault: 'client', $metadata: { httpStatusCode: 400 } };
  test.each([
    ['an unknown definition', { jobDefinition: 'nothing:1' }, /Job definition nothing:1 not found/],
    ['a bad name', { jobName: 'no spaces' }, /jobName/],
    ['an array of one', { arrayProperties: { size: 1 } }, /arrayProperties.size/],
    ['a time-out under a minute', { timeout: { attemptDurationSeconds: 5 } }, /at least 60 seconds/],
    ['an empty word', { containerOverrides: { command: [''] } }, /command/],
    ['a reserved variable', { containerOverrides: { environment: [{ name: 'AWS_BATCH_X', value: '' }] } }, /AWS_BATCH/],
  ])('%s', async (_what, more, message) => {
    const { batch } = await testCloud();
    const error = await submit(batch, 'true', more).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ ...refused, message: expect.stringMatching(message) });
  });

  test('the end of an unknown job', async () => {
    const { batch } = await testCloud();
    const end = batch.send(new TerminateJobCommand({ jobId: 'nobody', reason: 'why' }));
    await expect(end).rejects.toMatchObject(refused);
  });
});

test('who does not know the secret path is refused', async () => {
  const { cloud } = await testCloud();
  for (const name of ['AWS_ENDPOINT_URL_BATCH', 'AWS_ENDPOINT_URL_DYNAMODB']) {
    const { origin } = new URL(cloud.environment[name] ?? '');
    expect((await fetch(`${origin}/v1/listjobs`, { method: 'POST', body: '{}' })).status).toBe(403);
  }
});
