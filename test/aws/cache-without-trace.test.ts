import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dynamoCache } from '../../core/aws/cache.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, RunId } from '../../core/values/ids.ts';
import { startDynamo, type TestDynamo, tableNames } from '../support/dynamo.ts';
import { virtualClock } from '../support/memory/clock.ts';
import { memoryObjects } from '../support/memory/storage.ts';

const DAYS_60_MS = 60 * 24 * 3_600_000;

let dynamo: TestDynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo.stop());

it('a cache that notes no use gives what is there and moves no expiry', async () => {
  const clock = virtualClock();
  const noting = dynamoCache(dynamo.client, tableNames.cache, memoryObjects(), clock);
  const reading = dynamoCache(dynamo.client, tableNames.cache, memoryObjects(), clock, { notesUse: false });
  const evaluation = digest('test', 'evaluation') as EvalHash;
  await noting.write([{ hash: evaluation, task: 't', expression: [1], run: 'run' as RunId, at: clock.now() }]);
  const expiry = async () => {
    const Key = { eval: { S: evaluation } };
    const { Item } = await dynamo.client.send(new GetItemCommand({ TableName: tableNames.cache, Key }));
    return Number(Item?.expires?.N);
  };
  const written = await expiry();
  clock.advance(DAYS_60_MS);
  expect((await reading.read([evaluation])).get(evaluation)).toMatchObject({ expression: [1] });
  expect(await expiry()).toBe(written);
  await noting.read([evaluation]);
  expect(await expiry()).toBe(written + DAYS_60_MS / 1000);
});
