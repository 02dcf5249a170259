/**
 * The HTTP API of a local cloud: what API Gateway does with a request, by the same table of routes. Nobody checks a
 * signature: who knows the server's secret is let in.
 */
import * as v from 'valibot';
import { ROUTES, type Route } from '../functions/routes.ts';
import type { ServerAnswer } from './server.ts';

export interface HttpRequest {
  readonly method: string;
  /** Escaped, as it came, and without its first slash. */
  readonly path: string;
  readonly query: string;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a function answers over HTTP. */
const HttpResponse = v.object({ statusCode: v.number(), body: v.string() });

/** Calls the function of the route with an event of payload version 2.0. */
export async function answerOverHttp(
  request: HttpRequest,
  invoke: (name: (typeof ROUTES)[number]['function'], event: unknown) => Promise<unknown>,
): Promise<ServerAnswer> {
  const segments = unescaped(request.path);
  if (!segments) return { status: 400, body: { message: 'Bad Request' } };
  for (const route of ROUTES) {
    const pathParameters = parametersIn(route, request.method, segments);
    if (!pathParameters) continue;
    const answered = await invoke(route.function, eventOf(route, request, pathParameters));
    const { statusCode, body } = v.parse(HttpResponse, answered);
    return { status: statusCode, body: JSON.parse(body) };
  }
  return { status: 404, body: { message: 'Not Found' } };
}

function eventOf(
  { method, path }: Route,
  { query, headers, body }: HttpRequest,
  pathParameters: Readonly<Record<string, string>>,
): object {
  return {
    version: '2.0',
    routeKey: `${method} ${path}`,
    headers,
    queryStringParameters: Object.fromEntries(new URLSearchParams(query)),
    pathParameters,
    requestContext: { http: { method, path } },
    ...(body !== '' && { body }),
    isBase64Encoded: false,
  };
}

/** undefined where it is another route's. An empty segment is none that a parameter takes. */
function parametersIn(route: Route, method: string, segments: readonly string[]) {
  const parts = route.path.split('/').slice(1);
  if (route.method !== method || parts.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [at, part] of parts.entries()) {
    const segment = segments[at] ?? '';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined ? part !== segment : segment === '') return undefined;
    if (name !== undefined) parameters[name] = segment;
  }
  return parameters;
}

function unescaped(path: string): string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
