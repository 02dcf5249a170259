import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Seen } from '../../core/engine/ports.ts';
import { fileAccess } from '../../core/files/access.ts';
import { isInside } from '../../core/files/addresses.ts';
import { observeFiles } from '../../core/files/observe.ts';
import type { RetryPolicy } from '../../core/files/tries.ts';
import { webStore } from '../../core/files/web.ts';
import { errorLine } from '../../core/graph/errors.ts';
import type { FileAccess } from '../../core/values/classes.ts';
import { ABSENT } from '../../core/values/table.ts';
import { type Fault, type FaultProxy, faultProxy } from '../support/fault-proxy.ts';

const TAGGED = Buffer.from('tagged');
const LARGE = Buffer.from(Array.from({ length: 20_000 }, (_, at) => at % 251));
const ZIPPED = gzipSync('encoded');
/** Servers here answer at once, or never. */
const HASTE: RetryPolicy = { tries: 4, delayMs: 1, idleMs: 1000 };
let etag = '"tag-1"';

const pages: Record<string, RequestListener> = {
  '/tagged': (request, response) => {
    response
      .writeHead(200, { etag, 'content-length': TAGGED.byteLength })
      .end(request.method === 'HEAD' ? undefined : TAGGED);
  },
  '/untagged': (_, response) => void response.writeHead(200, { etag: 'W/"weak"' }).end('untagged'),
  '/no-head': (request, response) => void response.writeHead(request.method === 'HEAD' ? 405 : 200).end('no-head'),
  '/zipped.gz': (_, response) => void response.writeHead(200).end(gzipSync('unzipped')),
  '/moved': (_, response) => void response.writeHead(302, { location: '/tagged' }).end(),
  '/large': (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from > 0 && request.headers['if-match'] !== etag) return void response.writeHead(412).end();
    const headers = { etag, 'content-length': LARGE.byteLength - from };
    const range = { 'content-range': `bytes ${from}-${LARGE.byteLength - 1}/${LARGE.byteLength}` };
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? { ...headers, ...range } : headers).end(LARGE.subarray(from));
  },
  '/plain': (_, response) => void response.writeHead(200, { 'content-length': LARGE.byteLength }).end(LARGE),
  // The connections end as if all were well.
  '/quiet': (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = LARGE.subarray(from, from + 6000);
    const range = { 'content-range': `bytes ${from}-${LARGE.byteLength - 1}/${LARGE.byteLength}` };
    response.writeHead(from > 0 ? 206 : 200, {
      etag,
      'content-length': LARGE.byteLength - from,
      ...(from > 0 && range),
    });
    response.write(part, () => request.socket.end());
  },
  '/quiet-forever': (request, response) => {
    response.writeHead(200, { 'content-length': LARGE.byteLength });
    response.write(LARGE.subarray(0, 6000), () => request.socket.end());
  },
  '/quiet-chunks': (request, response) => {
    const whole = chunked++ > 0;
    response.writeHead(200).write(LARGE.subarray(0, 6000), () => {
      if (whole) response.end(LARGE.subarray(6000));
      else request.socket.end();
    });
  },
  '/encoded': (_, response) => void response.writeHead(200, { etag, 'content-encoding': 'gzip' }).end(ZIPPED),
  '/inside': (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
  '/by-name': (request, response) => {
    response.writeHead(302, { location: `http://localhost:${request.socket.localPort}/tagged` }).end();
  },
  '/around': (_, response) => void response.writeHead(302, { location: '/around' }).end(),
  '/forbidden': (_, response) => void response.writeHead(403).end(),
  '/broken': (_, response) => void response.writeHead(503).end(),
};

let chunked = 0;
let server: Server;
let base: string;
let root: string;
let files: FileAccess;

beforeAll(async () => {
  server = createServer((request, response) => {
    const page = pages[request.url?.split('?')[0] ?? ''];
    if (page) page(request, response);
    else response.writeHead(404).end('no such page');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  root = await mkdtemp(join(tmpdir(), 'redex-web-'));
  files = fileAccess({ root }, HASTE);
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(root, { recursive: true });
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('a file on the web', () => {
  it('has its strong ETag as version, else the SHA-256 of its bytes', async () => {
    expect(await files.version('file', `${base}/tagged`)).toBe('tag-1');
    expect(await files.version('file', `${base}/moved`)).toBe('tag-1');
    expect(await files.version('file', `${base}/untagged`)).toBe(sha256('untagged'));
    expect(await files.version('file', `${base}/no-head`)).toBe(sha256('no-head'));
    expect(await files.version('file', `${base}/nothing`)).toBeUndefined();
  });

  it('is read and copied, and gunzipped on the way when asked to', async () => {
    expect(await files.text(`${base}/tagged`)).toBe('tagged');
    expect(await files.copy(`${base}/zipped.gz`, 'unzipped', { gunzip: true })).toBe(sha256('unzipped'));
    expect(await files.text('unzipped')).toBe('unzipped');
  });

  it('is read on condition that it has the version still', async () => {
    const read = async (path: string, version: string): Promise<number> => {
      let bytes = 0;
      for await (const chunk of webStore().read(base + path, version)) bytes += chunk.byteLength;
      return bytes;
    };
    expect(await read('/tagged', 'tag-1')).toBe(6);
    expect(await read('/untagged', sha256('untagged'))).toBe(8);
    etag = '"tag-2"';
    await expect(read('/tagged', 'tag-1')).rejects.toMatchObject({ name: 'InputChanged' });
    await expect(read('/untagged', sha256('else'))).rejects.toMatchObject({ name: 'InputChanged' });
    await expect(read('/nothing', 'tag-1')).rejects.toMatchObject({ name: 'InputChanged' });
  });

  it('says what the server answered', async () => {
    await expect(files.text(`${base}/nothing`)).rejects.toMatchObject({ name: 'InputMissing' });
    await expect(files.text(`${base}/forbidden`)).rejects.toMatchObject({
      name: 'FileRefused',
      message: expect.stringContaining('403 Forbidden'),
    });
    await expect(files.text(`${base}/broken`)).rejects.toThrow(/broken cannot be reached: the server answered 503/);
    await expect(files.text('http://127.0.0.1:1/x')).rejects.toThrow(/cannot be reached/);
    await expect(files.text('https://[')).rejects.toThrow(/is not a URL/);
  });

  it('counts as absent only where it is not there; else it is told why nobody can see it, and all others are seen', async () => {
    const pages = ['/nothing', '/forbidden', '/broken', '/tagged'];
    const seen = await observeFiles({ root }, HASTE).observe(
      pages.map((page) => ({ kind: 'file', location: base + page }) as const),
    );
    expect(seen.map(told)).toEqual([
      ABSENT,
      expect.stringMatching(/^FileRefused: .*forbidden cannot be read: the server answered 403/),
      expect.stringMatching(/^NetworkError: .*broken cannot be reached: the server answered 503/),
      etag.slice(1, -1),
    ]);
  });

  it('cannot be written or listed', async () => {
    await expect(files.write(`${base}/x`, 'x')).rejects.toThrow(/read-only/);
    await expect(files.list(`${base}/x/`)).rejects.toThrow(/no directories/);
  });
});

const told = (seen: Seen | undefined): string | undefined => (typeof seen === 'object' ? errorLine(seen.unseen) : seen);

describe('a look at files of a server that', () => {
  const RETRY_POLICY: RetryPolicy = { tries: 2, delayMs: 1, idleMs: 200 };
  const leaves = (url: string, count: number) =>
    Array.from({ length: count }, (_, at) => ({ kind: 'file', location: `${url}/page-${at}` }) as const);

  it.each(['silent', 'reset', 500, 503] as const)(
    'is in trouble (%s) ends soon, and sees those of others',
    async (fault) => {
      const proxy = await faultProxy();
      proxy.meet([], fault);
      const start = Date.now();
      const places = [...leaves(proxy.url, 200), { kind: 'file', location: `${base}/tagged` } as const];
      const seen = await observeFiles({ root }, RETRY_POLICY).observe(places);
      expect(Date.now() - start).toBeLessThan(5_000);
      expect(seen.at(-1)).toBe(etag.slice(1, -1));
      for (const [at, one] of seen.slice(0, -1).entries()) {
        expect(told(one)).toMatch(new RegExp(`^NetworkError: \\S+/page-${at} cannot be reached: `));
      }
      expect(proxy.seen.length).toBeLessThan(100);
      await proxy.close();
    },
  );

  it('has trouble with some files only asks for all others as ever', async () => {
    const proxy = await faultProxy(base);
    proxy.meet([...Array.from({ length: 16 }, (_, at) => (at < 3 ? 503 : null))]);
    const tagged = Array.from(
      { length: 60 },
      (_, at) => ({ kind: 'file', location: `${proxy.url}/tagged?${at}` }) as const,
    );
    const seen = await observeFiles({ root }, { ...RETRY_POLICY, idleMs: 5000, tries: 1 }).observe(tagged);
    expect(seen.filter((one) => typeof one === 'object')).toHaveLength(3);
    await proxy.close();
  });
});

describe('trouble on the way to the web', () => {
  const RETRY_POLICY: RetryPolicy = { tries: 3, delayMs: 1, idleMs: 200 };
  let proxy: FaultProxy;

  beforeAll(async () => {
    proxy = await faultProxy(base);
  });

  afterAll(() => proxy.close());

  const bytes = async (path: string, version?: string): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of webStore(RETRY_POLICY).read(proxy.url + path, version)) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  const PASSING: Fault[] = ['silent', 'stall', 'cut', 'reset', 429, 500, 503];

  it.each(PASSING)('that passes (%s) is not noticed by a download, whether it has a tag or not', async (fault) => {
    for (const path of ['/large', '/plain']) {
      proxy.meet([fault, fault]);
      expect((await bytes(path)).equals(LARGE)).toBe(true);
      expect(proxy.seen).toHaveLength(3);
    }
  });

  it.each(PASSING)('that stays (%s) fails by the name of the file, after so many tries', async (fault) => {
    proxy.meet([], fault);
    await expect(bytes('/plain')).rejects.toMatchObject({
      name: 'NetworkError',
      location: `${proxy.url}/plain`,
      message: expect.stringMatching(/plain cannot be reached: .*; it was tried 3 times/),
    });
    // What came before it broke off counts as progress, once.
    expect(proxy.seen.length).toBeLessThanOrEqual(4);
  });

  it.each([400, 403] as const)('is an answer for good where it is %s', async (status) => {
    proxy.meet([], status);
    await expect(bytes('/large')).rejects.toMatchObject({ name: 'FileRefused', location: `${proxy.url}/large` });
    expect(proxy.seen).toHaveLength(1);
  });

  it('is resumed where it broke off, on condition that the file is the same still', async () => {
    proxy.meet(['cut']);
    await bytes('/large');
    expect(proxy.seen[1]).toMatch(/^GET \/large bytes=[1-9]\d*-$/);
    proxy.meet(['cut', 503]);
    const chunks = webStore({ ...RETRY_POLICY, delayMs: 50 })
      .read(`${proxy.url}/large`)
      [Symbol.asyncIterator]();
    await chunks.next();
    etag = '"tag-3"';
    await expect(chunks.next()).rejects.toMatchObject({ name: 'InputChanged' });
  });

  it('is seen where a connection ends as if all were well, before all of its bytes have come', async () => {
    const read = async (path: string): Promise<Buffer> => Buffer.from(await files.bytes(base + path));
    expect((await read('/quiet')).equals(LARGE)).toBe(true);
    expect((await read('/quiet-chunks')).equals(LARGE)).toBe(true);
    expect(chunked).toBe(2);
    await expect(read('/quiet-forever')).rejects.toMatchObject({
      name: 'NetworkError',
      message: expect.stringMatching(/quiet-forever cannot be reached: .*6000.*; it was tried 4 times/),
    });
  });

  it('does not make a file without a tag the sum of two', async () => {
    proxy.meet(['cut']);
    const chunks = webStore({ ...RETRY_POLICY, delayMs: 50 })
      .read(`${proxy.url}/plain`)
      [Symbol.asyncIterator]();
    await chunks.next();
    LARGE[0] = 77;
    await expect(chunks.next()).rejects.toMatchObject({ name: 'InputChanged' });
    LARGE[0] = 0;
  });

  it('does not keep a look from seeing the version', async () => {
    for (const fault of PASSING) {
      proxy.meet([fault]);
      expect(await webStore(RETRY_POLICY).stat(`${proxy.url}/plain`)).toEqual({
        version: createHash('sha256').update(LARGE).digest('hex'),
        bytes: LARGE.byteLength,
      });
    }
  });

  it('is not seen in a server that is slow', async () => {
    proxy.meet(['late']);
    const store = webStore({ tries: 1, delayMs: 1, idleMs: 10_000 });
    expect(await store.stat(`${proxy.url}/tagged`)).toMatchObject({ bytes: TAGGED.byteLength });
    expect(proxy.seen).toEqual(['HEAD /tagged']);
  });

  it('does not end a slow use of what has come', async () => {
    let taken = 0;
    for await (const chunk of webStore({ ...RETRY_POLICY, idleMs: 50 }).read(`${base}/plain`)) {
      if (taken === 0) await new Promise((resolve) => setTimeout(resolve, 120));
      taken += chunk.byteLength;
    }
    expect(taken).toBe(LARGE.byteLength);
  });
});

describe('what a web server says of its files', () => {
  const text = async (path: string): Promise<Buffer> => Buffer.from(await files.bytes(base + path));

  it('does not unpack them: the bytes are those it keeps', async () => {
    expect((await text('/encoded')).equals(ZIPPED)).toBe(true);
    expect((await text('/zipped.gz')).equals(gzipSync('unzipped'))).toBe(true);
  });

  it('does not lead into a private network, by address or by name, nor round in circles', async () => {
    for (const path of ['/inside', '/by-name']) {
      await expect(text(path)).rejects.toMatchObject({ name: 'FileRefused', message: expect.stringContaining(path) });
    }
    await expect(text('/around')).rejects.toThrow(/leads on and on/);
    expect((await text('/moved')).toString()).toBe('tagged');
  });

  it('does so for every private, link-local and loopback address, however it is written', () => {
    const inside = ['10.1.2.3', '127.9.9.9', '169.254.169.254', '172.31.0.1', '192.168.1.1', '0.0.0.0', '100.64.0.1'];
    expect(
      [...inside, '::1', '::', 'fe80::1', 'fd00::1', '::ffff:127.0.0.1', '::ffff:a9fe:a9fe'].filter(isInside),
    ).toHaveLength(13);
    expect(['8.8.8.8', '172.32.0.1', '2600::1', '::ffff:8.8.8.8', 'localhost'].filter(isInside)).toEqual([]);
  });
});
