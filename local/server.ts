/**
 * The one HTTP server of a local cloud: Batch, EventBridge and SQS on the SDK's wire, the HTTP API, and what attached
 * processes ask for.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { ValiError } from 'valibot';
import { messageOf } from '../core/values/thrown.ts';
import { ClientException } from './batch/requests.ts';
import type { HttpRequest } from './http-api.ts';
import { listenOnLoopback } from './loopback.ts';

export interface ServerAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: unknown;
}

export interface Routes {
  /** Operations of Batch by path. They throw ClientException. */
  readonly batch: Readonly<Record<string, (body: unknown) => unknown>>;
  /** Operations of other services by target. They throw ValiError. */
  readonly targets: Readonly<Record<string, (body: unknown) => unknown>>;
  /** A Lambda invocation; undefined for an unknown function. */
  readonly invoke: (name: string, payload: unknown) => Promise<ServerAnswer> | undefined;
  /** A request to the HTTP API. */
  readonly api: (request: HttpRequest) => Promise<ServerAnswer>;
  /** Other requests by path; undefined when the handler answers in its own time. */
  readonly cloud: Readonly<
    Record<string, (response: ServerResponse, body: unknown) => Promise<ServerAnswer | undefined> | ServerAnswer>
  >;
}

export interface Server {
  /** With the secret that lets nobody in who does not know it. */
  readonly url: string;
  /** From now on requests are answered; before, they are told to come again. */
  serve(routes: Routes): void;
  close(): Promise<void>;
}

/** As much as Lambda takes, and more than all the others. */
const BODY_BYTES_MAX = 6 * 1024 * 1024;
/** What the paths of the HTTP API begin with. */
const API = 'api';
const INVOCATION = /^\/2015-03-31\/functions\/([a-z]+)\/invocations$/;

/** Listens on loopback. */
export async function openServer(secret: string): Promise<Server> {
  let routes: Routes | undefined;
  const server = createServer((request, response) => {
    respond(request, response, secret, routes).catch(() => response.destroy());
  });
  // Clients keep connections for later; one that is closed just when it is taken up again is a request lost.
  server.keepAliveTimeout = 0;
  return {
    url: `${await listenOnLoopback(server)}/${secret}`,
    serve: (given) => {
      routes = given;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  secret: string,
  routes: Routes | undefined,
): Promise<void> {
  const answer = await answerTo(request, response, secret, routes);
  if (!answer) return;
  const body = JSON.stringify(answer.body ?? null);
  response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers }).end(body);
}

async function answerTo(
  request: IncomingMessage,
  response: ServerResponse,
  secret: string,
  routes: Routes | undefined,
): Promise<ServerAnswer | undefined> {
  const [, given, ...rest] = (request.url ?? '').split('?', 1)[0]?.split('/') ?? [];
  if (given !== secret) return failure(403, 'AccessDeniedException', 'this is a private server');
  if (!routes) return failure(503, 'ServiceUnavailableException', 'the local cloud is starting');
  if (rest[0] === API) return await routes.api(await apiRequest(request, rest.slice(1).join('/')));
  const path = `/${rest.join('/')}`;
  let body: unknown;
  try {
    body = JSON.parse((await readBody(request)) || '{}');
  } catch (error) {
    return failure(400, 'SerializationException', String(error));
  }
  const cloud = routes.cloud[path];
  if (cloud) return await cloud(response, body);
  const invocation = INVOCATION.exec(path)?.[1];
  if (invocation) return (await routes.invoke(invocation, body)) ?? unknownOperation(path);
  return answerService(path, request.headers['x-amz-target'], body, routes);
}

async function apiRequest(request: IncomingMessage, path: string): Promise<HttpRequest> {
  const { method = 'GET', url = '', headersDistinct } = request;
  const [, query = ''] = url.split('?', 2);
  const headers = Object.entries(headersDistinct).map(([name, values = []]) => [name, values.join(',')] as const);
  return { method, path, query, headers: Object.fromEntries(headers), body: await readBody(request) };
}

function answerService(path: string, target: unknown, body: unknown, routes: Routes): ServerAnswer {
  const operation = typeof target === 'string' ? routes.targets[target] : routes.batch[path];
  if (!operation) return unknownOperation(path);
  try {
    return { body: operation(body) };
  } catch (error) {
    if (error instanceof ClientException) return failure(400, error.name, error.message);
    if (error instanceof ValiError) return failure(400, 'ValidationException', error.message);
    return failure(500, 'ServerException', messageOf(error));
  }
}

function unknownOperation(path: string): ServerAnswer {
  return failure(404, 'UnknownOperationException', `the local cloud knows no ${path}`);
}

/** An error as both of the SDK's JSON protocols read it. */
function failure(status: number, type: string, message: string): ServerAnswer {
  return { status, headers: { 'x-amzn-errortype': type }, body: { __type: type, message } };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > BODY_BYTES_MAX) throw new Error(`a request may hold ${BODY_BYTES_MAX} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}
