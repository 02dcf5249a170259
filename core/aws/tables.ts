/**
 * The three tables. Locally `ensureTables` makes them; in the cloud the deployment does, with time to live on `expires`.
 *
 * - runs: a run's journal (`j#0000000001`, …) and its `summary`, found by status and start time through an index.
 * - cache: evaluations by eval hash.
 * - attempts: claims to work and their results by shard of the run (`run#7`) and eval hash, and its `cancelled` marks.
 */
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';

export interface TableNames {
  readonly runs: string;
  readonly cache: string;
  readonly attempts: string;
}

/** Only summaries have its keys. Keys alone are projected, so that a summary's write costs the index nothing while its status stands. */
export const STATUS_INDEX = 'status-startedAt';

/** Attribute with the second after which an item no longer counts, and DynamoDB may delete it. */
export const EXPIRES = 'expires';

export function tableParams(names: TableNames): CreateTableCommandInput[] {
  return [
    {
      TableName: names.runs,
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
          IndexName: STATUS_INDEX,
          KeySchema: [
            { AttributeName: 'status', KeyType: 'HASH' },
            { AttributeName: 'startedAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    },
    {
      TableName: names.cache,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'eval', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'eval', KeyType: 'HASH' }],
    },
    {
      TableName: names.attempts,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'shard', AttributeType: 'S' },
        { AttributeName: 'eval', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'shard', KeyType: 'HASH' },
        { AttributeName: 'eval', KeyType: 'RANGE' },
      ],
    },
  ];
}

/** Seconds until a new table must be usable. */
const TABLE_READY_SECONDS_MAX = 30;

/** Makes the tables that are not there yet and waits until all can be used. */
export async function ensureTables(client: DynamoDBClient, names: TableNames): Promise<void> {
  await Promise.all(
    tableParams(names).map(async (params) => {
      await client.send(new CreateTableCommand(params)).catch((error: unknown) => {
        if (!(error instanceof ResourceInUseException)) throw error;
      });
      await waitUntilTableExists(
        { client, maxWaitTime: TABLE_READY_SECONDS_MAX, minDelay: 0.02, maxDelay: 1 },
        { TableName: params.TableName },
      );
    }),
  );
}
