/** What may be had in the cloud, where whoever starts a run chooses locations: of everything else, nothing is asked. */

import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer as createProxy, type Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../../core/engine/ports.ts';
import { fileAccess } from '../../core/files/access.ts';
import { isInside } from '../../core/files/addresses.ts';
import { observeFiles } from '../../core/files/observe.ts';
import { type Reach, refusalOf } from '../../core/files/reach.ts';
import type { StoreOptions } from '../../core/files/stores.ts';
import type { RetryPolicy } from '../../core/files/tries.ts';
import { errorLine } from '../../core/graph/errors.ts';
import { withinReach } from '../../core/host/reachable.ts';
import { Dir, File } from '../../core/values/classes.ts';
import { encode } from '../../core/values/encode.ts';
import type { Hash } from '../../core/values/ids.ts';
import { CERTIFICATE } from '../support/certificate.ts';
import { close } from '../support/fault-proxy.ts';
import { scratchFolder } from '../support/project.ts';

const REDUCER: Reach = { below: undefined, buckets: ['stack', 'data-*'] };
const HASTE: RetryPolicy = { tries: 1, delayMs: 1, idleMs: 1000 };

const client = new S3Client({ region: 'us-east-1' });
const s3 = mockClient(client);
let origin: Server;
let proxy: HttpServer;
const sockets = new Set<Socket>();
/** Where the server on the web leads to. */
let target = '';
/** What the way to the web was asked for. */
const asked: string[] = [];

const portOf = (server: Server | HttpServer): number => (server.address() as AddressInfo).port;
/** The web as the reducer sees it, for which data.example is a public name. */
const options = (reach: Reach = REDUCER): StoreOptions => ({
  reach,
  s3: client,
  proxies: { https: `http://127.0.0.1:${portOf(proxy)}` },
});

beforeAll(async () => {
  setDefaultCACertificates([...getCACertificates(), CERTIFICATE.cert]);
  origin = createServer(CERTIFICATE, (_, response) => {
    if (target === '') response.writeHead(200, { etag: '"v"', 'content-length': 4 }).end('open');
    else response.writeHead(302, { location: target }).end();
  });
  proxy = createProxy();
  proxy.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  proxy.on('connect', ({ url }, socket) => {
    asked.push(`${url}`);
    const tunnel = connect(portOf(origin), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      tunnel.pipe(socket).pipe(tunnel);
    });
    for (const end of [socket, tunnel]) end.on('error', () => undefined);
  });
  for (const server of [origin, proxy]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
});

beforeEach(() => {
  s3.reset();
  asked.length = 0;
  target = '';
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all([origin, proxy].map(close));
});

/** Nobody but the file's own kind of place is asked, by whatever method it is opened. */
async function expectRefused(location: string, reach: Reach = REDUCER): Promise<void> {
  const files = fileAccess(options(reach), HASTE);
  const ways: (() => Promise<unknown>)[] = [
    () => files.text(location),
    () => files.bytes(location),
    () => files.write(location, 'x'),
    () => files.list(location),
    () => files.version('file', location),
    () => files.version('dir', location),
    () => files.copy(location, 's3://stack/copy', { gunzip: false }),
    () => files.copy('s3://stack/secret', location, { gunzip: false }),
    () => files.concat([location], 's3://stack/copy'),
  ];
  const opened = ways.map(async (open) => await open());
  for (const result of await Promise.allSettled(opened)) {
    expect(result, location).toMatchObject({ status: 'rejected', reason: { name: 'FileRefused' } });
  }
  const [seen] = await observeFiles(options(reach), HASTE).observe([{ kind: 'file', location }]);
  expect(seen, location).toHaveProperty('unseen');
}

/** Of an address of 32 bits, as URLs may have them. */
const spellings = (bits: number): string[] => {
  const bytes = [24, 16, 8, 0].map((by) => (bits >>> by) & 255);
  const [a, b, c, d] = bytes as [number, number, number, number];
  const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16)) as [string, string];
  return [
    bytes.join('.'),
    `${bytes.join('.')}.`,
    String(bits >>> 0),
    `0x${(bits >>> 0).toString(16)}`,
    bytes.map((byte) => `0${byte.toString(8)}`).join('.'),
    bytes.map((byte) => `0x${byte.toString(16)}`).join('.'),
    `${a}.${((b << 16) | (c << 8) | d) >>> 0}`,
    `${a}.${b}.${(c << 8) | d}`,
    bytes.join('.').replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    bytes.join('%2E'),
    bytes.join('。'),
    `[::ffff:${bytes.join('.')}]`,
    `[::ffff:${groups.join(':')}]`,
    `[0:0:0:0:0:FFFF:${groups.join(':')}]`,
    `[::${bytes.join('.')}]`,
    `[64:ff9b::${bytes.join('.')}]`,
    `[2002:${groups.join(':')}::1]`,
  ];
};

const insideV4 = fc.oneof(
  fc.constant(0xa9fea9fe),
  fc.constant(0xa9feaa02),
  ...[
    [0x0a000000, 8],
    [0x7f000000, 8],
    [0xa9fe0000, 16],
    [0xac100000, 12],
    [0xc0a80000, 16],
    [0x64400000, 10],
    [0xe0000000, 3],
  ].map(([network = 0, bits = 0]) =>
    fc.integer({ min: 0, max: 2 ** (32 - bits) - 1 }).map((host) => (network + host) >>> 0),
  ),
);
const insideHost = fc.oneof(
  insideV4.chain((bits) => fc.constantFrom(...spellings(bits))),
  fc.constantFrom('[::1]', '[::]', '[fe80::1]', '[fd00:ec2::254]', '[fec0::1]', '[ff02::1]', '[0:0:0:0:0:0:0:1]'),
);
const insideUrl = fc
  .record({
    host: insideHost,
    user: fc.constantFrom('', 'data.example@', 'user:password@'),
    port: fc.constantFrom('', ':443', ':80', ':8443'),
    path: fc.constantFrom('', '/', '/latest/meta-data/iam/security-credentials/', '/v2/credentials/../x', '/%2e%2e/a'),
  })
  .map(({ host, user, port, path }) => `//${user}${host}${port}${path}`);

/** Absolute and relative paths, and what other programs take for one. */
const path = fc.oneof(
  fc.constantFrom(
    '/proc/self/environ',
    '/proc/1/environ',
    '/etc/passwd',
    '/var/task/index.mjs',
    '/tmp/x',
    '/',
    '.',
    '..',
  ),
  fc
    .array(fc.constantFrom('..', '.', 'proc', 'self', 'environ', 'x', ''), { minLength: 1, maxLength: 8 })
    .map((parts) => parts.join('/')),
  fc.string({ minLength: 1 }).filter((text) => !/^(s3|https):/i.test(text)),
);
const scheme = fc.constantFrom(
  'file://',
  'file:',
  'FILE:///',
  'http://data.example',
  'HTTP://data.example',
  'ftp://',
  'data:,',
  'gs://b',
  'S3://stack',
  'blob:',
  'javascript:',
  'unix:',
  '\\\\',
  '//',
  ' https://',
  '\thttps://data.example',
);

const bucket = fc.oneof(
  fc.constantFrom(
    'other',
    'stack2',
    'xstack',
    'stack.',
    'STACK',
    'data',
    'xdata-a',
    'st%61ck',
    'stack%2F',
    '..',
    '.',
    '*',
    'stack:443',
    'arn:aws:s3:::stack',
    'stack@other',
    'a\ndata-x',
  ),
  fc.string({ minLength: 1 }).filter((name) => name !== 'stack' && !name.startsWith('data-') && !name.includes('/')),
);

const forbidden = fc.oneof(
  path,
  fc.tuple(scheme, path).map(([start, rest]) => `${start}/${rest}`),
  insideUrl.map((rest) => `https:${rest}`),
  insideUrl.map((rest) => `http:${rest}`),
  fc.tuple(bucket, fc.string()).map(([name, key]) => `s3://${name}/${key}`),
  fc.constantFrom(
    's3://stack',
    's3:///stack/x',
    's3:stack/x',
    'https:',
    'https://',
    'https://[',
    'https://data.example:99999/',
  ),
);

describe('of locations that whoever starts a run chooses, the reducer', () => {
  it('opens none that is local, inside a network, of another bucket or of another scheme, however it is written', async () => {
    await fc.assert(
      fc.asyncProperty(forbidden, async (location) => {
        expect(refusalOf(location, REDUCER), location).toBeDefined();
        await expectRefused(location);
        expect(asked).toEqual([]);
        expect(s3.calls()).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('is led to none of them by a server, not even when the settings would allow it', async () => {
    // A header takes no other characters.
    const isPlain = (location: string): boolean => /^[\x20-\x7e]*$/.test(location);
    const led = fc.oneof(
      insideUrl.map((rest) => `https:${rest}`),
      insideUrl.map((rest) => `http:${rest}`),
      insideUrl,
      fc.constantFrom(
        'http://data.example/',
        'file:///proc/self/environ',
        's3://stack/secret',
        'ftp://data.example/',
        'https://[',
      ),
    );
    const web = { privateRedirects: ['0.0.0.0/0', '::/0'] };
    await fc.assert(
      fc.asyncProperty(led.filter(isPlain), async (location) => {
        [target, asked.length] = [location, 0];
        const files = fileAccess({ ...options(), web }, HASTE);
        await expect(files.text('https://data.example/file'), location).rejects.toMatchObject({ name: 'FileRefused' });
        expect(new Set(asked), location).toEqual(new Set(['data.example:443']));
      }),
      { numRuns: 150 },
    );
  });

  it('opens those on the web, where a name leads to a public address', async () => {
    const { text } = fileAccess(options(), HASTE);
    expect(await text('https://data.example/file')).toBe('open');
    expect(refusalOf('https://data.example/file', REDUCER)).toBeUndefined();
    expect(refusalOf('https://8.8.8.8/file', REDUCER)).toBeUndefined();
    expect(refusalOf('https://[2600::1]/file', REDUCER)).toBeUndefined();
    expect(refusalOf('https://[64:ff9b::8.8.8.8]/file', REDUCER)).toBeUndefined();
    // No proxy looks this name up: it is looked up here, and leads here.
    await expect(
      fileAccess({ reach: REDUCER }, HASTE).text(`https://localhost:${portOf(origin)}/`),
    ).rejects.toMatchObject({ name: 'FileRefused', message: expect.stringContaining('leads to localhost (') });
  });

  it('opens those in the buckets that it was given, by name or by how they begin', () => {
    for (const location of ['s3://stack/a', 's3://stack/../x', 's3://data-1/a b', 's3://data-/x']) {
      expect(refusalOf(location, REDUCER), location).toBeUndefined();
    }
  });
});

describe('arguments of a workflow', () => {
  const hostOf = (value: unknown): Host => ({
    program: () => Promise.reject(new Error('not asked for')),
    run: () => Promise.reject(new Error('not asked for')),
    root: () => Promise.resolve({ ok: true, table: encode(value) }),
  });
  const start = (value: unknown) => withinReach(hostOf(value), REDUCER).root('b' as Hash, 'w', {});

  it('with files out of reach are refused, all of them by name, at any depth', async () => {
    const result = await start([
      { a: new File('/proc/self/environ'), b: [new Dir('http://10.0.0.1/')] },
      new File('s3://stack/x'),
    ]);
    expect(result.ok || errorLine(result.error)).toBe(
      'BadArguments: /proc/self/environ cannot be reached from here: only s3:// and https:// can; http://10.0.0.1/ cannot be reached from here: only s3:// and https:// can',
    );
  });

  it('with none of them are what they were', async () => {
    const value = [new File('s3://data-1/x'), new File('https://data.example/x'), 'text /proc'];
    expect(await start(value)).toEqual({ ok: true, table: encode(value) });
  });
});

describe('a job in the cloud', () => {
  it('has local files below its own folder alone, and no link leads out of it', async () => {
    const root = await scratchFolder();
    const below = join(root, 'own');
    await mkdir(join(below, 'deep'), { recursive: true });
    await writeFile(join(below, 'deep/file'), 'own');
    await writeFile(join(root, 'secret'), 'secret');
    await symlink(join(root, 'secret'), join(below, 'link'));
    await symlink(root, join(below, 'up'));
    const reach: Reach = { below, buckets: undefined };
    const files = fileAccess(options(reach), HASTE);
    expect(await files.text(join(below, 'deep/file'))).toBe('own');
    await files.write(join(below, 'new/file'), 'x');
    await files.copy(join(below, 'new/file'), join(below, 'deep/../copy'), { gunzip: false });
    expect(await files.text(`${below}/./copy`)).toBe('x');
    const away = [
      'link',
      'up/secret',
      '../secret',
      'deep/../../secret',
      '..',
      '.',
      'up/',
      '../own2/x',
      'up/own/../secret',
    ];
    const outside = ['/proc/self/environ', '/etc/passwd', 'secret', 'own/deep/file', `${below}2/x`, below];
    for (const location of [...away.map((name) => `${below}/${name}`), ...outside]) {
      await expectRefused(location, reach);
    }
    expect(refusalOf('s3://anybody/x', reach)).toBeUndefined();
  });
});

describe('addresses', () => {
  it('inside are so in every spelling of IPv6, and those outside are not', () => {
    fc.assert(
      fc.property(insideV4, (bits) => {
        for (const host of spellings(bits)) {
          const url = URL.parse(`https://${host}/`);
          if (url) expect(isInside(url.hostname.replace(/^\[(.*)\]$/, '$1')), host).toBe(true);
        }
      }),
    );
    for (const bits of [0x08080808, 0x01010101, 0xac200001]) {
      for (const host of spellings(bits)) {
        expect(isInside(new URL(`https://${host}/`).hostname.replace(/^\[(.*)\]$/, '$1')), host).toBe(false);
      }
    }
  });
});
