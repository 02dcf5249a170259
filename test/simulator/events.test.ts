/** The event path under anything that may arrive: nothing throws, nothing is written for what is not ours. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { World } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { jobName } from '../../core/engine/spec.ts';
import type { RunId, SubmissionId } from '../../core/graph/facts.ts';
import { task } from '../../core/index.ts';
import { makeAdvance } from '../../functions/advance.ts';
import { queueBatch, stateChange, wakeUp } from '../support/lambda-events.ts';
import { playWorld, start } from '../support/play.ts';

const heavy = task('e.heavy', { version: '1', executor: 'batch' }, (n: number) => n);

/** What changes something outside. */
const WRITES: Readonly<Partial<Record<keyof World, readonly string[]>>> = {
  journal: ['append'],
  summaries: ['put'],
  cache: ['write'],
  attempts: ['claim', 'finish', 'cancel', 'reopen'],
  objects: ['put'],
  batch: ['submit', 'terminate'],
  bus: ['wake', 'ended'],
};

function watched(world: World): { world: World; writes: string[] } {
  const writes: string[] = [];
  const ports = Object.entries(WRITES).map(([port, methods]) => {
    const own = world[port as keyof World] as unknown as Record<string, (...args: unknown[]) => unknown>;
    const noting = (methods as readonly string[]).map((method) => [
      method,
      (...args: unknown[]) => {
        writes.push(`${port}.${method}`);
        return own[method]?.(...args);
      },
    ]);
    return [port, { ...own, ...Object.fromEntries(noting) }];
  });
  return { world: { ...world, ...Object.fromEntries(ports) }, writes };
}

/** A world with a run in flight, which none of the events is about. */
async function quietWorld() {
  const world = playWorld();
  await round(world, await start(world, [heavy(1), heavy(2)], { run: 'known' }));
  const { world: noting, writes } = watched(world);
  return { advance: makeAdvance(() => noting), writes };
}

const OVERSIZED = 'x'.repeat(100_000);
const text = fc.oneof(fc.string(), fc.constant(OVERSIZED), fc.string({ unit: 'binary' }));
const foreignName = fc.oneof(
  text,
  fc.constant(jobName('another', 'known' as RunId, '2-abc-0' as SubmissionId)),
  fc.constant(jobName('test', 'unknown' as RunId, '2-abc-0' as SubmissionId)),
  fc.constant(jobName('test', 'known' as RunId, '2-abc-0' as SubmissionId)),
  fc.constant('redex_test_known'),
  fc.constant(`redex_test_known_${OVERSIZED}`),
);
const status = fc.constantFrom('SUCCEEDED', 'FAILED', 'RUNNING', 'SUBMITTED');

/** An event of Batch's shape about a job that is not ours, some of its parts replaced by anything. */
const foreignEvent = fc
  .tuple(
    fc.record(
      { id: text, name: foreignName, status, statusReason: text, exitCode: fc.integer(), index: fc.integer() },
      { requiredKeys: ['id', 'name', 'status'] },
    ),
    fc.dictionary(
      fc.constantFrom('jobId', 'status', 'container', 'attempts', 'arrayProperties', 'createdAt', 'extra'),
      fc.jsonValue(),
      { maxKeys: 3 },
    ),
  )
  .map(([verdict, replaced]) => {
    const event = stateChange(verdict as never) as { detail: object };
    return { ...event, detail: { ...event.detail, ...replaced } };
  });

const foreign = fc.oneof(
  fc.jsonValue(),
  foreignEvent,
  fc.constant(wakeUp('test', 'unknown')),
  fc.constant(wakeUp('another', 'known')),
  fc.string().map((run) => wakeUp('test', `${run}!`)),
);

/** The text of an event, cut off anywhere. */
const truncated = fc.tuple(foreign, fc.double({ min: 0, max: 1, noNaN: true })).map(([event, share]) => {
  const whole = JSON.stringify(event) ?? '';
  return whole.slice(0, Math.floor(whole.length * share));
});

async function passesOver(event: unknown): Promise<void> {
  const { advance, writes } = await quietWorld();
  expect(await advance(event)).toEqual({ batchItemFailures: [] });
  expect(writes).toEqual([]);
}

describe('events that are not ours', () => {
  it('bare, whatever they are, are passed over and write nothing', async () => {
    await fc.assert(fc.asyncProperty(foreign, passesOver), { numRuns: 300 });
  });

  it('in a batch, whole or truncated, are passed over and write nothing', async () => {
    const messages = fc.array(
      fc.oneof(foreign, truncated).map((event) => ({ event })),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(messages, async (all) => passesOver(queueBatch(all))),
      { numRuns: 300 },
    );
  });

  it('in what only looks like a batch are passed over and write nothing', async () => {
    const record = fc.record(
      { messageId: fc.jsonValue(), body: fc.jsonValue(), attributes: fc.jsonValue() },
      { requiredKeys: [] },
    );
    const batches = fc.record({ Records: fc.oneof(fc.jsonValue(), fc.array(record, { maxLength: 3 })) });
    await fc.assert(fc.asyncProperty(batches, passesOver), { numRuns: 300 });
  });
});
