/** SDK clients, one of each for a process. Region and endpoints come from the SDK's own environment variables. */
import { BatchClient } from '@aws-sdk/client-batch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { patientRetries } from './patience.ts';

/** A request without an answer after this long is given up, and sent again where that is harmless. */
const REQUEST_MS_MAX = 10_000;
const CONNECTION_MS_MAX = 3_000;

const requestHandler = {
  requestTimeout: REQUEST_MS_MAX,
  connectionTimeout: CONNECTION_MS_MAX,
  throwOnRequestTimeout: true,
};

/** Objects may be large: not how long a request takes is limited, but how long nothing moves, in its body neither. */
const objectHandler = {
  socketTimeout: REQUEST_MS_MAX,
  connectionTimeout: CONNECTION_MS_MAX,
  // Of requests that bring a time of their own.
  throwOnRequestTimeout: true,
};

/** Nobody checks a signature in a local cloud: its clients need no account, and what the user has is for files in S3. */
const UNCHECKED = { region: 'us-east-1', credentials: { accessKeyId: 'redex', secretAccessKey: 'redex' } };

/** The clients of handlers, whose time is short: what fails there is done again by the next event. */
export function awsClients({ local }: { readonly local: boolean }) {
  const settings = { requestHandler, ...(local && UNCHECKED) };
  return {
    dynamo: new DynamoDBClient(settings),
    s3: new S3Client({ requestHandler: objectHandler }),
    batch: new BatchClient(settings),
    batchOnce: new BatchClient({ ...settings, maxAttempts: 1 }),
    events: new EventBridgeClient(settings),
  };
}

/** The clients of a runner, which has hours of work to lose. */
export function patientClients() {
  const retryStrategy = patientRetries();
  return {
    dynamo: new DynamoDBClient({ requestHandler, retryStrategy }),
    s3: new S3Client({ requestHandler: objectHandler, retryStrategy }),
  };
}
