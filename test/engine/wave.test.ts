/** A wave of results whose cache is too busy for a while: the round waits, and no function runs again. */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  ProvisionedThroughputExceededException,
} from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, it } from 'vitest';
import { dynamoCache } from '../../core/aws/cache.ts';
import { round } from '../../core/engine/round.ts';
import { len, map, task } from '../../core/index.ts';
import { playWorld, start } from '../support/play.ts';

/** Hundreds of requests to write them. */
const WAVE = 4_000;
/** Longer than the SDK tries, and than what is undone was once sent again. */
const BUSY_MS = 2_500;

let calls = 0;
const range = task('w.range', { version: '1', cache: false }, (n: number) => Array.from({ length: n }, (_, at) => at));
const square = task('w.square', { version: '1' }, (n: number) => {
  calls++;
  return n * n;
});

it('of thousands of results is written to the cache in the round that has them, once there is room', async () => {
  const client = new DynamoDBClient({ region: 'us-east-1' });
  const sent = mockClient(client);
  const written = new Set<string>();
  let busyUntil: number | undefined;
  let turns = 0;
  sent.on(BatchGetItemCommand).resolves({});
  sent.on(BatchWriteItemCommand).callsFake(({ RequestItems }) => {
    busyUntil ??= Date.now() + BUSY_MS;
    // Some requests are done in part, and some are refused as a whole.
    if (Date.now() < busyUntil && turns++ % 2 === 0) return { UnprocessedItems: RequestItems };
    if (Date.now() < busyUntil)
      throw new ProvisionedThroughputExceededException({ message: '', $metadata: { httpStatusCode: 400 } });
    for (const { PutRequest } of RequestItems.cache) written.add(PutRequest.Item.eval.S);
    return {};
  });
  const world = playWorld();
  const cache = dynamoCache(client, 'cache', world.objects, world.clock);
  const run = await start(world, len(map(square, range(WAVE))));
  const { status } = await round({ ...world, cache }, run);
  expect(status).toBe('DONE');
  expect(calls).toBe(WAVE);
  // And the list.
  expect(written.size).toBe(WAVE + 1);
  expect(turns).toBeGreaterThan(0);
});
