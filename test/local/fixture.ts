/** A local cloud in a temporary folder whose jobs are shell scripts, and whose `advance` keeps what it is given. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchClient,
  DescribeJobsCommand,
  type JobDetail,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  type SubmitJobCommandInput,
} from '@aws-sdk/client-batch';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach } from 'vitest';
import { wakeUpParams } from '../../core/aws/bus.ts';
import type { RunId } from '../../core/values/ids.ts';
import type { BatchRecord } from '../../local/batch/records.ts';
import type { Cloud, CloudOptions } from '../../local/cloud.ts';
import { openCloud } from '../../local/open-cloud.ts';
import { type Event, recordingFunctions, SHELL_RUNNER } from './shell.ts';

const endings: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** Runs after the test, last first. */
export function afterTest(end: () => Promise<void> | void): void {
  endings.push(end);
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'redex-local-'));
  afterTest(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export interface TestCloud {
  readonly cloud: Cloud;
  readonly folder: string;
  readonly events: Event[];
  readonly batch: BatchClient;
  readonly bus: EventBridgeClient;
  readonly sqs: SQSClient;
}

export async function testCloud(options: Partial<CloudOptions> = {}): Promise<TestCloud> {
  const folder = options.folder ?? join(temporaryFolder(), '.redex');
  const events: Event[] = [];
  const cloud = await openCloud({
    folder,
    root: join(folder, '..'),
    runner: SHELL_RUNNER,
    environment: process.env,
    functions: () => Promise.resolve(recordingFunctions(events)),
    closeGraceMs: 200,
    ...options,
  });
  if (!cloud) throw new Error('the cloud is owned by another process');
  afterTest(() => cloud.close());
  return { cloud, folder, events, ...clients(cloud) };
}

export function clients(cloud: Cloud): Pick<TestCloud, 'batch' | 'bus' | 'sqs'> {
  const config = { region: 'us-east-1', credentials: { accessKeyId: 'redex', secretAccessKey: 'redex' } };
  return {
    batch: new BatchClient({ ...config, endpoint: cloud.environment.AWS_ENDPOINT_URL_BATCH ?? '' }),
    bus: new EventBridgeClient({ ...config, endpoint: cloud.environment.AWS_ENDPOINT_URL_EVENTBRIDGE ?? '' }),
    sqs: new SQSClient({
      ...config,
      endpoint: cloud.environment.AWS_ENDPOINT_URL_SQS ?? '',
      useQueueUrlAsEndpoint: false,
    }),
  };
}

/** Registers a definition once for each client. */
const definitions = new WeakMap<BatchClient, Promise<string>>();

function definitionFor(batch: BatchClient): Promise<string> {
  const known = definitions.get(batch) ?? define(batch);
  definitions.set(batch, known);
  return known;
}

async function define(batch: BatchClient): Promise<string> {
  const { jobDefinitionArn } = await batch.send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName: 'shell',
      type: 'container',
      containerProperties: {
        environment: [{ name: 'FROM_DEFINITION', value: 'yes' }],
        resourceRequirements: [
          { type: 'VCPU', value: '1' },
          { type: 'MEMORY', value: '64' },
        ],
      },
    }),
  );
  return jobDefinitionArn ?? '';
}

/** Submits a shell script; gives the job's id. */
export async function submit(
  batch: BatchClient,
  script: string,
  more: Partial<SubmitJobCommandInput> & { readonly vcpus?: number } = {},
): Promise<string> {
  const { vcpus = 1, ...input } = more;
  const { jobId } = await batch.send(
    new SubmitJobCommand({
      jobName: 'test',
      jobQueue: 'local',
      jobDefinition: await definitionFor(batch),
      ...input,
      containerOverrides: {
        environment: [{ name: 'SCRIPT', value: script }],
        resourceRequirements: [{ type: 'VCPU', value: String(vcpus) }],
        ...input.containerOverrides,
      },
    }),
  );
  return jobId ?? '';
}

export async function describeJob(batch: BatchClient, id: string): Promise<JobDetail> {
  const { jobs } = await batch.send(new DescribeJobsCommand({ jobs: [id] }));
  const [job] = jobs ?? [];
  if (!job) throw new Error(`no job ${id}`);
  return job;
}

/** Waits until the job has the status, or any end. */
export function untilStatus(batch: BatchClient, id: string, status?: string): Promise<JobDetail> {
  return until(async () => {
    const job = await describeJob(batch, id);
    const ended = job.status === 'SUCCEEDED' || job.status === 'FAILED';
    return job.status === status || ended ? job : undefined;
  });
}

export async function until<T>(look: () => Promise<T | undefined> | T | undefined, timeMs = 10_000): Promise<T> {
  for (const end = Date.now() + timeMs; Date.now() < end; ) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(15);
  }
  throw new Error('it did not come');
}

export function logLines(folder: string): BatchRecord[] {
  const text = readFileSync(join(folder, 'batch', 'jobs.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as BatchRecord);
}

/** Whether the process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** As the engine asks for another round of the run. */
export async function wake({ sqs }: Pick<TestCloud, 'sqs'>, run: string, when: 'soon' | 'now' = 'soon'): Promise<void> {
  await sqs.send(new SendMessageCommand(wakeUpParams('http://127.0.0.1/events', 'local', run as RunId, when)));
}
