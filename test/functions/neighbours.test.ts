/** Runs share the queue, its messages' tries and the time of each call: what one run does with them must cost no other. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { World } from '../../core/engine/ports.ts';
import { map, task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import { makeAdvance } from '../../functions/advance.ts';
import { ofType, packaged, type Resource } from '../stack/template.ts';
import { type QueueTimes, simulatedQueue } from '../support/event-queue.ts';
import { stateChange, wakeUp } from '../support/lambda-events.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { playJobs, playWorld, start } from '../support/play.ts';
import { scratchFolder } from '../support/project.ts';

const MINUTE_MS = 60_000;
/** How long the neighbours go on as they do. */
const MINUTES = 360;
/** What a call may take at the most (`core/host/host.ts`). */
const STEP_MS = 10_000;

const NEIGHBOURS = ['neighbour1', 'neighbour2', 'neighbour3', 'neighbour4', 'neighbour5'] as RunId[];

const job = task('n.job', { version: '1', executor: 'batch' }, (n: number) => n);
const list = task('n.list', { version: '1' }, () => Array.from({ length: MINUTES }, (_, at) => at));
const steps = task('n.steps', { version: '1' }, (n: number): number =>
  n === 0 ? 0 : (steps(n - 1) as unknown as number),
);

/** Of the stack as it is packaged. */
function timesOf(): QueueTimes {
  const template = packaged();
  const { VisibilityTimeout, RedrivePolicy } = template.Resources.Events?.Properties ?? {};
  const [, mapping] = ofType(template, 'AWS::Lambda::EventSourceMapping')[0] as readonly [string, Resource];
  return {
    visibilitySeconds: VisibilityTimeout,
    receivesMax: RedrivePolicy.maxReceiveCount,
    batchSize: mapping.Properties.BatchSize,
    windowSeconds: mapping.Properties.MaximumBatchingWindowInSeconds,
    timeoutSeconds: template.Resources.AdvanceLambdaFunction?.Properties.Timeout,
  };
}

const TIMES = timesOf();

/** Each of the neighbour's calls takes all the time that a call may have. */
function slowHost({ host, clock }: MemoryWorld): World['host'] {
  return {
    ...host,
    run(bundle, name, args) {
      if (name === 'n.steps') clock.advance(STEP_MS);
      return host.run(bundle, name, args);
    },
  };
}

/** Longer than its share: five of them leave no time in a call for anybody else. */
const LATE_MS = 34_000;

/** Journals of neighbours answer late, and with an error. */
function failingJournal({ journal, clock }: MemoryWorld): World['journal'] {
  return {
    ...journal,
    readAfter(run, sequence) {
      if (!NEIGHBOURS.includes(run)) return journal.readAfter(run, sequence);
      clock.advance(LATE_MS);
      return Promise.reject(new Error('no database'));
    },
  };
}

// Every failure of hours is logged.
beforeAll(async () => void vi.stubEnv('REDEX_LOG', join(await scratchFolder(afterAll), 'log')));
afterAll(() => void vi.unstubAllEnvs());

describe('for hours beside five runs', () => {
  it.each([
    ['slow', 'whose rounds take as long as they may', (world: MemoryWorld) => ({ ...world, host: slowHost(world) })],
    [
      'failing',
      'whose rounds fail, and take their time for it',
      (world: MemoryWorld) => ({ ...world, journal: failingJournal(world) }),
    ],
  ])(
    'that are %s, %s, events of another are handled within minutes, and none is a dead letter',
    async (kind, _, around) => {
      const memory = playWorld();
      const { clock } = memory;
      const queue = simulatedQueue(clock, TIMES);
      const wake = async (run: RunId) => queue.send(wakeUp('test', run), 3_000);
      const world = { ...around(memory), bus: { ...memory.bus, wake } };
      const advance = makeAdvance(
        () => world,
        () => queue,
      );
      const told = (run: RunId, at: string) => queue.send({ ...(wakeUp('test', run) as object), id: at });
      for (const run of NEIGHBOURS) await start(memory, steps((MINUTES * MINUTE_MS) / STEP_MS), { run, cache: false });
      told(await start(memory, map(job, list()), { run: 'healthy' }), 'first');
      await queue.poll(advance, clock.now() + MINUTE_MS);
      for (let minute = 0; minute < MINUTES; minute++) {
        for (const run of NEIGHBOURS) told(run, String(minute));
        for (const report of await playJobs(memory, (id) => id.endsWith(`:${minute}`))) queue.send(stateChange(report));
        await queue.poll(advance, clock.now() + MINUTE_MS);
      }
      await queue.poll(advance, clock.now() + 10 * MINUTE_MS);
      const ended = queue.handled.filter(({ body }) => body.includes('_healthy_'));
      expect(ended).toHaveLength(MINUTES);
      const slowest = Math.max(...ended.map(({ afterMs }) => afterMs));
      // One environment takes all calls, and each may last for three minutes.
      expect(slowest).toBeLessThan(2 * TIMES.timeoutSeconds * 1_000);
      expect(queue.dead.filter((body) => !body.includes('neighbour'))).toEqual([]);
      // What cannot be handled ends there at last: the tries of its messages are its own.
      expect(queue.dead.length > 0).toBe(kind === 'failing');
      expect(await memory.summaries.get('healthy' as RunId)).toMatchObject({ status: 'DONE' });
      for (const run of NEIGHBOURS) expect(await memory.summaries.get(run)).toMatchObject({ status: 'RUNNING' });
    },
  );
});
