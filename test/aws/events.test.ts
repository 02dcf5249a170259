import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { parseBatchEvent } from '../../core/aws/batch/events.ts';
import { describedJob } from '../../core/aws/batch/jobs.ts';
import { eventBus, parseWakeUp } from '../../core/aws/bus.ts';
import { parseEvent } from '../../core/aws/events.ts';
import type { RunId } from '../../core/values/ids.ts';
import { summary } from '../contract/summaries.ts';

const jobDetail = (detail: Record<string, unknown>) => ({ jobId: 'id', jobName: 'name', status: 'FAILED', ...detail });

function stateChange(detail: Record<string, unknown>): unknown {
  return { source: 'aws.batch', 'detail-type': 'Batch Job State Change', detail: jobDetail(detail) };
}

describe('what Batch says of a job', () => {
  it('tells all that is known of its end', () => {
    const event = jobDetail({
      statusReason: 'Host EC2 (instance i-1) terminated.',
      createdAt: 1,
      startedAt: 2,
      stoppedAt: 3,
      container: { exitCode: 137, reason: 'OutOfMemoryError: Container killed', logStreamName: 'log' },
      attempts: [],
      somethingNew: { in: ['events'] },
    });
    expect(describedJob(event)).toEqual({
      id: 'id',
      name: 'name',
      status: 'FAILED',
      statusReason: 'Host EC2 (instance i-1) terminated.',
      containerReason: 'OutOfMemoryError: Container killed',
      exitCode: 137,
      log: 'log',
      createdAt: 1,
      startedAt: 2,
      stoppedAt: 3,
    });
  });

  it('takes from the last attempt what the job does not say itself', () => {
    const event = jobDetail({
      attempts: [
        { container: { exitCode: 1, logStreamName: 'first' } },
        { container: { exitCode: 2, logStreamName: 'second', reason: 'why' }, statusReason: 'Essential container' },
      ],
    });
    expect(describedJob(event)).toMatchObject({
      exitCode: 2,
      log: 'second',
      containerReason: 'why',
      statusReason: 'Essential container',
    });
  });

  it('names the child of an array and its index, the first one too', () => {
    const event = jobDetail({ jobId: 'parent:0', arrayProperties: { index: 0, statusSummary: {} } });
    expect(describedJob(event)).toMatchObject({ id: 'parent:0', index: 0 });
  });

  it('of an array itself has no index', () => {
    const event = jobDetail({ attempts: [], arrayProperties: { size: 3, statusSummary: { FAILED: 1 } } });
    expect(describedJob(event)).toEqual({ id: 'id', name: 'name', status: 'FAILED' });
  });

  it.each([
    ['ecsProperties', (taskProperties: unknown) => ({ ecsProperties: { taskProperties } })],
    ['an attempt', (taskProperties: unknown) => ({ attempts: [{ taskProperties }] })],
  ])('of a job of two containers is what its own one came to, unless that never began: %s', (_, told) => {
    const runner = { name: 'runner', exitCode: 0, logStreamName: 'first' };
    const job = { name: 'job', exitCode: 3, logStreamName: 'second' };
    const said = (...containers: unknown[]) => describedJob(jobDetail({ container: {}, ...told([{ containers }]) }));
    expect(said(runner, job)).toMatchObject({ exitCode: 3, log: 'second' });
    expect(said(runner, { ...job, reason: 'OutOfMemoryError' })).toMatchObject({ containerReason: 'OutOfMemoryError' });
    const failed = { name: 'runner', reason: 'CannotPullContainerError: no', logStreamName: 'first' };
    expect(said(failed, { name: 'job' })).toMatchObject({ containerReason: 'CannotPullContainerError: no' });
    expect(said(runner, { name: 'job' })).not.toHaveProperty('exitCode');
  });

  it('is understood when parts of it are null or of another type', () => {
    const event = jobDetail({ container: null, attempts: 'none', arrayProperties: null, startedAt: '12' });
    expect(describedJob(event)).toEqual({ id: 'id', name: 'name', status: 'FAILED' });
  });
});

describe('a state change of a job', () => {
  it('is a report in the words of the engine', () => {
    const event = stateChange({
      jobId: 'parent:2',
      arrayProperties: { index: 2 },
      statusReason: 'Host EC2 (instance i-1) terminated.',
      createdAt: 1,
      startedAt: 2,
      stoppedAt: 3,
      container: { logStreamName: 'log' },
    });
    expect(parseEvent(event)).toEqual({
      kind: 'report',
      report: {
        job: { submission: 'parent', index: 2 },
        name: 'name',
        state: { is: 'over', ended: 'machine-lost', said: 'Host EC2 (instance i-1) terminated.' },
        log: 'log',
        times: { queuedAt: 1, startedAt: 2, endedAt: 3 },
      },
    });
  });

  it.each([
    ['SUBMITTED', undefined, { is: 'waiting', reason: 'SUBMITTED' }],
    ['RUNNABLE', 'no room', { is: 'waiting', reason: 'RUNNABLE: no room' }],
    ['STARTING', undefined, { is: 'waiting', reason: 'STARTING' }],
    ['RUNNING', undefined, { is: 'running' }],
    ['SUCCEEDED', undefined, { is: 'over', ended: 'well', said: 'no reason given' }],
  ] as const)('says how far the job is: %s', (status, statusReason, state) => {
    expect(parseEvent(stateChange({ status, statusReason }))).toMatchObject({ kind: 'report', report: { state } });
  });

  it.each([
    undefined,
    null,
    'text',
    [],
    {},
    { source: 'aws.batch', 'detail-type': 'Batch Job Queue Blocked', detail: { jobId: 'id' } },
    {
      source: 'aws.s3',
      'detail-type': 'Batch Job State Change',
      detail: { jobId: 'a', jobName: 'b', status: 'FAILED' },
    },
    { source: 'aws.batch', 'detail-type': 'Batch Job State Change' },
    stateChange({ status: 'EXPLODED' }),
    stateChange({ jobId: '' }),
  ])('is nothing else: %j', (event) => {
    expect(parseEvent(event)).toBeUndefined();
  });
});

describe('events of the bus', () => {
  const clients = {
    events: new EventBridgeClient({ region: 'us-east-1' }),
    sqs: new SQSClient({ region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } }),
  };
  const [sent, queued] = [mockClient(clients.events), mockClient(clients.sqs)];
  const busOf = (bus: string) => eventBus(clients, { bus, queue: 'https://sqs.example/1/events' }, 'test');

  it('wake the run that they name, by the queue, after a delay or at once', async () => {
    queued.on(SendMessageCommand).resolves({ MessageId: '1' });
    await busOf('default').wake('run1' as RunId, 'soon');
    await busOf('default').wake('run1' as RunId, 'now');
    const [soon, now] = queued.commandCalls(SendMessageCommand).map(({ args }) => args[0].input);
    const { QueueUrl, MessageBody, DelaySeconds } = soon ?? {};
    expect(QueueUrl).toBe('https://sqs.example/1/events');
    expect(DelaySeconds).toBeGreaterThan(0);
    expect(now).toEqual({ QueueUrl, MessageBody, DelaySeconds: 0 });
    const event: unknown = JSON.parse(MessageBody ?? '');
    expect(parseWakeUp(event)).toEqual({ stack: 'test', run: 'run1' });
    expect(parseBatchEvent(event)).toBeUndefined();
  });

  it('tell that a run starts, without its arguments', async () => {
    sent.reset();
    sent.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });
    await busOf('mine').started(summary({ run: 'run1' as RunId, startedAt: 1, args: { secret: 'x' } }));
    const entry = sent.commandCalls(PutEventsCommand)[0]?.args[0].input.Entries?.[0];
    expect(entry).toMatchObject({ EventBusName: 'mine', Source: 'redex', DetailType: 'redex run started' });
    expect(JSON.parse(entry?.Detail ?? '')).toEqual({
      stack: 'test',
      run: 'run1',
      workflow: 'test.main',
      startedAt: 1,
      tags: { project: 'x' },
    });
  });

  it('tell how a run ended, without its result', async () => {
    sent.reset();
    sent.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });
    const ended = summary({ run: 'run1' as RunId, status: 'DONE', endedAt: 9, startedAt: 1, result: ['x'] });
    await busOf('mine').ended(ended);
    const entry = sent.commandCalls(PutEventsCommand)[0]?.args[0].input.Entries?.[0];
    expect(entry).toMatchObject({ EventBusName: 'mine', Source: 'redex', DetailType: 'redex run ended' });
    expect(JSON.parse(entry?.Detail ?? '')).toEqual({
      stack: 'test',
      run: 'run1',
      workflow: 'test.main',
      status: 'DONE',
      startedAt: 1,
      endedAt: 9,
      tags: { project: 'x' },
    });
  });

  it('that the bus did not take are an error', async () => {
    sent.reset();
    sent
      .on(PutEventsCommand)
      .resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'try later' }] });
    await expect(busOf('default').ended(summary({}))).rejects.toThrow('InternalFailure try later');
  });
});

const captured = new URL('../../../shared/data/events/', import.meta.url);

describe.runIf(existsSync(fileURLToPath(captured)))('events that AWS really sent', () => {
  const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(new URL(name, captured), 'utf8'));
  const reported = async (name: string) => {
    const news = parseBatchEvent(await read(name));
    return news?.kind === 'report' ? news.report : undefined;
  };

  it('are understood: the child of an array', async () => {
    expect(await reported('batch-array-child-succeeded.json')).toEqual({
      job: { submission: '740ee3ee-f235-4670-b19f-84da1bda6e76', index: 12 },
      name: expect.stringMatching(/^run_all_fleets__/),
      state: { is: 'over', ended: 'well', said: 'Essential container in task exited', exitCode: 0 },
      log: 'core_arm64_model_run/default/770a2f9cd4bb407c84227223b775ca25',
      times: { queuedAt: 1655521641954, startedAt: 1655521805856, endedAt: 1655543406856 },
    });
  });

  it('are understood: a success and a failure', async () => {
    const well = await reported('batch-single-succeeded.json');
    expect(well?.state).toMatchObject({ is: 'over', ended: 'well', exitCode: 0 });
    const failed = await reported('batch-single-failed-exit1.json');
    expect(failed).toMatchObject({ name: 'test-failure', state: { is: 'over', ended: 'program', exitCode: 1 } });
    expect(failed?.job).not.toHaveProperty('index');
  });

  it.each(['s3-eventbridge-object-created.json', 's3-notification-put.json', 'http-api-v2-iam.json'])(
    'are no news of a job: %s',
    async (name) => {
      expect(parseBatchEvent(await read(name))).toBeUndefined();
    },
  );
});
