/** What a storm of events costs: an array of 10,000 whose children all end at once. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { World } from '../../core/engine/ports.ts';
import type { RoundReport } from '../../core/engine/round.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { map, task } from '../../core/index.ts';
import { makeAdvance } from '../../functions/advance.ts';
import { eachExecutor } from '../support/executors.ts';
import { queueBatch, stateChange, wakeUp } from '../support/lambda-events.ts';
import { playJobs, playWorld, start } from '../support/play.ts';

const CHILDREN = 10_000;

const range = task('w.range', { version: '1' }, (n: number) => Array.from({ length: n }, (_, at) => at));
const heavy = task('w.heavy', { version: '1', executor: 'batch' }, (n: number) => n + 1);

/** As the template has it, where nothing else is asked for. */
function parameter(name: string): number {
  const text = readFileSync(join(import.meta.dirname, '../../serverless.yml'), 'utf8');
  return Number(new RegExp(`^    ${name}: (\\d+)$`, 'm').exec(text)?.[1]);
}

/** How many events a call gets at most, and how many calls run at once. */
const BATCH = parameter('batchSize');
const CALLS = parameter('concurrency');

/** Requests by port and method; and, of those that are about many things, the things. */
type Counts = Readonly<Record<string, number>>;

function counting(world: World, counts: Record<string, number>): World {
  const add = (key: string, count: number): void => {
    counts[key] = (counts[key] ?? 0) + count;
  };
  const counted = <Port extends object>(name: string, port: Port): Port =>
    new Proxy(port, {
      get(target, method) {
        const call: unknown = Reflect.get(target, method);
        if (typeof call !== 'function') return call;
        return (...args: unknown[]): unknown => {
          add(`${name}.${String(method)}`, 1);
          const things = args.find(Array.isArray);
          if (things) add(`${name}.${String(method)} of`, things.length);
          return call.apply(target, args);
        };
      },
    });
  const { journal, summaries, cache, attempts, objects, bus, executors } = world;
  return {
    ...world,
    journal: counted('journal', journal),
    summaries: counted('summaries', summaries),
    cache: counted('cache', cache),
    attempts: counted('attempts', attempts),
    objects: counted('objects', objects),
    bus: counted('bus', bus),
    executors: eachExecutor(executors, (one) => counted('batch', one)),
  };
}

/** The storm, with so many environments of `advance` at once that each take the next batch when they are done with one. */
async function storm(environments: number): Promise<{ rounds: number; conflicts: number; counts: Counts }> {
  const lines = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const world = playWorld();
  const run = await start(world, map(heavy, range(CHILDREN)), { run: 'storm' });
  await makeAdvance(() => world)(wakeUp('test', run));
  expect(world.batch.jobs.map(({ request }) => request.size)).toEqual([CHILDREN]);
  const events = (await playJobs(world)).map((report) => ({ event: stateChange(report) }));
  const batches = Array.from({ length: Math.ceil(events.length / BATCH) }, (_, at) =>
    queueBatch(events.slice(at * BATCH, (at + 1) * BATCH)),
  );
  const counts: Record<string, number> = {};
  const reports: RoundReport[] = [];
  const environment = async (id: string): Promise<void> => {
    const own: World = { ...world, warm: warmGraphs(1), sender: { id, exclusive: false } };
    const advance = makeAdvance(() => counting(own, counts));
    for (let batch = batches.shift(); batch; batch = batches.shift()) {
      expect(await advance(batch)).toEqual({ batchItemFailures: [] });
    }
  };
  lines.mockClear();
  await Promise.all(Array.from({ length: environments }, (_, at) => environment(`lambda${at}`)));
  for (const [text] of lines.mock.calls) {
    const line = JSON.parse(String(text)) as RoundReport & { readonly message?: string };
    if (line.message === 'a round') reports.push(line);
  }
  lines.mockRestore();
  expect(await world.summaries.get(run)).toMatchObject({ status: 'DONE', tally: { 'w.heavy': { done: CHILDREN } } });
  return { rounds: reports.length, conflicts: reports.reduce((sum, { conflicts }) => sum + conflicts, 0), counts };
}

it('a storm of 10,000 child events costs a bounded number of rounds: one a batch, each of five requests', async () => {
  const { rounds, conflicts, counts } = await storm(1);
  expect({ rounds, conflicts }).toEqual({ rounds: CHILDREN / BATCH, conflicts: 0 });
  expect(counts).toEqual({
    'journal.readAfter': rounds,
    'attempts.read': rounds,
    'attempts.read of': CHILDREN,
    'cache.write': rounds,
    'cache.write of': CHILDREN,
    'journal.append': rounds,
    'summaries.put': rounds,
    // The graph is loaded once; its end is told once, and its result is too large for a summary.
    'summaries.get': 1,
    'objects.put': 1,
    'bus.ended': 1,
  });
});

it('with as many calls at once as there may be, each round loses fewer races than there are others', async () => {
  const { rounds, conflicts, counts } = await storm(CALLS);
  expect(rounds).toBe(CHILDREN / BATCH);
  expect(conflicts).toBeLessThanOrEqual(rounds * (CALLS - 1));
  expect(conflicts).toBeGreaterThan(0);
  const { 'summaries.get': loads = 0, ...rest } = counts;
  expect(loads).toBeLessThanOrEqual(CALLS);
  expect(rest).toMatchObject({
    'journal.append': rounds + conflicts,
    'attempts.read': rounds + conflicts,
    'summaries.put': rounds,
    // What was computed is written once, however many races are lost with it.
    'cache.write of': CHILDREN,
  });
  expect(rest['journal.readAfter']).toBeLessThanOrEqual(rounds + 2 * conflicts + CALLS);
  expect(rest['objects.get'] ?? 0).toBeLessThanOrEqual(CALLS);
});
