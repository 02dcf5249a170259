import { createServer, request as requestHttp, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { webProxies } from '../../core/environment.ts';
import { fileAccess } from '../../core/files/access.ts';
import { observeFiles } from '../../core/files/observe.ts';
import type { RetryPolicy } from '../../core/files/tries.ts';
import { CERTIFICATE } from '../support/certificate.ts';
import { close } from '../support/fault-proxy.ts';

const RETRY_POLICY: RetryPolicy = { tries: 2, delayMs: 1, idleMs: 1000 };

let origin: Server;
let secure: Server;
let proxy: Server;
/** Of the proxy, that are open. */
const sockets = new Set<Socket>();
/** What the proxy was asked for. */
const seen: string[] = [];

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const proxyUrl = (): string => `http://127.0.0.1:${portOf(proxy)}`;
const text = (location: string, variables: Record<string, string>, web = {}): Promise<string> =>
  fileAccess({ proxies: webProxies(variables), web }, RETRY_POLICY).text(location);

beforeAll(async () => {
  setDefaultCACertificates([...getCACertificates(), CERTIFICATE.cert]);
  const pages: Record<string, string> = {
    '/inside': 'http://169.254.169.254/x',
    '/by-name': 'http://other.example/file',
  };
  origin = createServer((request, response) => {
    const location =
      pages[request.url ?? ''] ?? (request.url === '/local' ? `http://localhost:${portOf(origin)}/x` : '');
    if (location) response.writeHead(302, { location }).end();
    else response.writeHead(200, { etag: '"v"' }).end(`${request.headers.host} ${request.url}`);
  });
  secure = createHttps(CERTIFICATE, (request, response) => {
    response.end(`secure ${request.url}`);
  });
  // It knows no names but those of the example, which all mean the servers here.
  proxy = createServer((incoming, response) => {
    const { method, url = '', headers } = incoming;
    seen.push([method, url, headers['proxy-authorization']].filter(Boolean).join(' '));
    const { pathname } = new URL(url);
    const host = new URL(url).host;
    const outgoing = requestHttp({ port: portOf(origin), path: pathname, method, headers: { ...headers, host } });
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.end();
  });
  proxy.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  proxy.on('connect', ({ url, headers }, socket) => {
    seen.push(['CONNECT', url, headers['proxy-authorization']].filter(Boolean).join(' '));
    if (url?.startsWith('forbidden')) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const tunnel = connect(portOf(secure), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      tunnel.pipe(socket).pipe(tunnel);
    });
    for (const end of [socket, tunnel]) end.on('error', () => undefined);
  });
  for (const server of [origin, secure, proxy]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
});

beforeEach(() => {
  seen.length = 0;
});

afterAll(async () => {
  // What became a tunnel the server does not count among its connections.
  for (const socket of sockets) socket.destroy();
  await Promise.all([origin, secure, proxy].map(close));
});

describe('files on the web are had through the proxy of the environment', () => {
  it.each(['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'])(
    'as %s says, in looks and downloads, also where it has no scheme',
    async (name) => {
      const variables = { [name]: proxyUrl().replace('http://', '') };
      expect(await text('http://data.example/file', variables)).toBe('data.example /file');
      const observed = await observeFiles({ proxies: webProxies(variables) }, RETRY_POLICY).observe([
        { kind: 'file', location: 'http://data.example/file' },
      ]);
      expect(observed).toEqual([expect.any(String)]);
      expect(seen.slice(0, 2)).toEqual(['GET http://data.example/file', 'HEAD http://data.example/file']);
    },
  );

  it.each(['HTTPS_PROXY', 'https_proxy'])('through a tunnel where they are on https, as %s says', async (name) => {
    expect(await text('https://data.example/file', { [name]: proxyUrl() })).toBe('secure /file');
    expect(seen).toEqual(['CONNECT data.example:443']);
  });

  it('of ALL_PROXY only where it speaks HTTP', async () => {
    const location = `http://127.0.0.1:${portOf(origin)}/file`;
    expect(await text(location, { ALL_PROXY: 'socks5://127.0.0.1:1' })).toMatch(/ \/file$/);
  });

  it('but for the hosts of NO_PROXY', async () => {
    const location = `http://127.0.0.1:${portOf(origin)}/file`;
    for (const name of ['NO_PROXY', 'no_proxy']) {
      expect(await text(location, { HTTP_PROXY: proxyUrl(), [name]: 'other.example,127.0.0.1' })).toMatch(/ \/file$/);
    }
    expect(seen).toEqual([]);
  });

  it('with its user and password, which no error tells', async () => {
    const withUser = proxyUrl().replace('//', '//user:secret@');
    await text('http://data.example/file', { HTTP_PROXY: withUser });
    expect(seen).toEqual([`GET http://data.example/file Basic ${Buffer.from('user:secret').toString('base64')}`]);
    const told: unknown = await text('https://forbidden.example/file', { HTTPS_PROXY: withUser }).catch(
      (error) => error,
    );
    expect(told).toMatchObject({ name: 'NetworkError', message: expect.stringMatching(/forbidden.example.* 407 /) });
    expect((told as Error).message).not.toContain('secret');
    const unusable = text('http://data.example/file', { HTTP_PROXY: 'socks5://user:secret@127.0.0.1:1' });
    await expect(unusable).rejects.toMatchObject({
      name: 'FileRefused',
      message: expect.stringMatching(/data.example.*HTTP_PROXY is no http:\/\/ or https:\/\/ URL$/),
    });
  });

  it('which looks names up itself; addresses of private networks are refused all the same', async () => {
    const variables = { HTTP_PROXY: proxyUrl() };
    expect(await text('http://data.example/by-name', variables)).toBe('other.example /file');
    await expect(text('http://data.example/inside', variables)).rejects.toThrow(/leads to 169.254.169.254/);
    expect(seen).not.toContainEqual(expect.stringContaining('169.254'));
  });
});

describe('redirects into a private network', () => {
  const local = (web = {}) => text(`http://127.0.0.1:${portOf(origin)}/local`, {}, web);

  it.each([['localhost'], ['127.0.0.0/8', '::1'], ['127.0.0.1', '::/0']])(
    'are followed to %s where that is allowed',
    async (...places) => {
      expect(await local({ privateRedirects: places })).toMatch(/^localhost:\d+ \/x$/);
    },
  );

  it('are followed nowhere else, and the refusal says what would allow them', async () => {
    for (const privateRedirects of [[], ['10.0.0.0/8'], ['other.example']]) {
      await expect(local({ privateRedirects })).rejects.toThrow(
        /local leads to localhost \(.*web\.privateRedirects in redex\.config\.ts/,
      );
    }
  });

  it('are allowed to a look by the program whose look it is', async () => {
    const leaf = { kind: 'file', location: `http://127.0.0.1:${portOf(origin)}/local` } as const;
    const files = observeFiles({}, RETRY_POLICY);
    expect(await files.observe([leaf], { privateRedirects: ['localhost'] })).toEqual([expect.any(String)]);
    expect(await files.observe([leaf])).toEqual([{ unseen: expect.anything() }]);
  });
});
