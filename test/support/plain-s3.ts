/** As much of S3 as the object store and small files ask for, in memory, on 127.0.0.1. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { close } from './fault-proxy.ts';

export interface PlainS3 {
  readonly url: string;
  /** By `/bucket/key`. */
  readonly stored: ReadonlyMap<string, Uint8Array>;
  /** Keys in the order in which they were written. */
  readonly writes: readonly string[];
  stop(): Promise<void>;
}

export async function startPlainS3(): Promise<PlainS3> {
  const stored = new Map<string, Uint8Array>();
  const writes: string[] = [];
  const server = createServer((request, response) => {
    answer(stored, writes, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, stored, writes, stop: () => close(server) };
}

async function answer(
  stored: Map<string, Uint8Array>,
  writes: string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const key = (request.url ?? '').split('?', 1)[0] ?? '';
  if (request.method === 'PUT') {
    const bytes = await buffer(request);
    stored.set(key, bytes);
    writes.push(key);
    return void response.writeHead(200, { etag: etagOf(bytes), 'content-length': 0 }).end();
  }
  const bytes = stored.get(key);
  if (!bytes) return void response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
  const [, from = '0', to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const part = bytes.subarray(Number(from), to ? Number(to) + 1 : undefined);
  const headers = { etag: etagOf(bytes), 'content-length': part.byteLength };
  response.writeHead(request.headers.range ? 206 : 200, headers).end(request.method === 'HEAD' ? undefined : part);
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}
