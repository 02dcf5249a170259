/**
 * Lets one handler be invoked directly and through API Gateway's HTTP API (payload version 2.0) alike: it sees the
 * same record, from the event itself or from path and query, or path, body and headers; only HTTP callers see the status
 * code.
 */

import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import * as v from 'valibot';
import { isRecord } from '../core/values/guards.ts';
import type { Middleware } from './invocation.ts';
import { described } from './log-file.ts';
import { routeOf } from './routes.ts';

/** The body is plain JSON. */
const PlainAnswer = v.object({ statusCode: v.number(), body: v.unknown() });

type PlainAnswer = v.InferOutput<typeof PlainAnswer>;

/** A schema that tells what a request may hold. */
export type Declared = v.GenericSchema & { readonly entries: v.ObjectEntries };

/** A request is in the journal of its run: what is larger is data, and belongs into a file. */
export const REQUEST_BYTES_MAX = 1024 * 1024;

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
const HttpEvent = v.object({
  version: v.literal('2.0'),
  routeKey: v.string(),
  /** Their names are in lower case. */
  headers: v.nullish(v.record(v.string(), v.string()), {}),
  body: v.nullish(v.string()),
  isBase64Encoded: v.nullish(v.boolean(), false),
  queryStringParameters: v.nullish(v.record(v.string(), v.string()), {}),
  pathParameters: v.nullish(v.record(v.string(), v.string()), {}),
});

type HttpEvent = v.InferOutput<typeof HttpEvent>;

export function httpOrDirect({ entries }: Declared): Middleware {
  const viaHttp = new WeakSet<object>();
  return {
    before: (request) => {
      const parsed = v.safeParse(HttpEvent, request.event);
      if (!parsed.success) return undefined;
      viaHttp.add(request);
      const asked = askedOf(parsed.output, entries);
      if ('problem' in asked) return respond({ statusCode: asked.statusCode, body: { errors: [asked.problem] } });
      request.event = asked.record;
      return undefined;
    },
    after: (request) => {
      const answer = v.parse(PlainAnswer, request.response);
      request.response = viaHttp.has(request) ? respond(answer) : answer.body;
    },
    onError: (request) => {
      request.context.log.error('the request failed', { error: described(request.error) });
      if (!viaHttp.has(request)) return;
      request.response = respond({ statusCode: 500, body: { errors: ['an error on our side: see the log'] } });
    },
  };
}

function respond({ statusCode, body }: PlainAnswer): APIGatewayProxyStructuredResultV2 {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

type BadRequest = { readonly statusCode: 400 | 413; readonly problem: string };
type RequestRecord = { readonly record: Readonly<Record<string, unknown>> };

/** Of the path, and beside it of the query, or of the body and of the headers that the route has: nothing says a thing twice. */
function askedOf(event: HttpEvent, entries: v.ObjectEntries): RequestRecord | BadRequest {
  const route = routeOf(event.routeKey);
  const read = route?.method === 'GET' ? { record: fromTexts(event.queryStringParameters, entries) } : bodyOf(event);
  if ('problem' in read) return read;
  const elsewhere = [...(route?.headers ?? []), ...Object.keys(event.pathParameters)];
  const twice = elsewhere.find((name) => Object.hasOwn(read.record, name));
  if (twice !== undefined) return { statusCode: 400, problem: `${twice}: has its place elsewhere in the request` };
  const headers = (route?.headers ?? []).flatMap((name) =>
    event.headers[name] === undefined ? [] : [[name, event.headers[name]]],
  );
  return { record: { ...read.record, ...Object.fromEntries(headers), ...event.pathParameters } };
}

function bodyOf({ body, isBase64Encoded }: HttpEvent): RequestRecord | BadRequest {
  const bytes = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > REQUEST_BYTES_MAX) {
    return { statusCode: 413, problem: `the body has more than ${REQUEST_BYTES_MAX} bytes: put data into a file` };
  }
  const record = bytes.length === 0 ? {} : jsonObjectIn(bytes);
  return record ? { record } : { statusCode: 400, problem: 'the body is no JSON object' };
}

/** In a query all values are texts: those are numbers that are written as one where a number is expected. */
function fromTexts(query: Readonly<Record<string, string>>, entries: v.ObjectEntries): Record<string, unknown> {
  const read = ([name, text]: [string, string]): [string, unknown] => {
    const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
    return [name, entry && takesNumbers(entry) && /^-?\d{1,15}$/.test(text) ? Number(text) : text];
  };
  return Object.fromEntries(Object.entries(query).map(read));
}

/** Of a schema of valibot. */
function takesNumbers(schema: unknown): boolean {
  const { type, wrapped, options } = isRecord(schema) ? schema : {};
  if (wrapped !== undefined) return takesNumbers(wrapped);
  return type === 'number' || (type === 'union' && Array.isArray(options) && options.some(takesNumbers));
}

function jsonObjectIn(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
