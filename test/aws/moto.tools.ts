import {
  BatchClient,
  CreateComputeEnvironmentCommand,
  CreateJobQueueCommand,
  DescribeJobDefinitionsCommand,
} from '@aws-sdk/client-batch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoAttempts } from '../../core/aws/attempts.ts';
import { batchExecutor } from '../../core/aws/batch/executor.ts';
import { batchJobIds } from '../../core/aws/batch/job-ids.ts';
import { eventBus, parseWakeUp } from '../../core/aws/bus.ts';
import { dynamoCache } from '../../core/aws/cache.ts';
import { cloudWatchLogs } from '../../core/aws/job-logs.ts';
import { dynamoJournal } from '../../core/aws/journal.ts';
import { s3Objects } from '../../core/aws/objects.ts';
import { sqsQueue } from '../../core/aws/queue.ts';
import { dynamoSummaries } from '../../core/aws/summaries.ts';
import { ensureTables } from '../../core/aws/tables.ts';
import type { RunId } from '../../core/values/ids.ts';
import { attemptsContract } from '../contract/attempts.ts';
import { cacheContract } from '../contract/cache.ts';
import { jobLogsContract } from '../contract/job-logs.ts';
import { journalContract } from '../contract/journal.ts';
import { objectsContract } from '../contract/objects.ts';
import { summariesContract, summary } from '../contract/summaries.ts';
import { tableNames } from '../support/dynamo.ts';
import { virtualClock } from '../support/memory/clock.ts';
import { hasMoto, type Moto, startMoto } from '../support/moto.ts';
import { batchSettings, submission } from '../support/submission.ts';

const LOG_GROUP = '/redex/test/jobs';

describe.runIf(hasMoto())('on moto', () => {
  const clock = virtualClock();
  let moto: Moto;
  let dynamo: DynamoDBClient;
  let s3: S3Client;
  let batch: BatchClient;

  const objects = () => s3Objects(s3, 'bucket', 'some/prefix/');

  beforeAll(async () => {
    moto = await startMoto();
    dynamo = new DynamoDBClient(moto.client);
    s3 = new S3Client({ ...moto.client, forcePathStyle: true });
    batch = new BatchClient(moto.client);
    await ensureTables(dynamo, tableNames);
    await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }));
    await makeQueue(moto, batch);
  });

  afterAll(() => moto.stop());

  journalContract('DynamoDB', async () => dynamoJournal(dynamo, tableNames.runs, objects()));
  summariesContract('DynamoDB', async () => dynamoSummaries(dynamo, tableNames.runs, objects()));
  cacheContract('DynamoDB', async () => dynamoCache(dynamo, tableNames.cache, objects(), clock));
  attemptsContract('DynamoDB', async () => dynamoAttempts(dynamo, tableNames.attempts, objects(), clock));
  objectsContract('S3', async () => objects());
  jobLogsContract('CloudWatch Logs', () => {
    const client = new CloudWatchLogsClient(moto.client);
    return {
      logs: cloudWatchLogs(client, { ids: batchJobIds, look: () => Promise.resolve([]) }, LOG_GROUP),
      async write({ log: logStreamName = '' }, lines) {
        const stream = { logGroupName: LOG_GROUP, logStreamName };
        await client.send(new CreateLogGroupCommand(stream)).catch(() => undefined);
        await client.send(new CreateLogStreamCommand(stream)).catch(() => undefined);
        const logEvents = lines.map((message) => ({ message, timestamp: Date.now() }));
        await client.send(new PutLogEventsCommand({ ...stream, logEvents }));
      },
    };
  });

  describe('Batch', () => {
    const executor = () => batchExecutor({ batch, batchOnce: batch }, batchSettings);

    it('takes our submissions, and finds, describes and ends them', async () => {
      const outcome = await executor().submit(submission());
      const id = outcome.kind === 'accepted' ? outcome.id : '';
      expect(outcome).toEqual({ kind: 'accepted', id });
      expect(await executor().find(submission().name, undefined)).toEqual([id]);
      expect(await executor().find('another', undefined)).toEqual([]);
      const [report] = await executor().look([{ submission: id }]);
      expect(report).toMatchObject({ job: { submission: id }, name: submission().name });
      await executor().stop(id, 'cancelling');
    });

    it('keeps one definition for one content', async () => {
      await executor().submit(submission({}, { image: 'shared:1' }));
      await executor().submit(submission({}, { image: 'shared:1', memory: 8 }));
      const { jobDefinitions = [] } = await batch.send(new DescribeJobDefinitionsCommand({ status: 'ACTIVE' }));
      const shared = jobDefinitions.filter((definition) => definition.containerProperties?.image === 'shared:1');
      expect(shared).toHaveLength(1);
      expect(shared[0]).toMatchObject({ revision: 1, platformCapabilities: ['EC2'] });
    });

    it('keeps one definition for each set of secrets, which names them by ARN', async () => {
      const arn = 'arn:aws:ssm:us-east-1:123456789012:parameter/key' as const;
      const given = { image: 'secretive:1', role: 'arn:aws:iam::123456789012:role/job' };
      for (const secrets of [{ A: arn }, { A: arn }, { B: arn }]) {
        expect(await executor().submit(submission({}, { ...given, secrets }))).toMatchObject({ kind: 'accepted' });
      }
      const { jobDefinitions = [] } = await batch.send(new DescribeJobDefinitionsCommand({ status: 'ACTIVE' }));
      const secrets = jobDefinitions
        .filter((definition) => definition.containerProperties?.image === 'secretive:1')
        .flatMap((definition) => definition.containerProperties?.secrets ?? []);
      expect(secrets.sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1))).toEqual([
        { name: 'REDEX_SECRET_A', valueFrom: arn },
        { name: 'REDEX_SECRET_B', valueFrom: arn },
      ]);
    });

    it('refuses a queue that is not there, and we say why', async () => {
      const outcome = await executor().submit(submission({}, { queue: 'nowhere' }));
      expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('nowhere') });
    });
  });

  it('EventBridge and SQS take our events', async () => {
    const [events, sqs] = [new EventBridgeClient(moto.client), new SQSClient(moto.client)];
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
    const bus = eventBus({ events, sqs }, { bus: 'default', queue: QueueUrl }, 'test');
    await bus.started(summary({}));
    await bus.ended(summary({ status: 'DONE' }));
    await bus.wake('run1' as RunId, 'soon');
    const queue = sqsQueue(sqs, QueueUrl);
    // It comes after its delay.
    expect((await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toBeUndefined();
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
    expect(Messages.map(({ Body }) => parseWakeUp(JSON.parse(Body ?? '')))).toEqual([{ stack: 'test', run: 'run1' }]);
    const [{ ReceiptHandle: receipt = '' } = {}] = Messages;
    await queue.showAfter([{ receipt, seconds: 0 }]);
    await queue.again(Array.from({ length: 12 }, (_, at) => `{"at":${at}}`));
    const bodies = new Set<string | undefined>();
    for (let tries = 0; tries < 30 && bodies.size < 13; tries++) {
      const received = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      for (const { Body } of received.Messages ?? []) bodies.add(Body);
    }
    expect(bodies.size).toBe(13);
  });
});

async function makeQueue(moto: Moto, batch: BatchClient): Promise<void> {
  await moto.query('iam', {
    Action: 'CreateRole',
    Version: '2010-05-08',
    RoleName: 'service',
    AssumeRolePolicyDocument: '{}',
  });
  const environment = {
    computeEnvironmentName: 'environment',
    type: 'UNMANAGED',
    state: 'ENABLED',
    serviceRole: 'arn:aws:iam::123456789012:role/service',
  } as const;
  const { computeEnvironmentArn } = await batch.send(new CreateComputeEnvironmentCommand(environment));
  await batch.send(
    new CreateJobQueueCommand({
      jobQueueName: batchSettings.queue,
      state: 'ENABLED',
      priority: 1,
      computeEnvironmentOrder: [{ order: 1, computeEnvironment: computeEnvironmentArn }],
    }),
  );
}
