import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoAttempts } from '../../core/aws/attempts.ts';
import { dynamoCache } from '../../core/aws/cache.ts';
import { dynamoJournal } from '../../core/aws/journal.ts';
import { dynamoSummaries } from '../../core/aws/summaries.ts';
import { ensureTables } from '../../core/aws/tables.ts';
import { attemptsContract } from '../contract/attempts.ts';
import { cacheContract } from '../contract/cache.ts';
import { journalContract } from '../contract/journal.ts';
import { summariesContract } from '../contract/summaries.ts';
import { startDynamo, type TestDynamo, tableNames } from '../support/dynamo.ts';
import { virtualClock } from '../support/memory/clock.ts';
import { memoryObjects } from '../support/memory/storage.ts';

let dynamo: TestDynamo;
const objects = memoryObjects();
const clock = virtualClock();

beforeAll(async () => {
  dynamo = await startDynamo();
});

afterAll(() => dynamo.stop());

journalContract('DynamoDB', async () => dynamoJournal(dynamo.client, tableNames.runs, objects));
summariesContract('DynamoDB', async () => dynamoSummaries(dynamo.client, tableNames.runs, objects));
cacheContract('DynamoDB', async () => dynamoCache(dynamo.client, tableNames.cache, objects, clock));
attemptsContract('DynamoDB', async () => dynamoAttempts(dynamo.client, tableNames.attempts, objects, clock));

describe('the tables', () => {
  it('are made once, however often they are asked for', async () => {
    await ensureTables(dynamo.client, tableNames);
    expect(await dynamo.client.config.region()).toBe('us-east-1');
  });
});
