/** A DynamoDB in memory with the three tables, for one test file. */
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { ensureTables } from '../../core/aws/tables.ts';

export const tableNames = { runs: 'test-runs', cache: 'test-cache', attempts: 'test-attempts' };

export interface TestDynamo {
  readonly client: DynamoDBClient;
  readonly endpoint: string;
  /** Another client of the same database. */
  connect(): DynamoDBClient;
  stop(): Promise<void>;
}

export async function startDynamo(): Promise<TestDynamo> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  const connect = () =>
    new DynamoDBClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  const client = connect();
  await ensureTables(client, tableNames);
  return {
    client,
    endpoint,
    connect,
    stop: () =>
      new Promise((resolve) => {
        client.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
