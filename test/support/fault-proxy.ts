/** A proxy on 127.0.0.1 before a real server, which answers each request as it is told to: with trouble, or as the server does. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

export type Fault =
  /** The connection is taken, and nothing is ever said. */
  | 'silent'
  /** The headers come, and a part of the body, and then nothing. */
  | 'stall'
  /** The connection ends in the middle of the body. */
  | 'cut'
  /** The connection ends before there is an answer. */
  | 'reset'
  /** Two seconds late. */
  | 'late'
  | 400
  | 403
  | 429
  | 500
  | 503;

const LATE_MS = 2000;

export interface FaultProxy {
  readonly url: string;
  /** `METHOD path range`, or the operation where the path does not tell, of every request so far. */
  readonly seen: string[];
  /** What the next requests meet, one each; `null` is none. Those after them all meet the last one with `forever`. */
  meet(faults: readonly (Fault | null)[], forever?: Fault | null): void;
  close(): Promise<void>;
}

/** Without a target there is nothing behind it, and every request must meet a fault. */
export async function faultProxy(target?: string): Promise<FaultProxy> {
  let next: (Fault | null)[] = [];
  let rest: Fault | null = null;
  const seen: string[] = [];
  const server = createServer((incoming, response) => {
    const { range, 'x-amz-target': operation } = incoming.headers;
    seen.push([incoming.method, incoming.url, range, operation].filter(Boolean).join(' '));
    const fault = next.length > 0 ? (next.shift() as Fault | null) : rest;
    answer(fault, target, incoming, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    meet(faults, forever = null) {
      next = [...faults];
      rest = forever;
      seen.length = 0;
    },
    close: () => close(server),
  };
}

export async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

function answer(fault: Fault | null, target: string | undefined, incoming: IncomingMessage, response: ServerResponse) {
  if (fault === 'silent') return;
  if (fault === 'reset') return void incoming.socket.destroy();
  if (typeof fault === 'number') return void response.writeHead(fault, { 'content-length': 0 }).end();
  if (target === undefined) throw new Error('there is no server behind this proxy');
  forward(fault, target, incoming, response).catch(() => incoming.socket.destroy());
}

async function forward(
  fault: 'stall' | 'cut' | 'late' | null,
  target: string,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // What is late arrives though its sender has gone.
  const body = await buffer(incoming);
  if (fault === 'late') await sleep(LATE_MS);
  const { method, headers, url } = incoming;
  const outgoing = request(new URL(url ?? '/', target), { method, headers, agent: false }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    if (fault === null || fault === 'late' || method === 'HEAD') return void answered.pipe(response);
    answered.once('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, Math.ceil(chunk.byteLength / 2));
      response.write(part, () => fault === 'cut' && incoming.socket.destroy());
      answered.destroy();
    });
    // Without a body there is nothing to break off in.
    if (fault === 'cut' && answered.headers['content-length'] === '0') incoming.socket.destroy();
  });
  outgoing.on('error', () => incoming.socket.destroy());
  outgoing.end(body);
}
