import { describe, expect, it } from 'vitest';
import { claimParams, finishParams } from '../../core/aws/attempts.ts';
import { resourceRequirements, submitParams } from '../../core/aws/batch/requests.ts';
import { putEventParams } from '../../core/aws/bus.ts';
import { evaluationItem, touchParams } from '../../core/aws/cache.ts';
import { appendParams, readAfterParams } from '../../core/aws/journal.ts';
import { listParams, putSummaryParams } from '../../core/aws/summaries.ts';
import { tableParams } from '../../core/aws/tables.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, RunId } from '../../core/values/ids.ts';
import { evaluation } from '../contract/cache.ts';
import { summary } from '../contract/summaries.ts';
import { batchSettings, submission } from '../support/submission.ts';

const run = 'run1' as RunId;
const hash = digest('test', 'eval') as EvalHash;
const body = { B: new Uint8Array([1]) };
/** 2030-01-01T00:00:00.900Z: expiries are whole seconds. */
const NOW_MS = 1_893_456_000_900;
const DAY_SECONDS = 86_400;

describe('requests to DynamoDB', () => {
  it('append an entry only where there is none', () => {
    expect(appendParams('runs', { run, sequence: 12, nonce: 'ab', at: 5 }, body)).toEqual({
      TableName: 'runs',
      Item: {
        run: { S: 'run1' },
        sort: { S: 'j#0000000012' },
        v: { N: '1' },
        sequence: { N: '12' },
        nonce: { S: 'ab' },
        at: { N: '5' },
        body,
      },
      ConditionExpression: 'attribute_not_exists(#run)',
      ExpressionAttributeNames: { '#run': 'run' },
    });
  });

  it('read the journal after a sequence, strongly consistent, and never the summary', () => {
    expect(readAfterParams('runs', run, 9)).toEqual({
      TableName: 'runs',
      ConsistentRead: true,
      KeyConditionExpression: '#run = :run AND #sort BETWEEN :first AND :last',
      ExpressionAttributeNames: { '#run': 'run', '#sort': 'sort' },
      ExpressionAttributeValues: {
        ':run': { S: 'run1' },
        ':first': { S: 'j#0000000010' },
        ':last': { S: 'j#9999999999' },
      },
    });
  });

  it('put a summary only over an older one', () => {
    const put = summary({ run, status: 'DONE', sequence: 3, startedAt: 7, updatedAt: 8 });
    expect(putSummaryParams('runs', put, body)).toEqual({
      TableName: 'runs',
      Item: {
        run: { S: 'run1' },
        sort: { S: 'summary' },
        v: { N: '1' },
        status: { S: 'DONE' },
        startedAt: { N: '7' },
        sequence: { N: '3' },
        updatedAt: { N: '8' },
        body,
      },
      ConditionExpression:
        'attribute_not_exists(#run) OR #sequence < :sequence OR (#sequence = :sequence AND #updatedAt < :updatedAt)',
      ExpressionAttributeNames: { '#run': 'run', '#sequence': 'sequence', '#updatedAt': 'updatedAt' },
      ExpressionAttributeValues: { ':sequence': { N: '3' }, ':updatedAt': { N: '8' } },
    });
  });

  it('list runs of a status, newest first', () => {
    expect(listParams('runs', 'FAILED', 20)).toEqual({
      TableName: 'runs',
      IndexName: 'status-startedAt',
      KeyConditionExpression: '#status = :status',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':status': { S: 'FAILED' } },
      ScanIndexForward: false,
      Limit: 20,
    });
  });

  it('keep an evaluation for 90 days', () => {
    const kept = evaluation({ hash: hash, task: 'a.b', run, at: 6 });
    expect(evaluationItem(kept, body, NOW_MS)).toEqual({
      eval: { S: hash },
      v: { N: '1' },
      task: { S: 'a.b' },
      run: { S: 'run1' },
      at: { N: '6' },
      expression: body,
      expires: { N: String(1_893_456_000 + 90 * DAY_SECONDS) },
    });
  });

  it('note the use of an evaluation only while it is there', () => {
    expect(touchParams('cache', hash, NOW_MS)).toEqual({
      TableName: 'cache',
      Key: { eval: { S: hash } },
      UpdateExpression: 'SET #expires = :expires',
      ConditionExpression: 'attribute_exists(#eval)',
      ExpressionAttributeNames: { '#expires': 'expires', '#eval': 'eval' },
      ExpressionAttributeValues: { ':expires': { N: String(1_893_456_000 + 90 * DAY_SECONDS) } },
    });
  });

  it('claim work that is nobody’s, a lower attempt’s, or long forgotten', () => {
    expect(claimParams('attempts', { run, eval: hash, attempt: 2, holder: 'job' }, 'ab', NOW_MS)).toEqual({
      TableName: 'attempts',
      Item: {
        shard: { S: `run1#${hash[0]}` },
        eval: { S: hash },
        v: { N: '1' },
        attempt: { N: '2' },
        holder: { S: 'job' },
        nonce: { S: 'ab' },
        expires: { N: String(1_893_456_000 + 30 * DAY_SECONDS) },
      },
      ConditionExpression: 'attribute_not_exists(#shard) OR #attempt < :attempt OR #expires <= :now',
      ExpressionAttributeNames: { '#shard': 'shard', '#attempt': 'attempt', '#expires': 'expires' },
      ExpressionAttributeValues: { ':attempt': { N: '2' }, ':now': { N: '1893456000' } },
    });
  });

  it('record an outcome once, by the holder', () => {
    expect(finishParams('attempts', { run, eval: hash, attempt: 2, holder: 'job' }, body, 'ab', NOW_MS)).toEqual({
      TableName: 'attempts',
      Key: { shard: { S: `run1#${hash[0]}` }, eval: { S: hash } },
      UpdateExpression: 'SET #outcome = :outcome, #nonce = :nonce, #expires = :expires',
      ConditionExpression: '#attempt = :attempt AND #holder = :holder AND attribute_not_exists(#outcome)',
      ExpressionAttributeNames: {
        '#outcome': 'outcome',
        '#nonce': 'nonce',
        '#expires': 'expires',
        '#attempt': 'attempt',
        '#holder': 'holder',
      },
      ExpressionAttributeValues: {
        ':outcome': body,
        ':nonce': { S: 'ab' },
        ':expires': { N: String(1_893_456_000 + 30 * DAY_SECONDS) },
        ':attempt': { N: '2' },
        ':holder': { S: 'job' },
      },
    });
  });
});

describe('requests to Batch', () => {
  const target = {
    queue: 'queue',
    definition: 'arn:definition:1',
    requirements: [{ type: 'VCPU', value: '2' } as const, { type: 'MEMORY', value: '4096' } as const],
  };
  const oneAttempt = { attempts: 1, evaluateOnExit: [{ onReason: '*', action: 'EXIT' }] };

  it('submit a single job', () => {
    expect(submitParams(batchSettings, submission(), target)).toEqual({
      jobName: 'redex_test_run1_1-ab-0',
      jobQueue: 'queue',
      jobDefinition: 'arn:definition:1',
      containerOverrides: {
        environment: [
          { name: 'REDEX_SPEC', value: 'specs/abc' },
          { name: 'REDEX_STORE', value: 's3://bucket/prefix' },
          { name: 'REDEX_TABLE_ATTEMPTS', value: 'attempts' },
          { name: 'REDEX_VCPUS', value: '2' },
          { name: 'REDEX_MEMORY_MB', value: '4096' },
        ],
        resourceRequirements: target.requirements,
      },
      retryStrategy: oneAttempt,
      timeout: { attemptDurationSeconds: 3600 },
    });
  });

  it('submit an array with share, tags and a time-out that Batch takes', () => {
    const request = submission({ size: 3 }, { timeoutSeconds: 1.5, shareIdentifier: 'team', tags: { a: 'b' } });
    expect(submitParams({ ...batchSettings, filesRoot: '/files' }, request, target)).toMatchObject({
      arrayProperties: { size: 3 },
      shareIdentifier: 'team',
      tags: { a: 'b' },
      propagateTags: true,
      timeout: { attemptDurationSeconds: 60 },
      containerOverrides: { environment: expect.arrayContaining([{ name: 'REDEX_FILES_ROOT', value: '/files' }]) },
    });
  });

  it('tell a job of its executor’s scratch space, where the engine has put its spec', () => {
    const { containerOverrides } = submitParams(batchSettings, submission({}, { scratch: 's3://own/redex/' }), target);
    expect(containerOverrides?.environment).toContainEqual({ name: 'REDEX_SCRATCH', value: 's3://own/redex/' });
  });

  it('ask EC2 for whole vCPUs, MiB and GPUs', () => {
    expect(resourceRequirements(submission({}, { vcpus: 1.5, memory: 0.5, gpus: 2 }).resources)).toEqual({
      ok: true,
      requirements: [
        { type: 'VCPU', value: '2' },
        { type: 'MEMORY', value: '512' },
        { type: 'GPU', value: '2' },
      ],
    });
  });

  it('ask for no less than Batch takes', () => {
    const { resources } = submission({}, { vcpus: 0.1, memory: 0.001 });
    expect(resourceRequirements(resources)).toMatchObject({
      requirements: [
        { type: 'VCPU', value: '1' },
        { type: 'MEMORY', value: '4' },
      ],
    });
  });

  it.each([
    // vCPUs and GiB asked for, vCPUs and MiB gotten
    [0.25, 0.5, '0.25', '512'],
    [0.1, 0.1, '0.25', '512'],
    [0.25, 1.5, '0.25', '2048'],
    [1, 0.5, '1', '2048'],
    [1, 8, '1', '8192'],
    [1, 8.5, '2', '9216'],
    [3, 8, '4', '8192'],
    [4, 31, '8', '32768'],
    [8, 33, '8', '36864'],
    [8, 61, '16', '65536'],
    [16, 120, '16', '122880'],
    [16, 33, '16', '40960'],
  ])('round %d vCPUs with %d GiB up to the next size of Fargate', (vcpus, memory, cpu, mib) => {
    const sized = resourceRequirements(submission({}, { vcpus, memory, platform: 'FARGATE' }).resources);
    expect(sized).toEqual({
      ok: true,
      requirements: [
        { type: 'VCPU', value: cpu },
        { type: 'MEMORY', value: mib },
      ],
    });
  });

  it.each([
    [32, 60, '16 vCPUs with 64 GiB'],
    [2, 200, '16 vCPUs with 120 GiB'],
    [64, 500, '16 vCPUs with 120 GiB'],
  ])('refuse %d vCPUs with %d GiB on Fargate and name the nearest size', (vcpus, memory, nearest) => {
    const sized = resourceRequirements(submission({}, { vcpus, memory, platform: 'FARGATE' }).resources);
    expect(sized).toMatchObject({ ok: false, reason: expect.stringContaining(nearest) });
  });

  it('refuse GPUs on Fargate', () => {
    const sized = resourceRequirements(submission({}, { gpus: 1, platform: 'FARGATE' }).resources);
    expect(sized).toMatchObject({ ok: false, reason: expect.stringContaining('GPU') });
  });
});

describe('the tables', () => {
  const [runs, cache, attempts] = tableParams({ runs: 'r', cache: 'c', attempts: 'a' });

  it('keep journals and summaries by run, and find summaries by status and time at the price of their keys', () => {
    expect(runs).toEqual({
      TableName: 'r',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'run', AttributeType: 'S' },
        { AttributeName: 'sort', AttributeType: 'S' },
        { AttributeName: 'status', AttributeType: 'S' },
        { AttributeName: 'startedAt', AttributeType: 'N' },
      ],
      KeySchema: [
        { AttributeName: 'run', KeyType: 'HASH' },
        { AttributeName: 'sort', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'status-startedAt',
          KeySchema: [
            { AttributeName: 'status', KeyType: 'HASH' },
            { AttributeName: 'startedAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    });
  });

  it('keep evaluations by hash, and claims by shard of the run and hash', () => {
    expect(cache).toMatchObject({ TableName: 'c', KeySchema: [{ AttributeName: 'eval', KeyType: 'HASH' }] });
    expect(attempts).toMatchObject({
      TableName: 'a',
      KeySchema: [
        { AttributeName: 'shard', KeyType: 'HASH' },
        { AttributeName: 'eval', KeyType: 'RANGE' },
      ],
    });
  });
});

describe('events to the bus', () => {
  it('say whose they are', () => {
    expect(putEventParams('default', 'redex run ended', { stack: 'test', run })).toEqual({
      Entries: [
        {
          EventBusName: 'default',
          Source: 'redex',
          DetailType: 'redex run ended',
          Detail: '{"stack":"test","run":"run1"}',
        },
      ],
    });
  });
});
