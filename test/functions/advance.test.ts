import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import type { EventQueue } from '../../core/aws/queue.ts';
import type { World } from '../../core/engine/ports.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { add, task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import { makeAdvance } from '../../functions/advance.ts';
import { queueBatch, stateChange, wakeUp } from '../support/lambda-events.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { playJobs, playWorld, start } from '../support/play.ts';

const heavy = task('a.heavy', { version: '1', executor: 'batch' }, (n: number) => n * 10);

const allDone = { batchItemFailures: [] };

/** A run that waits for two jobs. */
async function waitingRun(world: MemoryWorld, run: string): Promise<RunId> {
  const id = await start(world, add(heavy(1), heavy(2)), { run, cache: false });
  expect(await makeAdvance(() => world)(wakeUp('test', id))).toEqual(allDone);
  return id;
}

function statusOf(world: World, run: RunId) {
  return world.summaries.get(run).then((summary) => summary?.status);
}

describe('advance', () => {
  it('takes a run to its end by the events of its jobs, delivered one by one', async () => {
    const world = playWorld();
    const run = await waitingRun(world, 'one');
    for (const report of await playJobs(world)) {
      expect(await statusOf(world, run)).toBe('RUNNING');
      expect(await makeAdvance(() => world)(stateChange(report))).toEqual(allDone);
    }
    expect(await world.summaries.get(run)).toMatchObject({ status: 'DONE', result: [30] });
  });

  it('handles all events of a run in one round, and each run by itself', async () => {
    const world = playWorld();
    const runs = [await waitingRun(world, 'first'), await waitingRun(world, 'second')];
    const reports = await playJobs(world);
    const before = await Promise.all(runs.map((run) => world.journal.readAfter(run, 0)));
    const messages = [...reports, ...reports].map((report) => ({ event: stateChange(report) }));
    expect(await makeAdvance(() => world)(queueBatch(messages))).toEqual(allDone);
    for (const [at, run] of runs.entries()) {
      expect(await statusOf(world, run)).toBe('DONE');
      expect(await world.journal.readAfter(run, before[at]?.length ?? 0)).toHaveLength(1);
    }
  });

  it('passes over what is not ours', async () => {
    const world = playWorld();
    const events = [
      'no json',
      'null',
      {},
      stateChange({ id: 'x', name: 'another-job', status: 'FAILED' }),
      stateChange({ id: 'x', name: 'redex_other_run1_1-ab-0', status: 'FAILED' }),
      wakeUp('other', 'run1'),
      wakeUp('test', 'forgotten'),
      stateChange({ id: 'x', name: 'redex_test_forgotten_1-ab-0', status: 'FAILED' }),
    ];
    const advance = makeAdvance(() => world);
    expect(await advance(queueBatch(events.map((event) => ({ event }))))).toEqual(allDone);
    for (const event of events.slice(2)) expect(await advance(event)).toEqual(allDone);
    expect(await advance(undefined)).toEqual(allDone);
    expect(await world.summaries.list({ limit: 10 })).toEqual([]);
  });

  it('gives back the events of a run that fails, and only those', async () => {
    const world = playWorld();
    const [good, bad] = [await waitingRun(world, 'good'), await waitingRun(world, 'bad')];
    const reports = await playJobs(world);
    const failing = failingFor(world, bad);
    const batch = queueBatch(reports.map((report) => ({ event: stateChange(report) })));
    const answer = await makeAdvance(() => failing)(batch);
    const expected = reports.flatMap(({ name }, at) => (name.includes('_bad_') ? [{ itemIdentifier: `m${at}` }] : []));
    expect(expected).toHaveLength(2);
    expect(answer.batchItemFailures).toEqual(expected);
    expect(await statusOf(world, good)).toBe('DONE');
    expect(await makeAdvance(() => world)(batch)).toEqual(allDone);
    expect(await statusOf(world, bad)).toBe('DONE');
  });

  it('fails as a whole for a bare event, whose sender knows no other way', async () => {
    const world = playWorld();
    const run = await waitingRun(world, 'bad');
    await expect(makeAdvance(() => failingFor(world, run))(wakeUp('test', run))).rejects.toThrow('see the log');
  });

  it('takes runs whose events have failed before last, and begins none that it cannot end', async () => {
    const world = playWorld();
    const runs = [await waitingRun(world, 'tried'), await waitingRun(world, 'fresh')];
    const messages = (await playJobs(world)).map((report) => ({
      event: stateChange(report),
      receives: report.name.includes('_tried_') ? 4 : 1,
    }));
    let calls = 0;
    const invocation = { getRemainingTimeInMillis: () => (calls++ < 2 ? 60_000 : 1_000) };
    const answer = await makeAdvance(() => world)(queueBatch(messages), invocation);
    expect(await Promise.all(runs.map((run) => statusOf(world, run)))).toEqual(['RUNNING', 'DONE']);
    expect(answer.batchItemFailures).toHaveLength(2);
  });
});

describe('with its queue, advance', () => {
  /** A queue that remembers what was asked of it. */
  function recordingQueue() {
    const asked = { again: [] as string[], shown: [] as { receipt: string; seconds: number }[] };
    const queue: EventQueue = {
      again: (bodies) => Promise.resolve(void asked.again.push(...bodies)),
      showAfter: (messages) => Promise.resolve(void asked.shown.push(...messages)),
    };
    return { queue, asked };
  }

  it('lets what failed come again soon, later each time', async () => {
    const world = playWorld();
    const bad = await waitingRun(world, 'bad');
    const { queue, asked } = recordingQueue();
    for (const receives of [1, 2, 5, 19]) {
      const batch = queueBatch([{ event: wakeUp('test', bad), receives }]);
      const answer = await makeAdvance(
        () => failingFor(world, bad),
        () => queue,
      )(batch);
      expect(answer.batchItemFailures).toEqual([{ itemIdentifier: 'm0' }]);
    }
    expect(asked.shown.map(({ seconds }) => seconds)).toEqual([5, 10, 80, 900]);
    expect(asked.again).toEqual([]);
  });

  it('sends what there was no time for again as new, so that a long round of a neighbour costs it no try', async () => {
    const world = playWorld();
    const [slow, healthy] = [await waitingRun(world, 'a'), await waitingRun(world, 'b')];
    const { queue, asked } = recordingQueue();
    let remainingMs = 180_000;
    const slowWorld: World = {
      ...world,
      journal: {
        ...world.journal,
        readAfter: (run, sequence) => {
          if (run === slow) remainingMs = 10_000;
          return world.journal.readAfter(run, sequence);
        },
      },
    };
    const invocation = { getRemainingTimeInMillis: () => remainingMs };
    const advance = makeAdvance(
      () => slowWorld,
      () => queue,
    );
    const reports = await playJobs(world);
    const events = reports.map((report) => ({ event: stateChange(report), receives: 19 }));
    // Lambda deletes all of them: none is received for the twentieth time.
    expect(await advance(queueBatch(events), invocation)).toEqual(allDone);
    expect(await statusOf(world, healthy)).toBe('RUNNING');
    remainingMs = 180_000;
    expect(await advance(queueBatch(asked.again.map((event) => ({ event }))), invocation)).toEqual(allDone);
    expect(await Promise.all([slow, healthy].map((run) => statusOf(world, run)))).toEqual(['DONE', 'DONE']);
    expect(asked.shown).toEqual([]);
  });

  it('gives back what the queue does not take again', async () => {
    const world = playWorld();
    const run = await waitingRun(world, 'one');
    const queue: EventQueue = { ...recordingQueue().queue, again: () => Promise.reject(new Error('no queue')) };
    const advance = makeAdvance(
      () => world,
      () => queue,
    );
    const invocation = { getRemainingTimeInMillis: () => 1_000 };
    const { batchItemFailures } = await advance(queueBatch([{ event: wakeUp('test', run) }]), invocation);
    expect(batchItemFailures).toEqual([{ itemIdentifier: 'm0' }]);
  });

  it('gives a run back whose round does not end, before the call is cut off, and others are sent again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const world = playWorld();
      const stuck = await waitingRun(world, 'stuck');
      const healthy = await waitingRun(world, 'healthy');
      const never = new Promise<never>(() => undefined);
      const journal: World['journal'] = {
        ...world.journal,
        readAfter: (run, sequence) => (run === stuck ? never : world.journal.readAfter(run, sequence)),
      };
      const { queue, asked } = recordingQueue();
      const advance = makeAdvance(
        () => ({ ...world, journal, warm: warmGraphs(0) }),
        () => queue,
      );
      const end = world.clock.now() + 180_000;
      const invocation = { getRemainingTimeInMillis: () => end - world.clock.now() };
      const events = [stuck, healthy].map((run) => ({ event: wakeUp('test', run) }));
      const advancing = advance(queueBatch(events), invocation);
      await vi.advanceTimersByTimeAsync(174_000);
      world.clock.advance(175_000);
      expect(asked.shown).toEqual([]);
      await vi.advanceTimersByTimeAsync(1_000);
      expect((await advancing).batchItemFailures).toEqual([{ itemIdentifier: 'm0' }]);
      expect(asked.shown).toHaveLength(1);
      expect(asked.again).toHaveLength(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('gives each of many runs a share of the time', async () => {
    const world = playWorld();
    for (let at = 0; at < 4; at++) await waitingRun(world, `run${at}`);
    const deadlines: number[] = [];
    const noted: World = {
      ...world,
      cache: { ...world.cache, write: (some, until) => world.cache.write(some, note(until)) },
    };
    const note = (until: number | undefined) => {
      deadlines.push((until ?? 0) - world.clock.now());
      return until;
    };
    const invocation = { getRemainingTimeInMillis: () => 180_000 };
    const reports = (await playJobs(world)).map((report) => ({ event: stateChange(report) }));
    await makeAdvance(() => noted)(queueBatch(reports), invocation);
    expect(deadlines).toHaveLength(4);
    const [first = 0, , , last = 0] = deadlines;
    expect(first).toBeLessThanOrEqual(180_000 / 4);
    expect(last).toBeGreaterThan(first);
  });
});

/** The same world, whose journal is out of reach for one run. */
function failingFor(world: MemoryWorld, run: RunId): World {
  return {
    ...world,
    journal: {
      ...world.journal,
      readAfter: (asked, sequence) =>
        asked === run ? Promise.reject(new Error('no database')) : world.journal.readAfter(asked, sequence),
    },
  };
}

const captured = new URL('../../../shared/data/events/', import.meta.url);

describe.runIf(existsSync(fileURLToPath(captured)))('events that AWS really sent', () => {
  it.each([
    'batch-array-child-succeeded.json',
    'batch-single-failed-exit1.json',
    'batch-single-succeeded.json',
    'sqs-one-batch-event.json',
    's3-notification-put.json',
    's3-eventbridge-object-created.json',
  ])('are strangers’ here and change nothing: %s', async (name) => {
    const world = playWorld();
    const event = JSON.parse(await readFile(new URL(name, captured), 'utf8'));
    expect(await makeAdvance(() => world)(event)).toEqual(allDone);
    expect(world.batch.jobs).toEqual([]);
  });
});
