/**
 * AWS as far as it can be had without an account: the functions as they are packaged, each in a process of its own, moto for
 * every service, the real runner for jobs, and a pump that does what SQS, EventBridge and the scheduler do, by the rules and
 * limits of the packaged template.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BatchClient, CreateComputeEnvironmentCommand, CreateJobQueueCommand } from '@aws-sdk/client-batch';
import { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { unzipSync } from 'fflate';
import { buildRunner } from '../../docker/runner/build.ts';
import { packageFunctions } from '../../stack/build.ts';
import { ofType, packaged, ROOT, type Template } from '../stack/template.ts';
import { matches } from '../support/event-pattern.ts';
import { type Moto, startMoto } from '../support/moto.ts';
import { project } from '../support/project.ts';
import { openCalls } from './calls.ts';
import { type Answered, type Gate, type Need, openGate, type Request, type Trouble } from './gate.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Lambda, openLambda } from './lambda.ts';
import { type Machines, openMachines } from './machines.ts';

export const BUCKET = 'redex-cloud';
const ACCOUNT = '123456789012';

export interface CloudWorld {
  readonly template: Template;
  readonly s3: S3Client;
  /** What every function and job asked for so far. */
  readonly needs: readonly Need[];
  readonly machines: Machines;
  /** The HTTP API. */
  readonly gateway: Gateway;
  /** Environment of a command line that uses this AWS; functions are called there by Lambda's own interface. */
  readonly environment: Readonly<Record<string, string>>;
  /** Calls a function directly. Rejects with what it throws. */
  invoke(name: string, event: unknown): Promise<unknown>;
  /** What the function has written, line by line. */
  log(name: string): string[];
  /** Puts an object, and lets S3 tell of it so many times. */
  put(key: string, body: string, tellings?: number): Promise<void>;
  /** Takes events to where they go until none is left and no job runs. */
  settle(): Promise<void>;
  /** What becomes of an event of a job on its way: for each copy that arrives how late it is, in ms. */
  deliveries: (event: unknown) => readonly number[];
  /** When a job that starts now loses its machine, in ms; undefined when it does not. */
  lossOfMachine: () => number | undefined;
  /** Is told of every request that was answered. */
  answered: (request: Answered) => void;
  /** Is told of every call of a function: its name, how long it took in ms. */
  called: (name: string, ms: number) => void;
  /** What a request of a function or a job meets. */
  trouble: (request: Request) => Trouble | undefined;
  close(): Promise<void>;
}

export interface CloudOptions {
  /** Of functions, by name, beside those of the template. */
  readonly variables?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Seconds that a function has, by name, where they are others than the template's. */
  readonly seconds?: Readonly<Record<string, number>>;
}

/** `cleanup` removes its folder. */
export async function openCloudWorld(
  cleanup: (remove: () => Promise<void>) => void,
  { variables = {}, seconds = {} }: CloudOptions = {},
): Promise<CloudWorld> {
  const folder = await project({}, cleanup);
  const template = packaged({ bucket: BUCKET, image: 'tools:1' });
  const moto = await startMoto();
  const clients = clientsOf(moto);
  const invoke = async (name: string, event: unknown): Promise<unknown> => {
    const lambda = lambdas.get(name);
    if (!lambda) throw new Error(`there is no function ${name}`);
    return await lambda.call(event, (ms) => world.called(name, ms));
  };
  const gateway = await openGateway(template, CREDENTIALS, invoke);
  const queueUrl = await provide(template, moto, clients, gateway.url);
  const logGroupName: string = template.Resources.JobLogs?.Properties.LogGroupName;
  const refs = { Events: queueUrl, JobLogs: logGroupName };
  const needs: Need[] = [];
  const unsent: unknown[] = [];
  const gates: Gate[] = [];
  const lambdas = new Map<string, Lambda>();
  const logOf = (name: string): string => join(folder, `${name}.log`);

  const gate = async (who: string): Promise<Gate> => {
    const opened = await openGate({
      who,
      moto: moto.client.endpoint,
      needs: (need) => needs.push(need),
      onlooker: (...seen) => machines.onlooker(...seen),
      answered: (request) => world.answered(request),
      trouble: (request) => world.trouble(request),
    });
    gates.push(opened);
    return opened;
  };
  const machines: Machines = openMachines({
    runner: (await buildRunner(join(folder, 'runner'))).main,
    environment: awsVariables((await gate('job')).url),
    work: join(folder, 'work'),
    log: logOf('jobs'),
    tell: (event) => unsent.push(event),
    loss: () => world.lossOfMachine(),
    keepLog: async (logStreamName, text) => {
      const stream = { logGroupName, logStreamName };
      await clients.logs.send(new CreateLogStreamCommand(stream));
      const lines = text.split('\n').slice(0, -1);
      const logEvents = lines.map((message, at) => ({ message, timestamp: Date.now() + at }));
      if (lines.length > 0) await clients.logs.send(new PutLogEventsCommand({ ...stream, logEvents }));
    },
  });
  for (const { name, archive } of await packageFunctions()) {
    for (const [path, bytes] of Object.entries(unzipSync(readFileSync(join(ROOT, archive))))) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }
    lambdas.set(
      name,
      openLambda({
        template,
        name,
        folder,
        environment: { ...awsVariables((await gate(name)).url), ...variables[name] },
        resolve: (value) => resolved(value, refs),
        log: logOf(`function-${name}`),
        seconds: seconds[name],
      }),
    );
  }

  const prefix = `${nameOf(template)}-`;
  const calls = await openCalls((name, event) => invoke(name.replace(prefix, ''), event));
  const patternOf = (rule: string): Record<string, unknown> =>
    resolved(template.Resources[rule]?.Properties.EventPattern, refs) as Record<string, unknown>;
  const jobRules = ['JobsRule', 'BlockedRule'].map(patternOf);
  const manifestRule = patternOf('ManifestRule');

  const world: CloudWorld = {
    template,
    s3: clients.s3,
    needs,
    machines,
    gateway,
    environment: { ...awsVariables(moto.client.endpoint), AWS_ENDPOINT_URL_LAMBDA: calls.url },
    invoke,
    log(name) {
      const file = logOf(`function-${name}`);
      return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    },
    deliveries: () => [0],
    lossOfMachine: () => undefined,
    answered: () => undefined,
    called: () => undefined,
    trouble: () => undefined,
    async put(key, body, tellings = 1) {
      const { VersionId } = await clients.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
      const object = { key, size: body.length, 'version-id': VersionId, sequencer: String(Date.now()) };
      const event = { source: 'aws.s3', 'detail-type': 'Object Created', detail: { bucket: { name: BUCKET }, object } };
      for (let telling = 0; telling < tellings; telling++) {
        if (matches(manifestRule, event)) await invoke('manifest', event);
      }
    },
    async settle() {
      for (;;) {
        for (const event of unsent.splice(0)) {
          if (!jobRules.some((rule) => matches(rule, event))) continue;
          const MessageBody = JSON.stringify(event);
          for (const ms of world.deliveries(event)) {
            const DelaySeconds = Math.round(ms / 1_000);
            await clients.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody, DelaySeconds }));
          }
        }
        const { Messages = [] } = await clients.sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: queueUrl,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 1,
            MessageSystemAttributeNames: ['All'],
          }),
        );
        if (Messages.length > 0) await advance(Messages);
        else if (machines.isIdle && unsent.length === 0 && (await isEmpty(clients.sqs, queueUrl))) return;
      }
    },
    async close() {
      machines.stop();
      await gateway.stop();
      for (const lambda of lambdas.values()) lambda.stop();
      await Promise.all([...gates, calls].map((opened) => opened.close()));
      for (const client of Object.values(clients)) client.destroy();
      await moto.stop();
    },
  };

  /** As Lambda's poller does: what was not given back is deleted. */
  const advance = async (messages: readonly QueueMessage[]): Promise<void> => {
    const Records = messages.map(({ MessageId, Body, ReceiptHandle, Attributes }) => ({
      messageId: MessageId,
      body: Body,
      receiptHandle: ReceiptHandle,
      attributes: Attributes ?? {},
      eventSource: 'aws:sqs',
    }));
    const { batchItemFailures } = (await invoke('advance', { Records })) as {
      batchItemFailures: { itemIdentifier: string }[];
    };
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const { MessageId = '', ReceiptHandle } of messages) {
      if (!failed.has(MessageId))
        await clients.sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
    }
  };
  await mkdir(join(folder, 'work'));
  return world;
}

interface QueueMessage {
  readonly MessageId?: string | undefined;
  readonly Body?: string | undefined;
  readonly ReceiptHandle?: string | undefined;
  readonly Attributes?: Readonly<Record<string, string>> | undefined;
}

const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

function awsVariables(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  };
}

function clientsOf({ client }: Moto) {
  return {
    s3: new S3Client({ ...client, forcePathStyle: true }),
    sqs: new SQSClient({ ...client, useQueueUrlAsEndpoint: false }),
    dynamo: new DynamoDBClient(client),
    batch: new BatchClient(client),
    logs: new CloudWatchLogsClient(client),
  };
}

function nameOf({ Resources }: Pick<Template, 'Resources'>): string {
  return Resources.Queue?.Properties.JobQueueName;
}

/** What the template would make of storage, queues and Batch. Gives the URL of the queue of events. */
async function provide(
  template: Template,
  moto: Moto,
  clients: ReturnType<typeof clientsOf>,
  apiUrl: string,
): Promise<string> {
  const { s3, sqs, dynamo } = clients;
  const { QueueName, VisibilityTimeout } = template.Resources.Events?.Properties ?? {};
  await provideStack(template, moto, { Events: { QueueName, VisibilityTimeout } }, apiUrl);
  // As the template says, which moto does not hear.
  const { VersioningConfiguration } = template.Resources.Bucket?.Properties ?? {};
  await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration }));
  for (const [, { Properties }] of ofType(template, 'AWS::DynamoDB::Table')) {
    const { PointInTimeRecoverySpecification: _, TimeToLiveSpecification: __, ...table } = Properties;
    await dynamo.send(new CreateTableCommand(table as CreateTableCommandInput));
  }
  const { QueueUrl = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
  await provideBatch(template, moto, clients.batch);
  return QueueUrl;
}

/** What functions know by reference, and whoever asks CloudFormation: `serverless invoke local` does. */
async function provideStack(
  { Resources, Outputs: { Version } }: Template,
  moto: Moto,
  more: Record<string, object>,
  apiUrl: string,
): Promise<void> {
  const properties = { ...more, Bucket: { BucketName: BUCKET } };
  const made = ['Bucket', 'Events', 'JobLogs'].map((name) => {
    const { Type, Properties } = Resources[name] ?? {};
    return [name, { Type, Properties: properties[name as keyof typeof properties] ?? Properties }] as const;
  });
  const Outputs = { Bucket: { Value: BUCKET }, HttpApiUrl: { Value: apiUrl }, Version };
  const TemplateBody = JSON.stringify({ Resources: Object.fromEntries(made), Outputs });
  const create = { Action: 'CreateStack', Version: '2010-05-15', TemplateBody };
  await moto.query('cloudformation', { ...create, StackName: nameOf({ Resources }) });
}

async function provideBatch(template: Template, moto: Moto, batch: BatchClient): Promise<void> {
  const trust = { Action: 'CreateRole', Version: '2010-05-08', AssumeRolePolicyDocument: '{}' };
  await moto.query('iam', { ...trust, RoleName: 'service' });
  const { computeEnvironmentArn } = await batch.send(
    new CreateComputeEnvironmentCommand({
      computeEnvironmentName: 'machines',
      type: 'UNMANAGED',
      state: 'ENABLED',
      serviceRole: `arn:aws:iam::${ACCOUNT}:role/service`,
    }),
  );
  await batch.send(
    new CreateJobQueueCommand({
      jobQueueName: template.Resources.Queue?.Properties.JobQueueName,
      state: 'ENABLED',
      priority: 1,
      computeEnvironmentOrder: [{ order: 1, computeEnvironment: computeEnvironmentArn }],
    }),
  );
}

async function isEmpty(sqs: SQSClient, QueueUrl: string): Promise<boolean> {
  const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return Attributes.ApproximateNumberOfMessages === '0' && Attributes.ApproximateNumberOfMessagesDelayed === '0';
}

/** Values of CloudFormation, as far as patterns and variables have them. */
export function resolved(value: unknown, refs: Readonly<Record<string, string>> = {}): unknown {
  if (Array.isArray(value)) return value.map((each) => resolved(each, refs));
  if (typeof value !== 'object' || value === null) return value;
  const [[key, operand] = ['', undefined], ...more] = Object.entries(value);
  if (more.length === 0 && key === 'Ref') return refs[String(operand)] ?? operand;
  if (more.length === 0 && key === 'Fn::If') return BUCKET;
  if (more.length === 0 && key === 'Fn::GetAtt') {
    const [name] = operand as [string];
    return `arn:aws:iam::${ACCOUNT}:role/redex-dev-${name === 'JobRole' ? 'job' : 'execution'}`;
  }
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, resolved(each, refs)]));
}

/** Deploys the workflows of the folder, as the README says. */
export function deployCode(world: CloudWorld, folder: string, ...words: string[]): void {
  const command = join(ROOT, 'cli/redex.mjs');
  const env = { ...process.env, ...world.environment };
  execFileSync(process.execPath, [command, 'deploy-code', '--bucket', BUCKET, ...words], {
    cwd: folder,
    env,
    stdio: 'pipe',
  });
}
