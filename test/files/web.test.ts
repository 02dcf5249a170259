import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileAccess } from '../../core/files/access.ts';
import { observeFiles } from '../../core/files/observe.ts';
import { webStore } from '../../core/files/web.ts';
import type { FileAccess } from '../../core/values/classes.ts';
import { ABSENT } from '../../core/values/table.ts';

const TAGGED = Buffer.from('tagged');
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
  '/forbidden': (_, response) => void response.writeHead(403).end(),
  '/broken': (_, response) => void response.writeHead(503).end(),
};

let server: Server;
let base: string;
let root: string;
let files: FileAccess;

beforeAll(async () => {
  server = createServer((request, response) => {
    const page = pages[request.url ?? ''];
    if (page) page(request, response);
    else response.writeHead(404).end('no such page');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  root = await mkdtemp(join(tmpdir(), 'redex-web-'));
  files = fileAccess({ root });
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
    await expect(files.text(`${base}/broken`)).rejects.toThrow(/cannot be read now: the server answered 503/);
    await expect(files.text('http://127.0.0.1:1/x')).rejects.toThrow(/cannot be reached/);
    await expect(files.text('https://[')).rejects.toThrow(/is not a URL/);
  });

  it('counts as absent where it never can be read, and as unknown where it may be later', async () => {
    const look = (path: string) => observeFiles({ root }).observe([{ kind: 'file', location: base + path }]);
    expect(await look('/nothing')).toEqual([ABSENT]);
    expect(await look('/forbidden')).toEqual([ABSENT]);
    await expect(look('/broken')).rejects.toThrow(/503/);
  });

  it('cannot be written or listed', async () => {
    await expect(files.write(`${base}/x`, 'x')).rejects.toThrow(/read-only/);
    await expect(files.list(`${base}/x/`)).rejects.toThrow(/no directories/);
  });
});
