import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendParams, dynamoJournal } from '../../core/aws/journal.ts';
import { endOf } from '../../core/engine/executor.ts';
import type { World } from '../../core/engine/ports.ts';
import { retry } from '../../core/engine/retry.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import { add, task } from '../../core/index.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';
import { makeAdvance } from '../../functions/advance.ts';
import { startDynamo, type TestDynamo, tableNames } from '../support/dynamo.ts';
import { queueBatch, wakeUp } from '../support/lambda-events.ts';
import { evaluate, playJobs, playWorld, start } from '../support/play.ts';

const heavy = task('p.heavy', { version: '1', executor: 'batch' }, (n: number) => n * 10);

const length = task('p.length', { version: '1' }, (text: string) => text.length);

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

function wakeUps(...runs: RunId[]): unknown {
  return queueBatch(runs.map((run) => ({ event: wakeUp('test', run) })));
}

describe('a run that cannot be handled', () => {
  it('since its graph is too large is not loaded; the others are handled, and its summary says why', async () => {
    const memory = playWorld();
    const [large, small] = [
      await start(
        memory,
        Array.from({ length: 30 }, (_, n) => heavy(n)),
      ),
      await start(memory, add(heavy(1), 2)),
    ];
    await makeAdvance(() => memory)(wakeUps(large));
    const limited: World = { ...memory, liveNodesMax: 20, warm: warmGraphs(1) };
    let loads = 0;
    const get: World['objects']['get'] = (key) => {
      loads++;
      return memory.objects.get(key);
    };
    const readAfter: World['journal']['readAfter'] = (run, sequence) => {
      if (run === large) loads++;
      return memory.journal.readAfter(run, sequence);
    };
    const world = { ...limited, objects: { ...memory.objects, get }, journal: { ...memory.journal, readAfter } };
    const answer = await makeAdvance(() => world)(wakeUps(large, small));
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: 'm0' }]);
    expect(answer.reasons?.m0).toMatch(
      /is not loaded: its live graph has \d+ nodes, and REDEX_LIVE_NODES_MAX allows 20/,
    );
    expect(loads).toBe(0);
    expect(memory.batch.jobs).toHaveLength(2);
    expect((await memory.summaries.get(large))?.blocked?.reason).toBe(answer.reasons?.m0);
    const roomy: World = { ...limited, liveNodesMax: 1000 };
    expect(await makeAdvance(() => roomy)(wakeUps(large))).toEqual({ batchItemFailures: [] });
  });

  it('since its journal holds an entry of a newer redex is refused alone, with advice', async () => {
    const memory = playWorld();
    const journal = dynamoJournal(dynamo.client, tableNames.runs, memory.objects);
    const world = { ...memory, journal };
    const [future, present] = [
      await start(world, heavy(1), { run: 'future' }),
      await start(world, heavy(2), { run: 'present' }),
    ];
    const params = appendParams(tableNames.runs, { run: future, sequence: 2, nonce: 'a', at: 1 }, { S: 'journal/x' });
    await dynamo.client.send(new PutItemCommand({ ...params, Item: { ...params.Item, v: { N: '99' } } }));
    const answer = await makeAdvance(() => world)(wakeUps(future, present));
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: 'm0' }]);
    expect(answer.reasons?.m0).toMatch(
      /entry 2 .*future.* has format 99; this version of redex reads up to \d+: deploy a newer one/,
    );
    expect(memory.batch.jobs.map(({ request }) => request.run)).toEqual([present]);
    expect(await journal.readAfter(present, 1)).not.toEqual([]);
  });

  it.each([
    ['lost', () => undefined],
    ['replaced', () => Buffer.from('something else')],
  ])(
    'since an entry of its journal was %s fails by name, its jobs do nothing more, and the next run is right',
    async (how, harm) => {
      const memory = playWorld();
      const world = { ...memory, journal: dynamoJournal(dynamo.client, tableNames.runs, memory.objects) };
      const texts = Array.from({ length: 1500 }, (_each, at) => digest('text', String(at)));
      const wide = () => [heavy(7), texts.map((each) => length(each))];
      const run = await start(world, wide(), { run: how });
      await makeAdvance(() => world)(wakeUps(run));
      const stored = memory.objects.stored as Map<string, Uint8Array>;
      const key = [...stored.keys()].find((each) => each.startsWith(`journal/${run}/1-`)) as string;
      const bytes = harm();
      if (bytes) stored.set(key, bytes);
      else stored.delete(key);
      const cold = { ...world, warm: warmGraphs(1) };
      expect(await makeAdvance(() => cold)(wakeUps(run))).toEqual({ batchItemFailures: [] });
      const summary = await world.summaries.get(run);
      expect(summary?.status).toBe('FAILED');
      expect(summary?.traceback).toMatch(
        new RegExp(`^JournalDamaged: entry 1 of the journal of run ${run} .*${key}[^]*start the same workflow again`),
      );
      expect(memory.bus.endings.map((ending) => ending.run)).toEqual([run]);
      expect((await playJobs(world)).map((report) => endOf(report)?.ended)).toEqual(['program']);
      await makeAdvance(() => cold)(wakeUps(run));
      expect(memory.bus.endings).toHaveLength(1);
      expect(await retry(cold, run)).toBe('RUNNING');
      await makeAdvance(() => cold)(wakeUps(run));
      expect((await world.summaries.get(run))?.status).toBe('FAILED');
      expect(await evaluate(cold, wide(), { run: `after${how}` })).toEqual([70, texts.map((each) => each.length)]);
    },
  );
});
