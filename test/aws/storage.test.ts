import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dynamoAttempts } from '../../core/aws/attempts.ts';
import { getItems, putItems } from '../../core/aws/batches.ts';
import { dynamoCache } from '../../core/aws/cache.ts';
import { dynamoJournal } from '../../core/aws/journal.ts';
import { dynamoSummaries } from '../../core/aws/summaries.ts';
import type { Outcome } from '../../core/engine/ports.ts';
import { errorLine } from '../../core/graph/errors.ts';
import { digest, digestBytes } from '../../core/values/hash.ts';
import type { EvalHash, RunId } from '../../core/values/ids.ts';
import { outcomeOf } from '../contract/attempts.ts';
import { evaluation } from '../contract/cache.ts';
import { largeFacts } from '../contract/journal.ts';
import { summary } from '../contract/summaries.ts';
import { startDynamo, type TestDynamo, tableNames } from '../support/dynamo.ts';
import { virtualClock } from '../support/memory/clock.ts';
import { memoryObjects } from '../support/memory/storage.ts';

const DAY_MS = 86_400_000;
/** Small in the store, and larger than anything that redex writes when it is read. */
const BOMB = gzipSync(Buffer.alloc(300 * 1024 * 1024, 0x20));

let dynamo: TestDynamo;

beforeAll(async () => {
  dynamo = await startDynamo();
});

afterAll(() => dynamo.stop());

function itemOf(table: string, key: Record<string, string>) {
  const attributes = Object.entries(key).map(([name, value]) => [name, { S: value }]);
  const command = new GetItemCommand({ TableName: table, Key: Object.fromEntries(attributes), ConsistentRead: true });
  return dynamo.client.send(command).then((answer) => answer.Item);
}

describe('what is large', () => {
  it('of the journal goes to the object store, under a name that no other writer uses', async () => {
    const objects = memoryObjects();
    const journal = dynamoJournal(dynamo.client, tableNames.runs, objects);
    const run = 'large1' as RunId;
    await journal.append({ run, sequence: 1, nonce: 'aa', at: 0, facts: largeFacts(1000) });
    expect(objects.stored.size).toBe(0);
    const facts = largeFacts(20_000);
    await journal.append({ run, sequence: 2, nonce: 'bb', at: 0, facts });
    await journal.append({ run, sequence: 2, nonce: 'cc', at: 0, facts: largeFacts(20_000) });
    const names = [...objects.stored].map(([key, bytes]) => key.replace(digestBytes(bytes), 'hash'));
    expect(names).toEqual(['journal/large1/2-bb-hash', 'journal/large1/2-cc-hash']);
    const [own, other] = [...objects.stored.keys()] as [string, string];
    expect((await itemOf(tableNames.runs, { run, sort: 'j#0000000002' }))?.body).toEqual({ S: own });
    expect((await journal.readAfter(run, 1))[0]?.facts).toEqual(facts);
    await objects.put(own, objects.stored.get(other) as Uint8Array);
    await expect(journal.readAfter(run, 1)).rejects.toThrow(`the object store holds something else under ${own}`);
    (objects.stored as Map<string, Uint8Array>).delete(own);
    await expect(journal.readAfter(run, 1)).rejects.toThrow(`the object ${own} is gone`);
  });

  it('of an evaluation goes there', async () => {
    const objects = memoryObjects();
    const cache = dynamoCache(dynamo.client, tableNames.cache, objects, virtualClock());
    const large = evaluation({ expression: [randomBytes(9_000).toString('base64')] });
    await cache.write([large]);
    const item = await itemOf(tableNames.cache, { eval: large.hash });
    expect([...objects.stored.keys()]).toEqual([item?.expression?.S]);
  });

  it.each([
    ['gone', (stored: Map<string, Uint8Array>, key: string) => stored.delete(key)],
    ['damaged', (stored: Map<string, Uint8Array>, key: string) => stored.set(key, Buffer.from('no gzip'))],
    ["another's", (stored: Map<string, Uint8Array>, key: string) => stored.set(key, gzipSync('[1]'))],
    ['an inflated one', (stored: Map<string, Uint8Array>, key: string) => stored.set(key, BOMB)],
  ])('of an evaluation is a miss when its object is %s, and the others of the read are hits', async (_, harm) => {
    const objects = memoryObjects();
    const cache = dynamoCache(dynamo.client, tableNames.cache, objects, virtualClock());
    const [lost, kept] = [evaluation({ expression: [randomBytes(9_000).toString('base64')] }), evaluation()];
    await cache.write([lost, kept]);
    for (const key of objects.stored.keys()) harm(objects.stored as Map<string, Uint8Array>, key);
    expect([...(await cache.read([lost.hash, kept.hash])).keys()]).toEqual([kept.hash]);
  });

  it('of a summary hides no other run when it is lost, and says that the run is to be looked at', async () => {
    const objects = memoryObjects();
    const summaries = dynamoSummaries(dynamo.client, tableNames.runs, objects);
    const lost = summary({ args: { text: randomBytes(20_000).toString('base64') } });
    const kept = summary();
    await Promise.all([summaries.put(lost), summaries.put(kept)]);
    (objects.stored as Map<string, Uint8Array>).clear();
    const listed = await summaries.list({ status: 'RUNNING', limit: 2 });
    expect(listed.map(({ run }) => run).sort()).toEqual([lost.run, kept.run].sort());
    const bare = await summaries.get(lost.run);
    expect(bare).toMatchObject({ status: 'RUNNING', sequence: 0, startedAt: lost.startedAt });
    expect(bare?.blocked?.reason).toMatch(/its summary cannot be read: .*summaries\/.* is gone/);
    expect(bare).not.toHaveProperty('open');
  });

  it('of an outcome goes there, and a loss is told by name', async () => {
    const open = (objects = memoryObjects()) =>
      dynamoAttempts(dynamo.client, tableNames.attempts, objects, virtualClock());
    const [run, hash] = ['large2' as RunId, digest('test', 'large') as EvalHash];
    const attempts = open();
    const outcome: Outcome = { ok: true, expression: [randomBytes(9_000).toString('base64')], measured: {} };
    await attempts.claim(run, hash, 1, 'job');
    expect(await attempts.finish(run, hash, 1, 'job', outcome)).toBe('recorded');
    expect((await attempts.read(run, [hash])).get(hash)?.outcome).toEqual(outcome);
    const lost = (await open().read(run, [hash])).get(hash)?.outcome;
    expect(lost && !lost.ok && errorLine(lost.error)).toMatch(/^ValueGone: .*outcomes\/large2.* is gone/);
  });
});

describe('what is old', () => {
  it('of the cache counts until 90 days after its last use, which is noted once a day', async () => {
    const clock = virtualClock();
    const cache = dynamoCache(dynamo.client, tableNames.cache, memoryObjects(), clock);
    const [used, unused] = [evaluation(), evaluation()];
    await cache.write([used, unused]);
    const expiry = async () => Number((await itemOf(tableNames.cache, { eval: used.hash }))?.expires?.N);
    const written = await expiry();
    clock.advance(DAY_MS / 2);
    await cache.read([used.hash]);
    expect(await expiry()).toBe(written);
    clock.advance(60 * DAY_MS);
    await cache.read([used.hash]);
    expect(await expiry()).toBe(written + 60.5 * 86_400);
    clock.advance(60 * DAY_MS);
    expect([...(await cache.read([used.hash, unused.hash])).keys()]).toEqual([used.hash]);
  });

  it('of claims counts for 30 days; then the work can be claimed anew, and a cancel is forgotten', async () => {
    const clock = virtualClock();
    const attempts = dynamoAttempts(dynamo.client, tableNames.attempts, memoryObjects(), clock);
    const [run, hash] = ['old1' as RunId, digest('test', 'old') as EvalHash];
    await attempts.claim(run, hash, 3, 'job');
    await attempts.cancel(run);
    clock.advance(29 * DAY_MS);
    expect((await attempts.read(run, [hash])).size).toBe(1);
    expect(await attempts.claim(run, hash, 4, 'late')).toBe('refused');
    clock.advance(2 * DAY_MS);
    expect((await attempts.read(run, [hash])).size).toBe(0);
    expect(await attempts.holds(run, hash, 3, 'job')).toBe(false);
    expect(await attempts.claim(run, hash, 1, 'anew')).toBe('claimed');
  });
});

describe('claims of one run', () => {
  it('lie in sixteen partitions, and a cancel is heard in each of them until the run is taken up again', async () => {
    const attempts = dynamoAttempts(dynamo.client, tableNames.attempts, memoryObjects(), virtualClock());
    const run = 'wide1' as RunId;
    const hashes = Array.from({ length: 200 }, (_, at) => digest('test', `wide ${at}`) as EvalHash);
    const claimAll = (attempt: number) =>
      Promise.all(hashes.map((hash) => attempts.claim(run, hash, attempt, `job-${attempt}`)));
    const holds = () => Promise.all(hashes.map((hash) => attempts.holds(run, hash, 1, 'job-1')));
    expect(new Set(await claimAll(1))).toEqual(new Set(['claimed']));
    const scanned = await dynamo.client.send(new ScanCommand({ TableName: tableNames.attempts }));
    const shards = scanned.Items?.map(({ shard }) => shard?.S ?? '').filter((shard) => shard.startsWith('wide1#'));
    expect(new Set(shards).size).toBe(16);
    await attempts.cancel(run);
    expect(new Set(await claimAll(2))).toEqual(new Set(['refused']));
    expect(new Set(await holds())).toEqual(new Set([false]));
    await attempts.reopen(run);
    expect(new Set(await holds())).toEqual(new Set([true]));
    expect((await attempts.read(run, hashes)).size).toBe(200);
  });
});

describe('what a newer version wrote', () => {
  async function age(table: string, key: Record<string, string>): Promise<void> {
    const item = await itemOf(table, key);
    await dynamo.client.send(new PutItemCommand({ TableName: table, Item: { ...item, v: { N: '2' } } }));
  }

  it('is refused with a message that says what to do', async () => {
    const [objects, clock] = [memoryObjects(), virtualClock()];
    const journal = dynamoJournal(dynamo.client, tableNames.runs, objects);
    const run = 'newer1' as RunId;
    await journal.append({ run, sequence: 1, nonce: 'aa', at: 0, facts: [] });
    await age(tableNames.runs, { run, sort: 'j#0000000001' });
    await expect(journal.readAfter(run, 0)).rejects.toThrow(
      'entry 1 of the journal of run newer1 has format 2; this version of redex reads up to 1: deploy a newer one',
    );

    const summaries = dynamoSummaries(dynamo.client, tableNames.runs, objects);
    await summaries.put(summary({ run }));
    await age(tableNames.runs, { run, sort: 'summary' });
    await expect(summaries.get(run)).rejects.toThrow('the summary of run newer1 has format 2');

    const cache = dynamoCache(dynamo.client, tableNames.cache, objects, clock);
    const cached = evaluation();
    await cache.write([cached]);
    await age(tableNames.cache, { eval: cached.hash });
    await expect(cache.read([cached.hash])).rejects.toThrow(`the cache entry ${cached.hash} has format 2`);

    const attempts = dynamoAttempts(dynamo.client, tableNames.attempts, objects, clock);
    await attempts.claim(run, cached.hash, 1, 'job');
    await age(tableNames.attempts, { shard: `${run}#${cached.hash[0]}`, eval: cached.hash });
    await expect(attempts.read(run, [cached.hash])).rejects.toThrow('in run newer1 has format 2');
  });
});

describe('a large outcome of a job whose executor has a scratch space', () => {
  it('is there and not in the store, and is found by whoever can open that space', async () => {
    const [store, scratch] = [memoryObjects(), memoryObjects()];
    const opened: string[] = [];
    const open = (location: string) => {
      opened.push(location);
      return scratch;
    };
    const run = 'scratch1' as RunId;
    const runner = dynamoAttempts(dynamo.client, tableNames.attempts, store, virtualClock(), {
      open,
      own: 's3://own/redex',
    });
    const outcome: Outcome = { ok: true, expression: [randomBytes(20_000).toString('base64')], measured: {} };
    const large = digest('test', 'scratch') as EvalHash;
    await runner.claim(run, large, 1, 'job');
    await runner.finish(run, large, 1, 'job', outcome);
    expect(store.stored.size).toBe(0);
    expect([...scratch.stored.keys()]).toEqual([expect.stringMatching(/^outcomes\/scratch1\//)]);
    const engine = dynamoAttempts(dynamo.client, tableNames.attempts, store, virtualClock(), { open });
    expect((await engine.read(run, [large])).get(large)?.outcome).toEqual(outcome);
    expect(opened).toEqual(['s3://own/redex', 's3://own/redex/']);
    const elsewhere = dynamoAttempts(dynamo.client, tableNames.attempts, store, virtualClock());
    const lost = (await elsewhere.read(run, [large])).get(large)?.outcome;
    expect(lost && !lost.ok && errorLine(lost.error)).toMatch(/^ValueGone: .*in no place that is known here/);
  });
});

describe('a write whose answer was lost', () => {
  /** The SDK tries again by itself what went through the first time. */
  function losingAnswers(command: typeof PutItemCommand | typeof UpdateItemCommand): DynamoDBClient {
    const client = dynamo.connect();
    let lost = false;
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args);
        if (lost || context.commandName !== command.name) return answer;
        lost = true;
        throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', $retryable: {} });
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    return client;
  }

  it('is known again by its writer: a claim, and an outcome', async () => {
    const clock = virtualClock();
    const [run, hash] = ['lost1' as RunId, digest('test', 'lost') as EvalHash];
    const open = (client: DynamoDBClient) => dynamoAttempts(client, tableNames.attempts, memoryObjects(), clock);
    expect(await open(losingAnswers(PutItemCommand)).claim(run, hash, 1, 'job')).toBe('claimed');
    expect(await open(dynamo.client).claim(run, hash, 1, 'other')).toBe('refused');
    const losing = open(losingAnswers(UpdateItemCommand));
    expect(await losing.finish(run, hash, 1, 'job', outcomeOf('x'))).toBe('recorded');
  });
});

describe('what DynamoDB leaves undone', () => {
  const client = new DynamoDBClient({ region: 'us-east-1' });
  const sent = mockClient(client);
  const items = Array.from({ length: 30 }, (_, at) => ({ eval: { S: `${at}` } }));

  beforeEach(() => sent.reset());

  it('is written again, and only that', async () => {
    sent
      .on(BatchWriteItemCommand)
      .resolvesOnce({ UnprocessedItems: { t: [{ PutRequest: { Item: items[3] } }] } })
      .resolves({});
    await putItems(client, 't', items);
    const sizes = sent.commandCalls(BatchWriteItemCommand).map((call) => call.args[0].input.RequestItems?.t?.length);
    expect(sizes).toEqual([25, 5, 1]);
  });

  it('of thousands of items has few requests under way at once, and none after one that failed', async () => {
    const many = Array.from({ length: 2_000 }, (_, at) => ({ id: { S: String(at) } }));
    let [underWay, most, asked] = [0, 0, 0];
    const answer = async (fails: (asked: number) => boolean) => {
      most = Math.max(most, ++underWay);
      const number = ++asked;
      await new Promise((resolve) => setTimeout(resolve, 1));
      underWay--;
      if (fails(number)) throw new Error('no database');
      return {};
    };
    sent.on(BatchWriteItemCommand).callsFake(() => answer(() => false));
    await putItems(client, 't', many);
    expect({ most, asked }).toEqual({ most: 32, asked: 80 });
    asked = 0;
    sent.on(BatchWriteItemCommand).callsFake(() => answer((number) => number === 1));
    await expect(putItems(client, 't', many)).rejects.toThrow('no database');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).toBeLessThan(80);
  });

  it('is written again as long as the round has time, and not longer', async () => {
    const clock = virtualClock();
    const cache = dynamoCache(client, 't', memoryObjects(), clock);
    const written = evaluation();
    const requests = () => sent.commandCalls(BatchWriteItemCommand).length;
    sent
      .on(BatchWriteItemCommand)
      .callsFake(({ RequestItems }) => (requests() < 9 ? { UnprocessedItems: RequestItems } : {}));
    // Six tries took two seconds, and then the whole round was thrown away.
    await cache.write([written], clock.now() + 60_000);
    expect(requests()).toBe(9);
    sent.reset();
    sent.on(BatchWriteItemCommand).callsFake(({ RequestItems }) => ({ UnprocessedItems: RequestItems }));
    await expect(cache.write([written], clock.now() + 300)).rejects.toThrow('1 items were still undone');
    expect(requests()).toBeGreaterThan(1);
  });

  it('is read again, and everything is given', async () => {
    sent
      .on(BatchGetItemCommand)
      .resolvesOnce({ Responses: { t: items.slice(0, 20) }, UnprocessedKeys: { t: { Keys: items.slice(20) } } })
      .resolves({ Responses: { t: items.slice(20) } });
    expect(await getItems(client, 't', items, { consistent: true })).toEqual(items);
    const inputs = sent.commandCalls(BatchGetItemCommand).map((call) => call.args[0].input.RequestItems?.t);
    expect(inputs).toEqual([
      { Keys: items, ConsistentRead: true },
      { Keys: items.slice(20), ConsistentRead: true },
    ]);
  });

  it('for ever becomes an error', async () => {
    sent.on(BatchGetItemCommand).resolves({ UnprocessedKeys: { t: { Keys: items } } });
    await expect(getItems(client, 't', items, { consistent: false, undoneMsMax: 200 })).rejects.toThrow(
      'reading t: 30 items',
    );
    expect(sent.commandCalls(BatchGetItemCommand)).not.toHaveLength(1);
  });
});
