/**
 * What API Gateway's HTTP API does with a request: its route, its signature where the route asks for one, and the event
 * (payload 2.0) that the route's function is called with. Routes and authorizers are those of the packaged template.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { ofType, type Template } from '../stack/template.ts';
import { close } from '../support/fault-proxy.ts';
import { type Account, isSigned } from './signature.ts';

export interface Gateway {
  readonly url: string;
  /** Functions that were called, by name, and how often. */
  readonly calls: ReadonlyMap<string, number>;
  /** Requests that had a signature of the account's key, and not the right one. */
  readonly misSigned: readonly string[];
  stop(): Promise<void>;
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly function: string;
  readonly needsSignature: boolean;
}

interface Answer {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const BODY_BYTES_MAX = 10 * 1024 * 1024;
/** Other bodies come in base64. */
const TEXT = /^(text\/|application\/(json|javascript|xml|x-www-form-urlencoded))/;

export async function openGateway(
  template: Template,
  account: Account,
  invoke: (name: string, event: unknown) => Promise<unknown>,
): Promise<Gateway> {
  const routes = routesOf(template);
  const calls = new Map<string, number>();
  const misSigned: string[] = [];

  const answerTo = async (request: IncomingMessage): Promise<Answer> => {
    const { method = '', url = '' } = request;
    const [path = '', query = ''] = url.split('?', 2);
    const segments = decodedSegments(path);
    if (!segments) return said(400, 'Bad Request');
    const found = routes.flatMap((route) => matched(route, method, segments) ?? [])[0];
    if (!found) return said(404, 'Not Found');
    const body = await buffer(request);
    if (body.length > BODY_BYTES_MAX) return said(413, 'Request Entity Too Large');
    const headers = headersOf(request);
    const { route, parameters } = found;
    if (route.needsSignature && !isSigned({ method, url, headers, body }, account)) {
      if (headers.authorization?.includes(`Credential=${account.accessKeyId}/`)) misSigned.push(`${method} ${url}`);
      return said(403, 'Forbidden');
    }
    calls.set(route.function, (calls.get(route.function) ?? 0) + 1);
    const isBase64Encoded = body.length > 0 && !TEXT.test(headers['content-type'] ?? '');
    const given = Object.entries(queryOf(query));
    const event = {
      version: '2.0',
      routeKey: `${route.method} ${route.path}`,
      rawPath: `/${segments.join('/')}`,
      rawQueryString: query,
      headers,
      ...(given.length > 0 && { queryStringParameters: Object.fromEntries(given) }),
      ...(Object.keys(parameters).length > 0 && { pathParameters: parameters }),
      requestContext: { http: { method, path } },
      ...(body.length > 0 && { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') }),
      isBase64Encoded,
    };
    return (await invoke(route.function, event)) as Answer;
  };

  const server = createServer((request, response) => {
    answerTo(request)
      .catch(() => said(500, 'Internal Server Error'))
      .then(
        ({ statusCode, headers, body = '' }) => response.writeHead(statusCode, headers).end(body),
        response.destroy,
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    misSigned,
    stop: () => close(server),
  };
}

function routesOf(template: Template): Route[] {
  return ofType(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => {
    const [method = '', path = ''] = (Properties.RouteKey as string).split(' ');
    const integration = template.Resources[Properties.Target['Fn::Join'][1][1].Ref]?.Properties;
    const handler = template.Resources[integration.IntegrationUri['Fn::GetAtt'][0]]?.Properties.Handler as string;
    const name = /^dist\/functions\/(\w+)\/index\.handler$/.exec(handler)?.[1] ?? '';
    return { method, path, function: name, needsSignature: Properties.AuthorizationType === 'AWS_IAM' };
  });
}

/** An empty segment is none that a parameter takes. */
function matched(route: Route, method: string, segments: readonly string[]) {
  const parts = route.path.split('/').slice(1);
  if (route.method !== method || parts.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [at, part] of parts.entries()) {
    const segment = segments[at] ?? '';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined ? part !== segment : segment === '') return undefined;
    if (name !== undefined) parameters[name] = segment;
  }
  return { route, parameters };
}

function decodedSegments(path: string): string[] | undefined {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** Of a name that comes more than once, all values, separated by commas. */
function queryOf(query: string): Record<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    values.set(name, values.has(name) ? `${values.get(name)},${value}` : value);
  }
  return Object.fromEntries(values);
}

function headersOf({ headersDistinct }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headersDistinct).map(([name, values = []]) => [name, values.join(',')]));
}

function said(statusCode: number, message: string): Answer {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) };
}
