/** SDK clients, one of each for a process. Region and endpoints come from the SDK's own environment variables. */
import { BatchClient } from '@aws-sdk/client-batch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';

/** A request without an answer after this long is given up, and sent again where that is harmless. */
const REQUEST_MS_MAX = 10_000;
const CONNECTION_MS_MAX = 3_000;

const requestHandler = {
  requestTimeout: REQUEST_MS_MAX,
  connectionTimeout: CONNECTION_MS_MAX,
  throwOnRequestTimeout: true,
};

export function awsClients() {
  return {
    dynamo: new DynamoDBClient({ requestHandler }),
    s3: new S3Client({}),
    batch: new BatchClient({ requestHandler }),
    batchOnce: new BatchClient({ requestHandler, maxAttempts: 1 }),
    events: new EventBridgeClient({ requestHandler }),
  };
}
