/** Trouble between the S3 store and its service, from a proxy in between. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { observeFiles } from '../../core/files/observe.ts';
import { s3Store } from '../../core/files/s3.ts';
import type { FileStore } from '../../core/files/store.ts';
import type { RetryPolicy } from '../../core/files/tries.ts';
import { errorLine } from '../../core/graph/errors.ts';
import { ABSENT } from '../../core/values/table.ts';
import { close, type Fault, type FaultProxy, faultProxy } from '../support/fault-proxy.ts';

const OBJECT = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251));
const LOCATION = 's3://bucket/object';
const LISTING =
  '<ListBucketResult><Contents><Key>d/a</Key><ETag>"v"</ETag><Size>1</Size></Contents></ListBucketResult>';

/** As much of S3 as is asked for here. */
const service: RequestListener = (request, response) => {
  const url = new URL(request.url ?? '/', 'http://service');
  if (url.searchParams.has('list-type')) return void response.end(LISTING);
  if (url.pathname !== '/bucket/object') return void response.writeHead(404).end();
  if (request.method === 'PUT') {
    request.resume().on('end', () => response.writeHead(200, { etag: '"new"' }).end());
    return;
  }
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, { etag: '"v"', 'content-length': OBJECT.byteLength - from });
  response.end(request.method === 'HEAD' ? undefined : OBJECT.subarray(from));
};

let server: Server;
let proxy: FaultProxy;
let store: FileStore;

beforeAll(async () => {
  server = createServer(service);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await faultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  store = s3Store(clientOf(proxy.url), { tries: 3, delayMs: 1, idleMs: 250 });
});

afterAll(async () => {
  await proxy.close();
  await close(server);
});

function clientOf(endpoint: string, idleMs = 500): S3Client {
  return new S3Client({
    endpoint,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: 'k', secretAccessKey: 's' },
    requestHandler: { socketTimeout: idleMs, connectionTimeout: 500, throwOnRequestTimeout: true },
  });
}

async function bytes(location = LOCATION): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(location)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const PASSING: Fault[] = ['silent', 'reset', 429, 500, 503];
const IN_BODY: Fault[] = ['stall', 'cut'];

describe('trouble on the way to S3', () => {
  it.each([...PASSING, ...IN_BODY])('that passes (%s) is noticed by no download', async (fault) => {
    proxy.meet([fault]);
    expect((await bytes()).equals(OBJECT)).toBe(true);
    expect(proxy.seen).toHaveLength(2);
  });

  it.each(PASSING)(
    'that passes (%s) keeps no look from seeing the version, nor a file from being written',
    async (fault) => {
      proxy.meet([fault]);
      expect(await store.stat(LOCATION)).toEqual({ version: 'v', bytes: OBJECT.byteLength });
      proxy.meet([fault]);
      expect(await store.list('s3://bucket/d/')).toMatchObject([{ path: 'a' }]);
      proxy.meet([fault]);
      expect(await store.write(LOCATION, [OBJECT])).toEqual({ version: 'new', bytes: OBJECT.byteLength });
    },
  );

  it.each(PASSING)('that stays (%s) fails by the name of the file, in bounded time', async (fault) => {
    proxy.meet([], fault);
    const named = { name: 'NetworkError', message: expect.stringMatching(/^s3:\/\/bucket\/\S+ cannot be reached: /) };
    await expect(bytes()).rejects.toMatchObject({ ...named, location: LOCATION });
    await expect(store.stat(LOCATION)).rejects.toMatchObject({ ...named, location: LOCATION });
    await expect(store.list('s3://bucket/d/')).rejects.toMatchObject({ ...named, location: 's3://bucket/d/' });
    await expect(store.write(LOCATION, [OBJECT])).rejects.toMatchObject({ ...named, location: LOCATION });
  });

  it('is a service that nobody is at, too', async () => {
    const nobody = s3Store(clientOf('http://127.0.0.1:1'));
    await expect(nobody.stat(LOCATION)).rejects.toMatchObject({ name: 'NetworkError', location: LOCATION });
  });

  it.each([400, 403] as const)('is a refusal where it is %s, and never a file that is not there', async (status) => {
    proxy.meet([], status);
    const refusal = { name: 'FileRefused', location: LOCATION };
    await expect(store.stat(LOCATION)).rejects.toMatchObject(refusal);
    await expect(bytes()).rejects.toMatchObject(refusal);
    await expect(store.list('s3://bucket/d/')).rejects.toMatchObject({ ...refusal, location: 's3://bucket/d/' });
    await expect(store.write(LOCATION, [OBJECT])).rejects.toMatchObject(refusal);
  });

  it('is not seen in a service that is slow', async () => {
    proxy.meet(['late']);
    const patient = s3Store(clientOf(proxy.url, 10_000));
    expect(await patient.stat(LOCATION)).toMatchObject({ version: 'v' });
    expect(proxy.seen).toEqual(['HEAD /bucket/object']);
  });
});

describe('a look at many files in S3', () => {
  const RETRY_POLICY: RetryPolicy = { tries: 3, delayMs: 1, idleMs: 250 };
  const places = Array.from(
    { length: 100 },
    (_, at) => ({ kind: 'file', location: `s3://bucket/object-${at}` }) as const,
  );
  const lookAt = async (idleMs = RETRY_POLICY.idleMs): Promise<string[]> => {
    const seen = await observeFiles({ s3: clientOf(proxy.url, 2 * idleMs) }, { ...RETRY_POLICY, idleMs }).observe(
      places,
    );
    return seen.map((one) => (typeof one === 'string' ? one : errorLine(one.unseen)));
  };

  it('says of each that it is refused where it is, and not that it is absent', async () => {
    proxy.meet([403, 400]);
    const seen = await lookAt(10_000);
    expect(seen.filter((one) => /^FileRefused: s3:\/\/bucket\/object-\d+ cannot be reached: /.test(one))).toHaveLength(
      2,
    );
    expect(seen.filter((one) => one === ABSENT)).toHaveLength(98);
  });

  it('ends in bounded time where a listing goes on for ever, each page of it in time', async () => {
    let pages = 0;
    const endless = createServer((_, response) => {
      const page = `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>${++pages}</NextContinuationToken><Contents><Key>d/${pages}</Key><ETag>"v"</ETag><Size>1</Size></Contents></ListBucketResult>`;
      setTimeout(() => response.end(page), 50);
    });
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
    const client = clientOf(`http://127.0.0.1:${(endless.address() as AddressInfo).port}`, 10_000);
    const files = observeFiles({ s3: client }, RETRY_POLICY, 1500);
    const [folder, file] = await files.observe([
      { kind: 'dir', location: 's3://bucket/d/' },
      { kind: 'file', location: '/no/such/file' },
    ]);
    client.destroy();
    await close(endless);
    expect(typeof folder === 'object' && errorLine(folder.unseen)).toBe(
      'NetworkError: s3://bucket/d/ cannot be reached: looking at it took too long',
    );
    expect(file).toBe(ABSENT);
    expect(pages).toBeGreaterThan(1);
  });

  it.each(['silent', 503] as const)('ends in bounded time where the service is in trouble (%s)', async (fault) => {
    proxy.meet([], fault);
    const start = Date.now();
    const seen = await lookAt();
    expect(Date.now() - start).toBeLessThan(15_000);
    for (const [at, one] of seen.entries()) {
      expect(one).toMatch(new RegExp(`^NetworkError: s3://bucket/object-${at} cannot be reached: `));
    }
  });
});

describe('a look at S3 without an account', () => {
  it('is refused by the name of the file', async () => {
    const credentials = () =>
      Promise.reject(Object.assign(new Error('none anywhere'), { name: 'CredentialsProviderError' }));
    const nobody = s3Store(new S3Client({ endpoint: proxy.url, region: 'us-east-1', credentials }));
    await expect(nobody.stat(LOCATION)).rejects.toMatchObject({
      name: 'FileRefused',
      message: expect.stringContaining('there are no AWS credentials'),
    });
  });
});
