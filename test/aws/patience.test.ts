import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { patientRetries } from '../../core/aws/patience.ts';

let server: Server;

afterEach(() => {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
});

type Answer = (response: ServerResponse) => void;

const failing =
  (status: number, type: string): Answer =>
  (response) =>
    response.writeHead(status).end(JSON.stringify({ __type: type }));
const cut: Answer = (response) => response.destroy();
const found: Answer = (response) => response.writeHead(200).end('{"Item":{"a":{"S":"b"}}}');

/** A database that gives `first` so many times before it answers; and how often it was asked. */
async function troubled(times: number, first: Answer) {
  const asked = { count: 0 };
  server = createServer((request, response) => {
    request.resume();
    (asked.count++ < times ? first : found)(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const get = (forMs?: number) =>
    new DynamoDBClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
      retryStrategy: patientRetries({ delayMsMax: 5, ...(forMs !== undefined && { forMs }) }),
    }).send(new GetItemCommand({ TableName: 't', Key: { a: { S: 'a' } } }));
  return { asked, get };
}

describe('a runner goes on trying', () => {
  it.each([
    ['503', failing(503, 'ServiceUnavailable')],
    ['500', failing(500, 'InternalServerError')],
    ['429', failing(429, 'ThrottlingException')],
    ['throttling', failing(400, 'ProvisionedThroughputExceededException')],
    ['a cut connection', cut],
  ])('through 200 answers of %s', async (_, trouble) => {
    const { asked, get } = await troubled(200, trouble);
    expect((await get()).Item).toEqual({ a: { S: 'b' } });
    expect(asked.count).toBe(201);
  });

  it('though many requests fail at once: they share no allowance', async () => {
    const { get } = await troubled(2_000, cut);
    const answers = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(answers.every(({ Item }) => Item)).toBe(true);
  });

  it('not at all when the request itself is wrong or not allowed', async () => {
    for (const answer of [failing(400, 'ValidationException'), failing(400, 'AccessDeniedException')]) {
      const { asked, get } = await troubled(2, answer);
      await expect(get()).rejects.toThrow();
      expect(asked.count).toBe(1);
      server.close();
    }
  });

  it('until its time is over, then gives the last error', async () => {
    const { asked, get } = await troubled(Number.POSITIVE_INFINITY, failing(503, 'ServiceUnavailable'));
    await expect(get(100)).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    expect(asked.count).toBeGreaterThan(5);
  });

  it('for ten minutes at least', async () => {
    vi.useFakeTimers();
    const strategy = patientRetries();
    const began = Date.now();
    let token = await strategy.acquireInitialRetryToken();
    try {
      for (;;) {
        token = await strategy.refreshRetryTokenForRetry(token, { errorType: 'TRANSIENT' });
        vi.advanceTimersByTime(token.getRetryDelay());
      }
    } catch {
      expect(Date.now() - began).toBeGreaterThan(10 * 60_000);
      expect(token.getRetryCount()).toBeLessThan(200);
    }
  });
});
