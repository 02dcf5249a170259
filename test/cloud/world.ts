/**
 * AWS as far as it can be had without an account: the functions as they are packaged, each in a process of its own, moto for
 * every service, the real runner for jobs, and a pump that does what SQS, EventBridge and the scheduler do, by the rules and
 * limits of the packaged template.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BatchClient, CreateComputeEnvironmentCommand, CreateJobQueueCommand } from '@aws-sdk/client-batch';
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
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
import { type Gate, type Need, openGate, type Trouble } from './gate.ts';
import { type Machines, openMachines } from './machines.ts';

export const BUCKET = 'redex-cloud';
const ACCOUNT = '123456789012';
/** Nothing takes longer here, and until a call's time is over nobody asks after the jobs that it sent. */
const CALL_SECONDS_MAX = 29;

export interface CloudWorld {
  readonly template: Template;
  readonly s3: S3Client;
  /** What every function and job asked for so far. */
  readonly needs: readonly Need[];
  readonly machines: Machines;
  /** Environment of a command line that uses this AWS. */
  readonly environment: Readonly<Record<string, string>>;
  /** Calls a function directly. Rejects with what it throws. */
  invoke(name: string, event: unknown): Promise<unknown>;
  /** Puts an object, and lets S3 tell of it so many times. */
  put(key: string, body: string, tellings?: number): Promise<void>;
  /** Takes events to where they go until none is left and no job runs. */
  settle(): Promise<void>;
  /** What becomes of an event of a job on its way: so many copies of it arrive. */
  deliveries: (event: unknown) => number;
  /** What the next request of a function or a job meets. */
  trouble: () => Trouble | undefined;
  close(): Promise<void>;
}

interface Lambda {
  call(event: unknown): Promise<unknown>;
  stop(): void;
}

/** `cleanup` removes its folder. `more`: variables of functions beside those of the template. */
export async function openCloudWorld(
  cleanup: (remove: () => Promise<void>) => void,
  more: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): Promise<CloudWorld> {
  const folder = await project({}, cleanup);
  const template = packaged({ bucket: BUCKET, image: 'tools:1' });
  const moto = await startMoto();
  const clients = clientsOf(moto);
  const queueUrl = await provide(template, moto, clients);
  const needs: Need[] = [];
  const unsent: unknown[] = [];
  const gates: Gate[] = [];
  const lambdas = new Map<string, Lambda>();
  const log = join(folder, 'log');

  const gate = async (who: string): Promise<Gate> => {
    const opened = await openGate({
      who,
      moto: moto.client.endpoint,
      needs: (need) => needs.push(need),
      onlooker: (...seen) => machines.onlooker(...seen),
      trouble: () => world.trouble(),
    });
    gates.push(opened);
    return opened;
  };
  const machines: Machines = openMachines({
    runner: (await buildRunner(join(folder, 'runner'))).main,
    environment: awsVariables((await gate('job')).url),
    work: join(folder, 'work'),
    log,
    tell: (event) => unsent.push(event),
  });
  for (const { name, archive } of await packageFunctions()) {
    for (const [path, bytes] of Object.entries(unzipSync(readFileSync(join(ROOT, archive))))) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }
    lambdas.set(
      name,
      openLambda(template, name, folder, { ...awsVariables((await gate(name)).url), ...more[name] }, queueUrl, log),
    );
  }

  const invoke = (name: string, event: unknown): Promise<unknown> =>
    lambdas.get(name)?.call(event) ?? Promise.reject(new Error(`there is no function ${name}`));
  const patternOf = (rule: string): Record<string, unknown> =>
    resolved(template.Resources[rule]?.Properties.EventPattern, queueUrl) as Record<string, unknown>;
  const jobRules = ['JobsRule', 'BlockedRule'].map(patternOf);
  const manifestRule = patternOf('ManifestRule');

  const world: CloudWorld = {
    template,
    s3: clients.s3,
    needs,
    machines,
    environment: awsVariables(moto.client.endpoint),
    invoke,
    deliveries: () => 1,
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
          for (let copy = world.deliveries(event); copy > 0; copy--) {
            await clients.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(event) }));
          }
        }
        const { Messages = [] } = await clients.sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: queueUrl,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 1,
            MessageSystemAttributeNames: ['ApproximateReceiveCount'],
          }),
        );
        if (Messages.length > 0) await advance(Messages);
        else if (machines.isIdle && unsent.length === 0 && (await isEmpty(clients.sqs, queueUrl))) return;
      }
    },
    async close() {
      machines.stop();
      for (const lambda of lambdas.values()) lambda.stop();
      await Promise.all(gates.map((opened) => opened.close()));
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

function awsVariables(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
}

function clientsOf({ client }: Moto) {
  return {
    s3: new S3Client({ ...client, forcePathStyle: true }),
    sqs: new SQSClient({ ...client, useQueueUrlAsEndpoint: false }),
    dynamo: new DynamoDBClient(client),
    batch: new BatchClient(client),
  };
}

/** What the template would make of storage, queues and Batch. Gives the URL of the queue of events. */
async function provide(template: Template, moto: Moto, clients: ReturnType<typeof clientsOf>): Promise<string> {
  const { s3, sqs, dynamo } = clients;
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }));
  for (const [, { Properties }] of ofType(template, 'AWS::DynamoDB::Table')) {
    const { PointInTimeRecoverySpecification: _, TimeToLiveSpecification: __, ...table } = Properties;
    await dynamo.send(new CreateTableCommand(table as CreateTableCommandInput));
  }
  const { QueueName, VisibilityTimeout } = template.Resources.Events?.Properties ?? {};
  const attributes = { VisibilityTimeout: String(VisibilityTimeout) };
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes: attributes }));
  await provideBatch(template, moto, clients.batch);
  return QueueUrl;
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
export function resolved(value: unknown, queueUrl = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => resolved(each, queueUrl));
  if (typeof value !== 'object' || value === null) return value;
  const [[key, operand] = ['', undefined], ...more] = Object.entries(value);
  if (more.length === 0 && key === 'Ref') return operand === 'Events' ? queueUrl : operand;
  if (more.length === 0 && key === 'Fn::If') return BUCKET;
  if (more.length === 0 && key === 'Fn::GetAtt') {
    const [name] = operand as [string];
    return `arn:aws:iam::${ACCOUNT}:role/redex-dev-${name === 'JobRole' ? 'job' : 'execution'}`;
  }
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, resolved(each, queueUrl)]));
}

function openLambda(
  template: Template,
  name: string,
  folder: string,
  environment: Readonly<Record<string, string>>,
  queueUrl: string,
  log: string,
): Lambda {
  const resource = `${name[0]?.toUpperCase()}${name.slice(1)}LambdaFunction`;
  const { Environment, Timeout, Handler } = template.Resources[resource]?.Properties ?? {};
  const variables = resolved(Environment.Variables, queueUrl) as Record<string, string>;
  const file = join(folder, `${Handler.replace(/\.handler$/, '')}.js`);
  const calls = new Map<number, PromiseWithResolvers<unknown>>();
  let child: ChildProcess | undefined;
  let ids = 0;
  let last: Promise<unknown> = Promise.resolve();

  const started = (): ChildProcess => {
    const made = fork(join(import.meta.dirname, 'lambda.mjs'), [file], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...variables, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
    });
    for (const stream of [made.stdout, made.stderr]) stream?.on('data', (text) => appendFileSync(log, text));
    made.on('message', ({ id, ok, answer, error }: Record<string, unknown>) => {
      const call = calls.get(id as number);
      calls.delete(id as number);
      if (ok) call?.resolve(answer);
      else call?.reject(new Error(String(error)));
    });
    return made;
  };

  const call = (event: unknown): Promise<unknown> => {
    child ??= started();
    const answer = Promise.withResolvers<unknown>();
    const id = ids++;
    calls.set(id, answer);
    child.send({ id, event, timeoutMs: Math.min(Timeout, CALL_SECONDS_MAX) * 1000 });
    return answer.promise;
  };
  return {
    // An environment takes one event at a time.
    call: (event) => (last = last.catch(() => undefined).then(() => call(event))),
    stop: () => child?.kill('SIGKILL'),
  };
}

/** Deploys the workflows of the folder, as the README says. */
export function deployCode(world: CloudWorld, folder: string, ...words: string[]): void {
  const command = join(ROOT, 'cli/redex.ts');
  const env = { ...process.env, ...world.environment };
  execFileSync(process.execPath, [command, 'deploy-code', '--bucket', BUCKET, ...words], {
    cwd: folder,
    env,
    stdio: 'pipe',
  });
}
