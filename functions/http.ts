/**
 * Lets one handler be invoked directly and through API Gateway's HTTP API (payload version 2.0) alike: it sees the
 * same record, from the event itself or from body and path; only HTTP callers see the status code.
 */
import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import * as v from 'valibot';
import { log } from './log.ts';
import { described } from './log-file.ts';

export interface Answer {
  readonly statusCode: number;
  /** Plain JSON. */
  readonly body: unknown;
}

const HttpEvent = v.object({
  version: v.literal('2.0'),
  requestContext: v.object({ http: v.object({ method: v.string() }) }),
  body: v.nullish(v.string()),
  isBase64Encoded: v.nullish(v.boolean(), false),
  queryStringParameters: v.nullish(v.record(v.string(), v.string()), {}),
  pathParameters: v.nullish(v.record(v.string(), v.string()), {}),
});

type HttpEvent = v.InferOutput<typeof HttpEvent>;

export function httpOrDirect(): MiddlewareObj<unknown, unknown> {
  const viaHttp = new WeakSet<object>();
  return {
    before: (request) => {
      const parsed = v.safeParse(HttpEvent, request.event);
      if (!parsed.success) return undefined;
      viaHttp.add(request);
      const body = bodyOf(parsed.output);
      if (!body) return respond({ statusCode: 400, body: { errors: ['the body is no JSON object'] } });
      const { queryStringParameters, pathParameters } = parsed.output;
      request.event = { ...body, ...queryStringParameters, ...pathParameters };
      return undefined;
    },
    after: (request) => {
      const answer = request.response as Answer;
      request.response = viaHttp.has(request) ? respond(answer) : answer.body;
    },
    onError: (request) => {
      log.error('the request failed', { error: described(request.error) });
      if (!viaHttp.has(request)) return;
      request.response = respond({ statusCode: 500, body: { errors: ['an error on our side: see the log'] } });
    },
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function respond({ statusCode, body }: Answer): APIGatewayProxyStructuredResultV2 {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** The JSON object of the body, `{}` without one; undefined when it is anything else. */
function bodyOf({ body, isBase64Encoded }: HttpEvent): Record<string, unknown> | undefined {
  if (!body) return {};
  try {
    const parsed: unknown = JSON.parse(isBase64Encoded ? Buffer.from(body, 'base64').toString() : body);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
