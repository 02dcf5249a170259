/**
 * What stands before moto for one caller: it notes every request as IAM would see it, and puts in what moto does not know
 * of jobs, which run here and not there.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { close } from '../support/fault-proxy.ts';

/** One permission that a request needs. */
export interface Need {
  /** Who asked: a function, or `job`. */
  readonly who: string;
  readonly action: string;
  /** An ARN. */
  readonly resource: string;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A request of a function or a job that was answered. */
export interface Answered {
  readonly who: string;
  /** As IAM names it. */
  readonly action: string;
  readonly asked: Asked;
  readonly body: Buffer;
}

/** Sees what was asked and answered; gives another answer, or undefined. */
export type Onlooker = (asked: Asked, answer: Buffer) => Buffer | undefined;

export interface Gate {
  readonly url: string;
  close(): Promise<void>;
}

/** What may happen to a request on its way, or to its answer on the way back. `silent`: nothing is ever said. */
export type Trouble = 'silent' | 'reset' | 'lost answer' | 'late' | 503 | 429 | 403;

/** Of which the trouble is, as IAM names it. */
export type Request = Pick<Need, 'who' | 'action'>;

const LATE_MS = 1_500;

export interface GateOptions {
  readonly who: string;
  readonly moto: string;
  readonly needs: (need: Need) => void;
  readonly onlooker: Onlooker;
  readonly answered: (request: Answered) => void;
  readonly trouble: (request: Request) => Trouble | undefined;
}

export async function openGate({ who, moto, needs, onlooker, answered, trouble }: GateOptions): Promise<Gate> {
  const pass = async (from: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(from.url ?? '/', 'http://gate');
    const asked: Asked = {
      method: from.method ?? 'GET',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: from.headers,
      body: await buffer(from),
    };
    const needed = needsOf(asked);
    for (const { action, resource } of needed) needs({ who, action, resource });
    const action = needed[0]?.action ?? 'unknown';
    const met = trouble({ who, action });
    if (met === 'silent') return;
    if (met === 'reset') return void response.destroy();
    if (typeof met === 'number') return refuse(asked, response, met);
    if (met === 'late') await sleep(LATE_MS);
    const answer = await forwarded(moto, from, asked.body);
    const body = onlooker(asked, answer.body) ?? answer.body;
    answered({ who, action, asked, body });
    if (met === 'lost answer') return void response.destroy();
    const { 'transfer-encoding': _, ...headers } = answer.headers;
    const isHead = asked.method === 'HEAD';
    response.writeHead(answer.status, { ...headers, ...(!isHead && { 'content-length': body.length }) });
    response.end(isHead ? undefined : body);
  };
  const server: Server = createServer((from, response) => {
    pass(from, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => close(server) };
}

const DENIED = { __type: 'AccessDeniedException', message: 'The security token included in the request is expired' };

/** In the words of the service, where a client goes by them. */
function refuse({ method, headers }: Asked, response: ServerResponse, status: number): void {
  const isXml = headers['x-amz-target'] === undefined && !String(headers['content-type']).includes('json');
  const xml = `<Error><Code>AccessDenied</Code><Message>${DENIED.message}</Message></Error>`;
  const body = status !== 403 || method === 'HEAD' ? '' : isXml ? xml : JSON.stringify(DENIED);
  const type = status === 403 && !isXml && { 'x-amzn-errortype': DENIED.__type };
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...type }).end(body);
}

interface Forwarded {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

function forwarded(moto: string, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Forwarded> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${moto}${url}`, { method, headers }, (answer) => {
      buffer(answer).then(
        (bytes) => resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: bytes }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const REGION = 'us-east-1';
const ACCOUNT = '123456789012';
const arn = (service: string, rest: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;

type NeedOf = Omit<Need, 'who'>;

/** https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html */
function needsOf(asked: Asked): NeedOf[] {
  const [, service] = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(asked.headers.authorization ?? '') ?? [];
  const [, operation = ''] = String(asked.headers['x-amz-target'] ?? '').split('.');
  switch (service) {
    case 'dynamodb':
      return tablesOf(json(asked)).map((resource) => ({
        action: `dynamodb:${operation}`,
        resource: arn('dynamodb', resource),
      }));
    case 'sqs': {
      const queue = String(json(asked).QueueUrl).split('/').at(-1) ?? '';
      return [{ action: `sqs:${operation.replace(/Batch$/, '')}`, resource: arn('sqs', queue) }];
    }
    case 'events':
      return [{ action: `events:${operation}`, resource: arn('events', 'event-bus/default') }];
    case 'logs': {
      const { logGroupName: group, logStreamName: stream } = json(asked);
      const resource = arn('logs', `log-group:${String(group)}:log-stream:${String(stream)}`);
      return [{ action: `logs:${operation}`, resource }];
    }
    case 'batch':
      return batchNeeds(asked);
    case 's3':
      return s3Needs(asked);
    default:
      return [{ action: `${service}:${operation}`, resource: '*' }];
  }
}

function json({ body }: Asked): Record<string, unknown> {
  return JSON.parse(body.toString() || '{}') as Record<string, unknown>;
}

function tablesOf({ TableName, IndexName, RequestItems }: Record<string, unknown>): string[] {
  if (RequestItems) return Object.keys(RequestItems).map((name) => `table/${name}`);
  return [`table/${String(TableName)}${IndexName === undefined ? '' : `/index/${String(IndexName)}`}`];
}

const nameOf = (arnOrName: unknown): string => String(arnOrName).split('/').at(-1) ?? '';

function batchNeeds(asked: Asked): NeedOf[] {
  const body = json(asked);
  const definition = (name: unknown): string => arn('batch', `job-definition/${nameOf(name)}`);
  const tags: NeedOf[] = body.tags ? [{ action: 'batch:TagResource', resource: definition(body.jobDefinition) }] : [];
  switch (asked.path) {
    case '/v1/submitjob':
      return [
        { action: 'batch:SubmitJob', resource: arn('batch', `job-queue/${nameOf(body.jobQueue)}`) },
        { action: 'batch:SubmitJob', resource: definition(body.jobDefinition) },
        ...tags,
      ];
    case '/v1/registerjobdefinition':
      return [
        { action: 'batch:RegisterJobDefinition', resource: definition(body.jobDefinitionName) },
        ...rolesOf(body.containerProperties).map((role) => ({ action: 'iam:PassRole', resource: role })),
      ];
    case '/v1/terminatejob':
      return [{ action: 'batch:TerminateJob', resource: arn('batch', `job/${String(body.jobId)}`) }];
    case '/v1/describejobs':
      return [{ action: 'batch:DescribeJobs', resource: '*' }];
    case '/v1/listjobs':
      return [{ action: 'batch:ListJobs', resource: '*' }];
    case '/v1/describejobdefinitions':
      return [{ action: 'batch:DescribeJobDefinitions', resource: '*' }];
    default:
      return [{ action: `batch:${asked.path}`, resource: '*' }];
  }
}

function rolesOf(properties: unknown): string[] {
  const { jobRoleArn, executionRoleArn } = (properties ?? {}) as Record<string, unknown>;
  return [jobRoleArn, executionRoleArn].filter((role) => typeof role === 'string');
}

function s3Needs({ method, path, query, headers }: Asked): NeedOf[] {
  const [, bucket = '', ...rest] = path.split('/');
  const key = rest.join('/');
  if (key === '') return [{ action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}` }];
  const object = `arn:aws:s3:::${bucket}/${key}`;
  if (method === 'GET' || method === 'HEAD') {
    return [{ action: query.has('versionId') ? 's3:GetObjectVersion' : 's3:GetObject', resource: object }];
  }
  if (method === 'DELETE') {
    return [{ action: query.has('uploadId') ? 's3:AbortMultipartUpload' : 's3:DeleteObject', resource: object }];
  }
  const source = headers['x-amz-copy-source'];
  const copied = typeof source === 'string' ? decodeURIComponent(source).replace(/^\//, '').split('?')[0] : undefined;
  return [
    { action: 's3:PutObject', resource: object },
    ...(copied === undefined ? [] : [{ action: 's3:GetObject', resource: `arn:aws:s3:::${copied}` }]),
  ];
}
