import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { World } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { task } from '../../core/index.ts';
import { makeAdvance } from '../../functions/advance.ts';
import { makeCancel } from '../../functions/cancel.ts';
import { makeRetry } from '../../functions/retry.ts';
import { makeStatus } from '../../functions/status.ts';
import { httpEvent, queueBatch, stateChange, wakeUp } from '../support/lambda-events.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { playWorld, start } from '../support/play.ts';

const heavy = task('x.heavy', { version: '1', executor: 'batch' }, (n: number) => n);

/** A partition key of DynamoDB has 2048 bytes at the most. */
const KEY_BYTES_MAX = 2048;

/** Refuses every write, and every key that a database would refuse. */
function readOnly(world: MemoryWorld): World {
  const refuse = () => Promise.reject(new Error('something was written'));
  const checked =
    <A extends unknown[], B>(read: (run: string, ...rest: A) => Promise<B>) =>
    (run: string, ...rest: A) =>
      run.length > 0 && run.length <= KEY_BYTES_MAX
        ? read(run, ...rest)
        : Promise.reject(new Error('no such key can be'));
  return {
    ...world,
    journal: { append: refuse, readAfter: checked(world.journal.readAfter as never) },
    summaries: { ...world.summaries, put: refuse, get: checked(world.summaries.get as never) },
    cache: { ...world.cache, write: refuse },
    attempts: { ...world.attempts, claim: refuse, finish: refuse, cancel: refuse, reopen: refuse },
    objects: { ...world.objects, put: refuse },
    executors: { batch: { ...world.batch, submit: refuse, stop: refuse } },
    bus: { wake: refuse, started: refuse, ended: refuse },
  };
}

let world: World;
/** Names of a job of a run that is there, and of others. */
let known: string;
beforeAll(async () => {
  const memory = playWorld();
  await round(memory, await start(memory, heavy(1), { run: 'known' }));
  known = memory.batch.jobs[0]?.request.name as string;
  world = readOnly(memory);
});

const text = fc.oneof(
  fc.string(),
  fc.constantFrom('known', 'test', 'redex_test_known_1-ab-0', 'redex_test_nobody_1-ab-0', 'redex_other_known_1-ab-0'),
  fc.nat({ max: 5000 }).map((length) => 'x'.repeat(length)),
  fc.nat({ max: 5000 }).map((length) => `redex_test_${'x'.repeat(length)}_1-ab-0`),
);
const anything = fc.oneof(fc.jsonValue() as fc.Arbitrary<unknown>, text, fc.constant(undefined));
const status = fc.constantFrom('SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'NEW');

/** Events of jobs that are not ours, with any field left out or of any type. */
const strange = fc
  .record(
    {
      source: fc.oneof(fc.constant('aws.batch'), fc.constant('redex'), anything),
      'detail-type': fc.oneof(
        fc.constantFrom('Batch Job State Change', 'Batch Job Queue Blocked', 'redex wake-up'),
        anything,
      ),
      detail: fc.oneof(
        anything,
        fc.record(
          {
            jobId: fc.oneof(text, anything),
            jobName: fc.oneof(text, anything),
            status: fc.oneof(status, anything),
            statusReason: fc.oneof(text, anything),
            stack: fc.oneof(text, anything),
            run: fc.oneof(
              fc.constant('nobody'),
              fc.nat({ max: 5000 }).map((length) => 'y'.repeat(length)),
              anything,
            ),
            container: anything,
            attempts: anything,
            arrayProperties: anything,
          },
          { requiredKeys: [] },
        ),
      ),
    },
    { requiredKeys: [] },
  )
  .filter((event) => !isOfKnownRun(event));

/** Events that are right in all but what they are about. */
const lengthOfName = fc.nat({ max: 5000 });
const misdirected = fc.oneof(
  fc.tuple(fc.constantFrom('test', 'other'), lengthOfName).map(([stack, length]) => wakeUp(stack, 'y'.repeat(length))),
  fc
    .tuple(text, fc.constantFrom('RUNNABLE', 'SUCCEEDED', 'FAILED'))
    .map(([name, state]) => stateChange({ id: 'job-9', name, status: state, statusReason: 'CAPACITY:NONE' }))
    .filter((event) => !isOfKnownRun(event as { readonly detail?: unknown })),
);
const stranger = fc.oneof(strange, misdirected, anything);

/** What is about a run that is there may well take it forward. */
function isOfKnownRun({ detail }: { readonly detail?: unknown }): boolean {
  const { jobName, run } = (detail ?? {}) as { readonly jobName?: unknown; readonly run?: unknown };
  return run === 'known' || (typeof jobName === 'string' && jobName.startsWith('redex_test_known_'));
}

/** As text, whole or cut off somewhere. */
const body = fc
  .tuple(stranger, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean())
  .map(([event, share, isCut]) => {
    const whole = JSON.stringify(event) ?? '';
    return isCut ? whole.slice(0, Math.floor(whole.length * share)) : whole;
  });

describe('whatever comes that is not ours', () => {
  it('is passed over by advance, alone and in batches, and nothing is written', async () => {
    const advance = makeAdvance(() => world);
    await fc.assert(
      fc.asyncProperty(fc.array(body, { maxLength: 5 }), stranger, async (bodies, bare) => {
        const batch = queueBatch(bodies.map((event) => ({ event })));
        expect(await advance(batch)).toEqual({ batchItemFailures: [] });
        expect(await advance(bare)).toEqual({ batchItemFailures: [] });
      }),
      { numRuns: 300 },
    );
  });

  it('in events cut off at any character, or about jobs the run has not, changes nothing of a run that is there', async () => {
    const advance = makeAdvance(() => world);
    const whole = JSON.stringify(stateChange({ id: 'job-1', name: known, status: 'SUCCEEDED' }));
    const cut = Array.from(whole, (_, at) => ({ event: whole.slice(0, at) }));
    expect(await advance(queueBatch(cut))).toEqual({ batchItemFailures: [] });
    const other = stateChange({ id: 'job-9', name: `${known.slice(0, -1)}9`, status: 'FAILED' });
    expect(await advance(queueBatch([{ event: other }, { event: wakeUp('test', 'known') }]))).toEqual({
      batchItemFailures: [],
    });
  });

  it('is refused by status, cancel and retry with an answer', async () => {
    const handlers = [makeStatus, makeCancel, makeRetry].map((make) => make(() => world));
    const request = fc.oneof(anything, fc.record({ run: fc.oneof(text, anything) }));
    await fc.assert(
      fc.asyncProperty(request, async (event) => {
        fc.pre((event as { run?: unknown } | undefined | null)?.run !== 'known');
        for (const handler of handlers) {
          expect(await handler(event)).toHaveProperty('errors');
          const answer = await handler(httpEvent('POST', { body: JSON.stringify(event) ?? '' }));
          expect([400, 404]).toContain((answer as unknown as { readonly statusCode: number }).statusCode);
        }
      }),
      { numRuns: 200 },
    );
  });
});
