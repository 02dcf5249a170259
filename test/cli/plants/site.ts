/** A stack that mistakes are made with. */
import { BatchClient } from '@aws-sdk/client-batch';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECRClient } from '@aws-sdk/client-ecr';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Template } from '../../stack/template.ts';
import type { Moto } from '../../support/moto.ts';
import type { Glass } from '../glass.ts';

/** Of moto's services, without anything between. */
export function clientsOf({ client }: Moto) {
  return {
    batch: new BatchClient(client),
    cloudWatch: new CloudWatchClient(client),
    dynamo: new DynamoDBClient(client),
    ecr: new ECRClient(client),
    events: new EventBridgeClient(client),
    iam: new IAMClient(client),
    lambda: new LambdaClient(client),
    logs: new CloudWatchLogsClient(client),
    s3: new S3Client({ ...client, forcePathStyle: true }),
    sqs: new SQSClient({ ...client, useQueueUrlAsEndpoint: false }),
  };
}

export type Clients = ReturnType<typeof clientsOf>;

export interface Site {
  readonly aws: Clients;
  readonly glass: Glass;
  readonly bucket: string;
  readonly template: Template;
  pushImage(): Promise<unknown>;
  /** With an executor more, as redex.config.ts has it. */
  deployCode(executor?: string): Promise<void>;
}

/** Makes a mistake; gives what undoes it. */
export type Plant = (site: Site) => Promise<() => Promise<unknown>>;

/** A mistake, the check that finds it, and what that says and advises. */
export type Planted = readonly [mistake: string, check: string, said: RegExp, advice: RegExp, plant: Plant];
