/** SDK clients, one of each for a process. Region and endpoints come from the SDK's own variables, but in a local cloud. */
import { BatchClient } from '@aws-sdk/client-batch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Endpoints } from '../environment.ts';
import { named } from './named.ts';
import { type Patience, patientRetries } from './patience.ts';

/** How long a client waits before it gives a request up, and sends it again where that is harmless. */
export interface Waits {
  readonly connectionMs: number;
  /** For an answer; of objects, which may be large, between two signs of life. */
  readonly answerMs: number;
}

export interface ClientSettings {
  /** Where all services are, if not where the environment says. */
  readonly endpoint?: string;
  readonly waits?: Waits;
}

const WAITS: Waits = { connectionMs: 3_000, answerMs: 10_000 };

/** Nobody checks a signature in a local cloud: its clients need no account, and what the user has is for files in S3. */
const UNCHECKED = { region: 'us-east-1', credentials: { accessKeyId: 'redex', secretAccessKey: 'redex' } };

type HandlerClientSettings = ClientSettings & {
  readonly local: boolean;
  /** By service, before `endpoint`. */
  readonly endpoints?: Endpoints | undefined;
};

function placeOf(endpoint: string | undefined) {
  return endpoint === undefined ? {} : { endpoint };
}

function quickSettings(
  { local, waits = WAITS, endpoint, endpoints = {} }: HandlerClientSettings,
  service?: keyof Endpoints,
) {
  const place = (service && endpoints[service]) ?? endpoint;
  return { requestHandler: quickHandler(waits), ...placeOf(place), ...(local && UNCHECKED) };
}

/** Of handlers that only look at what was kept. */
export function storageClients(settings: HandlerClientSettings) {
  return {
    dynamo: naming(new DynamoDBClient(quickSettings(settings, 'dynamo'))),
    s3: new S3Client({ requestHandler: objectHandler(settings.waits ?? WAITS), ...placeOf(settings.endpoint) }),
  };
}

export function batchClients(given: HandlerClientSettings) {
  const settings = quickSettings(given, 'batch');
  return {
    batch: naming(new BatchClient(settings)),
    batchOnce: naming(new BatchClient({ ...settings, maxAttempts: 1 })),
  };
}

/** Of what jobs write. */
export function logsClient(settings: Omit<HandlerClientSettings, 'local'> = {}) {
  return naming(new CloudWatchLogsClient(quickSettings({ ...settings, local: false })));
}

export function busClients(given: HandlerClientSettings) {
  return {
    events: naming(new EventBridgeClient(quickSettings(given, 'events'))),
    // A queue's URL has the name by which AWS knows it, which need not be where it is reached from here.
    sqs: naming(new SQSClient({ ...quickSettings(given, 'sqs'), useQueueUrlAsEndpoint: false })),
  };
}

/** The clients of handlers, whose time is short: what fails there is done again by the next event. */
export function awsClients(given: HandlerClientSettings) {
  return { ...storageClients(given), ...batchClients(given), ...busClients(given) };
}

/** The clients of a runner, which has hours of work to lose. */
export function patientClients({ endpoint, waits = WAITS, patience }: ClientSettings & { patience?: Patience } = {}) {
  const settings = { retryStrategy: patientRetries(patience), ...(endpoint !== undefined && { endpoint }) };
  return {
    dynamo: naming(new DynamoDBClient({ requestHandler: quickHandler(waits), ...settings })),
    s3: new S3Client({ requestHandler: objectHandler(waits), ...settings }),
  };
}

/** An answer is waited for in all, and its body as long as anything moves in it. */
function quickHandler({ connectionMs, answerMs }: Waits) {
  return {
    requestTimeout: answerMs,
    socketTimeout: answerMs,
    connectionTimeout: connectionMs,
    throwOnRequestTimeout: true,
  };
}

/** Not how long a request takes is limited, but how long nothing moves, in its body neither. */
function objectHandler({ connectionMs, answerMs }: Waits) {
  return {
    socketTimeout: answerMs,
    connectionTimeout: connectionMs,
    // Of requests that bring a time of their own.
    throwOnRequestTimeout: true,
  };
}

/** What `naming` needs of a client. */
type Nameable = Pick<DynamoDBClient, 'middlewareStack'>;

/** The client, whose errors say what was asked of whom, as `DynamoDB PutItem`. */
function naming<Client extends { readonly middlewareStack: unknown }>(client: Client): Client {
  (client as Nameable).middlewareStack.add(
    (next, { clientName = '', commandName = '' }) =>
      (args) =>
        named(`${clientName.replace(/Client$/, '')} ${commandName.replace(/Command$/, '')}`, () => next(args)),
    { step: 'initialize', name: 'namesRequest', priority: 'high' },
  );
  return client;
}
