/** How AWS is asked for a check: by the user's own credentials, not for long, and each refusal is an answer. */

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
import { type Observation, oneLine } from './checks.ts';

const CONNECTION_MS_MAX = 3_000;
const ANSWER_MS_MAX = 8_000;
/** Of a look, with all that is tried again. */
const LOOK_MS_MAX = 20_000;

export function askingSettings(region?: string) {
  return {
    ...(region !== undefined && { region }),
    maxAttempts: 2,
    requestHandler: {
      connectionTimeout: CONNECTION_MS_MAX,
      requestTimeout: ANSWER_MS_MAX,
      socketTimeout: ANSWER_MS_MAX,
      throwOnRequestTimeout: true,
    },
  };
}

export type StackClients = ReturnType<typeof clientsFor>;

export function clientsFor(region: string) {
  const settings = askingSettings(region);
  return {
    region,
    batch: new BatchClient(settings),
    cloudWatch: new CloudWatchClient(settings),
    dynamo: new DynamoDBClient(settings),
    events: new EventBridgeClient(settings),
    iam: new IAMClient(settings),
    lambda: new LambdaClient(settings),
    logs: new CloudWatchLogsClient(settings),
    s3: new S3Client({ ...settings, followRegionRedirects: true }),
    // A queue's URL has the name by which AWS knows it, which need not be where it is reached from here.
    sqs: new SQSClient({ ...settings, useQueueUrlAsEndpoint: false }),
    /** Repositories may be in other regions. */
    ecrIn: (place: string) => new ECRClient(askingSettings(place)),
  };
}

export interface Within {
  readonly abortSignal: AbortSignal;
}

/** What `ask` finds. `needs`: the permissions for it, as `dynamodb:DescribeTable`. Never rejects. */
export async function look<T>(needs: string, ask: (within: Within) => Promise<T>): Promise<Observation<T>> {
  const abortSignal = AbortSignal.timeout(LOOK_MS_MAX);
  const late = new Promise<never>((_, reject) =>
    abortSignal.addEventListener('abort', () => reject(abortSignal.reason)),
  );
  try {
    return { found: await Promise.race([ask({ abortSignal }), late]) };
  } catch (error) {
    return { unseen: whyUnseen(error, needs) };
  }
}

interface ServiceError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const DENIED = /^(AccessDenied(Exception)?|UnauthorizedOperation|AuthorizationErrorException|Forbidden|403)$/;
const WRONG_CREDENTIALS =
  /^(ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSignature)/;

function whyUnseen(thrown: unknown, needs: string): string {
  const error: ServiceError = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (WRONG_CREDENTIALS.test(error.name)) return `AWS does not take your credentials (${error.name})`;
  if (DENIED.test(error.name) || error.$metadata?.httpStatusCode === 403) return `access denied (needs ${needs})`;
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'AWS does not answer';
  return oneLine(error.message === '' ? error.name : error.message);
}

/** undefined where AWS answers with one of these errors: that there is none. */
export async function orNone<T>(asked: Promise<T>, ...absences: readonly string[]): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && absences.includes(error.name)) return undefined;
    throw error;
  }
}

/** Looks at each of the names at once. */
export async function lookAtEach<T>(
  names: readonly string[],
  look: (name: string) => Promise<T>,
): Promise<Record<string, T>> {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await look(name)] as const)));
}
