import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, test } from 'vitest';
import { parseBatchEvent } from '../../core/aws/batch/events.ts';
import { parseWakeUp } from '../../core/aws/bus.ts';
import { seededChaos } from '../../local/chaos.ts';
import { readJsonLines } from '../../local/json-lines.ts';
import { openQueue } from '../../local/queue.ts';
import { logLines, submit, temporaryFolder, testCloud, until, wake } from './fixture.ts';
import { type Event, recordingFunctions } from './shell.ts';

const SHARED_EVENTS = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'events');

function statusesOf(events: readonly Event[], job: string): (string | undefined)[] {
  return events.filter(({ detail }) => detail.jobId === job).map(({ detail }) => detail.status);
}

describe('Batch', () => {
  test('tells of every state of a job, in order', async () => {
    const { batch, cloud, events } = await testCloud();
    const good = await submit(batch, 'true');
    const bad = await submit(batch, 'exit 1');
    await cloud.idle();
    expect(statusesOf(events, good)).toEqual(['RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED']);
    expect(statusesOf(events, bad)).toEqual(['RUNNABLE', 'STARTING', 'RUNNING', 'FAILED']);
  });

  test('tells of children and of their array', async () => {
    const { batch, cloud, events } = await testCloud();
    const id = await submit(batch, 'true', { arrayProperties: { size: 2 } });
    await cloud.idle();
    expect(statusesOf(events, `${id}:1`)).toEqual(['RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED']);
    expect(statusesOf(events, id)).toEqual(['PENDING', 'SUCCEEDED']);
    const ends = events.filter(({ detail }) => detail.status === 'SUCCEEDED');
    expect(ends.map(({ detail }) => detail.arrayProperties)).toEqual(
      expect.arrayContaining([
        { index: 0, statusSummary: {} },
        { size: 2, statusSummary: expect.objectContaining({ SUCCEEDED: 2 }) },
      ]),
    );
  });

  test('says what the engine wants to know', async () => {
    const { batch, cloud, events, folder } = await testCloud();
    const id = await submit(batch, 'exit 4', { jobName: 'redex_local_r1_s1' });
    await cloud.idle();
    const time = expect.any(Number);
    expect(parseBatchEvent(events.at(-1))).toEqual({
      kind: 'report',
      report: {
        job: { submission: id },
        name: 'redex_local_r1_s1',
        state: { is: 'over', ended: 'program', said: 'Essential container in task exited', exitCode: 4 },
        log: join(folder, 'batch', 'logs', `${id}.log`),
        times: { queuedAt: time, startedAt: time, endedAt: time },
      },
    });
  });

  test.runIf(existsSync(SHARED_EVENTS)).each([
    ['batch-single-failed-exit1.json', {}],
    ['batch-single-succeeded.json', {}],
    ['batch-array-child-succeeded.json', { arrayProperties: { size: 2 } }],
  ])('shapes its events as in %s', async (name, more) => {
    const { batch, cloud, events } = await testCloud();
    await submit(batch, name.includes('exit1') ? 'exit 1' : 'true', more);
    await cloud.idle();
    const real = JSON.parse(readFileSync(join(SHARED_EVENTS, name), 'utf8')) as Event;
    const ours = events.find(
      ({ detail }) => detail.status === real.detail.status && detail.arrayProperties?.size === undefined,
    );
    // Fields of a real cluster's machines, and settings that the local jobs do not have.
    const elsewhere =
      /taskArn|containerInstanceArn|RoleArn|readonlyRoot|privileged|linuxParameters|image|command|logConf/;
    const missing = shapeOf(real).filter((path) => !elsewhere.test(path) && !shapeOf(ours).includes(path));
    expect(missing).toEqual([]);
  });
});

/** Paths of all fields with their types, lists by their first element; contents of parameters and tags left out. */
function shapeOf(value: unknown, path = ''): string[] {
  if (/\.(parameters|tags|secrets|evaluateOnExit|volumes|mountPoints)$/.test(path)) return [path];
  if (Array.isArray(value)) return value.length === 0 ? [path] : shapeOf(value[0], `${path}[]`);
  if (value === null || typeof value !== 'object') return [`${path}: ${typeof value}`];
  return Object.entries(value).flatMap(([key, field]) => shapeOf(field, `${path}.${key}`));
}

describe('the bus and the queue', () => {
  test('bring wake-ups to advance after a delay', async () => {
    const { sqs, cloud, events } = await testCloud({ wakeUpDelayMs: 300 });
    await wake({ sqs }, 'r1');
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(events).toEqual([]);
    await cloud.idle();
    expect(events.map(parseWakeUp)).toEqual([{ stack: 'local', run: 'r1' }]);
  });

  test('bring a wake-up that is due at once to advance at once, before others', async () => {
    const { sqs, cloud, events } = await testCloud({ wakeUpDelayMs: 1_000 });
    await wake({ sqs }, 'r1');
    const before = performance.now();
    await wake({ sqs }, 'r2', 'now');
    await until(() => events[0]);
    expect(performance.now() - before).toBeLessThan(500);
    await cloud.idle();
    expect(events.map((event) => parseWakeUp(event)?.run)).toEqual(['r2', 'r1']);
  });

  test('tell listeners of ended runs, and the queue nothing', async () => {
    const { bus, cloud, events } = await testCloud();
    const heard: unknown[] = [];
    cloud.onRunEnded((detail) => heard.push(detail));
    const ended = { Source: 'redex', DetailType: 'redex run ended', Detail: '{"run":"r1"}' };
    await bus.send(new PutEventsCommand({ Entries: [ended] }));
    await cloud.idle();
    expect(heard).toEqual([{ run: 'r1' }]);
    expect(events).toEqual([]);
  });

  test('take the good entries of a request and say which are malformed', async () => {
    const { bus } = await testCloud();
    const answer = await bus.send(
      new PutEventsCommand({
        Entries: [
          { Source: 'redex', DetailType: 'x', Detail: '{}' },
          { Source: 'redex', DetailType: 'x', Detail: 'no JSON' },
        ],
      }),
    );
    expect(answer).toMatchObject({ FailedEntryCount: 1, Entries: [{}, { ErrorCode: 'MalformedDetail' }] });
  });
});

describe('the queue', () => {
  test('calls advance once at a time, with what has come together', async () => {
    let running = 0;
    let most = 0;
    const sizes: number[] = [];
    const functions = recordingFunctions([], async (event) => {
      running += 1;
      most = Math.max(most, running);
      sizes.push((event as { Records: unknown[] }).Records.length);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
    });
    const { sqs, cloud } = await testCloud({ functions: () => Promise.resolve(functions), wakeUpDelayMs: 0 });
    for (let request = 0; request < 30; request += 1) {
      await Promise.all(Array.from({ length: 10 }, (_, n) => wake({ sqs }, `r${n}`)));
    }
    await cloud.idle();
    expect(most).toBe(1);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(300);
    expect(Math.max(...sizes)).toBeGreaterThan(10);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
  });

  test('brings back what advance gives back, and nothing else', async () => {
    const events: Event[] = [];
    const receives: string[] = [];
    const functions = recordingFunctions(events, (event) => {
      const { Records } = event as {
        Records: { messageId: string; body: string; attributes: { ApproximateReceiveCount: string } }[];
      };
      const failing = Records.filter(({ body }) => body.includes('"bad"'));
      receives.push(...failing.map(({ attributes }) => attributes.ApproximateReceiveCount));
      const failed = receives.length < 3 ? failing : [];
      return Promise.resolve({ batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) });
    });
    const { sqs, cloud } = await testCloud({ functions: () => Promise.resolve(functions), wakeUpDelayMs: 0 });
    await Promise.all([wake({ sqs }, 'good'), wake({ sqs }, 'bad')]);
    await cloud.idle();
    expect(receives).toEqual(['1', '2', '3']);
    expect(events.filter((event) => parseWakeUp(event)?.run === 'good')).toHaveLength(1);
  });

  test('tells once of what fails and is tried again, and where the whole story is', async () => {
    const warnings: string[] = [];
    const functions = recordingFunctions([], (event) => {
      const { Records } = event as {
        Records: { messageId: string; attributes: { ApproximateReceiveCount: string } }[];
      };
      const failing = Records.filter(({ attributes }) => Number(attributes.ApproximateReceiveCount) < 3);
      return Promise.resolve({
        batchItemFailures: failing.map(({ messageId }) => ({ itemIdentifier: messageId })),
        reasons: Object.fromEntries(failing.map(({ messageId }) => [messageId, 'no database\nas it seems'])),
      });
    });
    const sweep = () => Promise.resolve({ failures: ['run1: Error: no database'] });
    const { sqs, cloud, folder } = await testCloud({
      functions: () => Promise.resolve({ ...functions, sweep }),
      wakeUpDelayMs: 0,
      warn: (message) => warnings.push(message),
    });
    await Promise.all([wake({ sqs }, 'one'), wake({ sqs }, 'two')]);
    await cloud.idle();
    const told = ['no database', 'run1: Error: no database'].map(
      (reason) =>
        `a step of a run failed, and is tried again: ${reason}; the whole story is in ${join(folder, 'log.jsonl')}`,
    );
    expect(warnings.sort()).toEqual(told);
  });

  test('gives a message up after ten tries, and keeps it with the reason', async () => {
    const deadLetters = join(temporaryFolder(), 'dead-letters.jsonl');
    const warnings: string[] = [];
    const receives: string[] = [];
    const queue = openQueue({
      handler: ({ Records }) => {
        receives.push(...Records.map(({ attributes }) => attributes.ApproximateReceiveCount));
        return Promise.reject(new Error('poison'));
      },
      deadLetters,
      retryMsFirst: 0.1,
      trouble: () => undefined,
      warn: (message) => warnings.push(message),
    });
    const accepted = new Promise<void>((resolve) => queue.send({ body: '{}', dueAt: 0, accepted: resolve }));
    await accepted;
    expect(receives.map(Number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(readJsonLines(deadLetters)).toMatchObject([{ body: '{}', receives: 10, reason: 'poison' }]);
    expect(warnings).toHaveLength(1);
    expect(queue.idle()).toBe(true);
    await queue.stop();
  });

  test('buries what a handler gave back with the reason that it gave', async () => {
    const deadLetters = join(temporaryFolder(), 'dead-letters.jsonl');
    const queue = openQueue({
      handler: ({ Records }) => {
        const poisoned = Records.filter(({ body }) => body === 'poison');
        return Promise.resolve(new Map(poisoned.map(({ messageId }) => [messageId, 'its graph is too large'])));
      },
      deadLetters,
      retryMsFirst: 0.1,
      trouble: () => undefined,
      warn: () => undefined,
    });
    const sent = (body: string) => new Promise<void>((resolve) => queue.send({ body, dueAt: 0, accepted: resolve }));
    await Promise.all([sent('poison'), sent('food')]);
    expect(readJsonLines(deadLetters)).toMatchObject([
      { body: 'poison', receives: 10, reason: 'its graph is too large' },
    ]);
    await queue.stop();
  });

  test('forgets an event only when advance has taken it', async () => {
    const functions = recordingFunctions([], () => Promise.reject(new Error('not yet')));
    const { sqs, cloud, folder } = await testCloud({ functions: () => Promise.resolve(functions), wakeUpDelayMs: 0 });
    await wake({ sqs }, 'r1');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await cloud.close();
    expect(logLines(folder).map(({ type }) => type)).toEqual(['sent']);
    const again = await testCloud({ folder });
    await until(() => again.events[0]);
    expect(again.events.map(parseWakeUp)).toEqual([{ stack: 'local', run: 'r1' }]);
  });
});

test('chaos repeats, delays and loses events, and loses machines, the same for the same seed', () => {
  const draw = (seed: number) => {
    const chaos = seededChaos(seed);
    return Array.from({ length: 1000 }, () => [chaos.deliveries(), chaos.lossOfMachine()] as const);
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  const deliveries = draw(1).map(([delays]) => delays);
  expect(new Set(deliveries.map((delays) => delays.length))).toEqual(new Set([0, 1, 2]));
  expect(deliveries.some((delays) => (delays[0] ?? 0) > 0)).toBe(true);
  expect(draw(1).some(([, lossMs]) => lossMs !== undefined)).toBe(true);
});

test('a machine that is lost by chaos is reported as AWS would', async () => {
  const chaos = { deliveries: () => [0, 0], lossOfMachine: () => 50 };
  const { batch, cloud, events } = await testCloud({ chaos });
  const id = await submit(batch, 'sleep 100');
  await cloud.idle();
  expect(statusesOf(events, id).filter((status) => status === 'FAILED')).toHaveLength(2);
  expect(events.at(-1)?.detail.statusReason).toMatch(/^Host EC2 \(instance i-\w+\) terminated\.$/);
});

describe('the schedule', () => {
  test('calls sweep when the cloud opens, and again and again', async () => {
    const calls: unknown[] = [];
    const warnings: string[] = [];
    const sweep = (event: unknown) => {
      calls.push(event);
      return calls.length >= 2 ? Promise.reject(new Error('not now')) : Promise.resolve({});
    };
    const { cloud } = await testCloud({
      functions: () => Promise.resolve({ ...recordingFunctions([]), sweep }),
      sweepPeriodMs: 40,
      warn: (message) => warnings.push(message),
    });
    await until(() => calls.length >= 3 || undefined);
    expect(calls[0]).toMatchObject({ source: 'aws.events', 'detail-type': 'Scheduled Event' });
    // Once, though it fails again and again.
    expect(warnings).toEqual([expect.stringContaining('is tried again: the sweep: Error: not now;')]);
    await cloud.close();
    const count = calls.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(calls).toHaveLength(count);
  });
});
