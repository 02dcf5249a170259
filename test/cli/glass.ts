/** A proxy before moto, through which AWS looks as a test wants it to: late, closed, silent, or by another clock. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { close } from '../support/fault-proxy.ts';

export interface Glass {
  readonly url: string;
  /** AWS's clock less this one. */
  skewMs: number;
  /** Services that refuse everything, and those that say nothing, as signatures name them: `dynamodb`, `ecr`. */
  denied: readonly string[];
  silent: readonly string[];
  /** Whether buckets say that they tell EventBridge of objects: moto keeps that, and does not say it. */
  tells: boolean;
  close(): Promise<void>;
}

const NOTIFICATIONS = (inside: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</NotificationConfiguration>`;

export async function openGlass(target: string): Promise<Glass> {
  const server = createServer((incoming, response) => void answer(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const glass: Glass = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    skewMs: 0,
    denied: [],
    silent: [],
    tells: true,
    close: () => close(server),
  };

  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const service = serviceOf(incoming);
    const date = new Date(Date.now() + glass.skewMs).toUTCString();
    response.sendDate = false;
    response.setHeader('date', date);
    if (glass.silent.includes(service)) return;
    if (glass.denied.includes(service)) return deny(service, response);
    if (service === 's3' && incoming.method === 'GET' && /\?(.*&)?notification/.test(incoming.url ?? '')) {
      return void response.end(NOTIFICATIONS(glass.tells ? '<EventBridgeConfiguration/>' : ''));
    }
    await forward(target, incoming, response, date);
  };
  return glass;
}

/** `Credential=KEY/DATE/REGION/SERVICE/aws4_request` */
function serviceOf({ headers }: IncomingMessage): string {
  return /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? '';
}

const XML = ['s3', 'iam', 'sts', 'cloudformation'];

/** As services that speak JSON refuse, and those that speak XML. */
function deny(service: string, response: ServerResponse): void {
  const isJson = !XML.includes(service);
  const code = isJson ? 'AccessDeniedException' : 'AccessDenied';
  const message = 'User: arn:aws:iam::123456789012:user/somebody is not authorized';
  const inside = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  response.statusCode = isJson ? 400 : 403;
  response.setHeader('x-amzn-errortype', code);
  if (isJson) response.end(JSON.stringify({ __type: code, message }));
  else response.end(service === 's3' ? inside : `<ErrorResponse>${inside}</ErrorResponse>`);
}

async function forward(target: string, incoming: IncomingMessage, response: ServerResponse, date: string) {
  const body = await buffer(incoming);
  const { method, headers, url } = incoming;
  const outgoing = request(new URL(url ?? '/', target), { method, headers, agent: false }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, { ...answered.headers, date });
    answered.pipe(response);
  });
  outgoing.on('error', () => incoming.socket.destroy());
  outgoing.end(body);
}
