/** The object store on S3 behind a proxy that makes trouble. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { s3Objects } from '../../core/aws/objects.ts';
import type { Objects } from '../../core/engine/ports.ts';
import { close, type FaultProxy, faultProxy } from '../support/fault-proxy.ts';

const OBJECT = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));

let server: Server;
let proxy: FaultProxy;
let objects: Objects;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.method !== 'PUT') return void response.end(OBJECT);
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await faultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const client = new S3Client({
    endpoint: proxy.url,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: 'k', secretAccessKey: 's' },
    requestHandler: { socketTimeout: 300, connectionTimeout: 300 },
  });
  objects = s3Objects(client, 'bucket', '');
});

afterAll(async () => {
  await proxy.close();
  await close(server);
});

describe('an object of the store', () => {
  it.each(['silent', 'stall', 'cut', 'reset', 429, 500, 503] as const)(
    'is read and written through trouble that passes (%s)',
    async (fault) => {
      proxy.meet([fault]);
      expect(Buffer.from((await objects.get('values/a')) ?? []).equals(OBJECT)).toBe(true);
      proxy.meet([fault]);
      await objects.put('values/a', OBJECT);
    },
  );

  it.each(['silent', 'stall', 'cut', 503] as const)(
    'is given up in bounded time where it stays (%s)',
    async (fault) => {
      proxy.meet([], fault);
      const start = Date.now();
      await expect(objects.get('values/a')).rejects.toThrow();
      expect(Date.now() - start).toBeLessThan(10_000);
      expect(proxy.seen.length).toBeLessThanOrEqual(5);
    },
  );

  it.each([400, 403] as const)('is not said to be absent where it is refused (%s)', async (status) => {
    proxy.meet([], status);
    await expect(objects.get('values/a')).rejects.toThrow();
    expect(proxy.seen).toHaveLength(1);
  });
});
