/** The functions of a stack on AWS, by its HTTP API: each request is signed with the user's own credentials. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Sign, type SignableRequest, signer } from '../core/aws/signature.ts';
import { messageOf } from '../core/values/thrown.ts';
import { ROUTES, type Route } from '../functions/routes.ts';
import { type CallName, type Client, errorsIn, type RequestOf, RequestRefused, replyOf } from './client.ts';
import { findStack, type Stack } from './stack.ts';

/** API Gateway, for signatures. */
const SERVICE = 'execute-api';
/** It answers within 30 s. */
const ANSWER_MS_MAX = 35_000;
const TRIES_MAX = 5;
const PAUSE_MS_FIRST = 250;
/** Nothing was done, or it is not known: worth another try where that does no harm. */
const PASSING: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
/** Asked twice they do what they do once: a start names its run. */
const REPEATABLE: ReadonlySet<CallName> = new Set(['start', 'plan', 'cancel']);

/** The stack did not answer, or will not answer this user: the message says what to do. */
export class StackFailed extends Error {
  override readonly name = 'StackFailed';
}

export async function openStack(name: string): Promise<{ readonly stack: Stack; readonly client: Client }> {
  const stack = await findStack(name);
  return { stack, client: stackClient(stack, signer(SERVICE, stack.region)) };
}

export function stackClient({ name: stack, apiUrl }: Pick<Stack, 'name' | 'apiUrl'>, sign: Sign): Client {
  const send = async (request: SignableRequest): Promise<Response> => {
    const { protocol, hostname, port, path, query, method, headers, body } = await sign(request);
    const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`);
    // A blank is `%20` where signatures are checked.
    url.search = Object.entries(query)
      .map((pair) => pair.map((text) => encodeURIComponent(text)).join('='))
      .join('&');
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    return await fetch(url, { method, headers, signal, ...(body !== undefined && { body }) });
  };

  const sendPatiently = async (name: CallName, request: SignableRequest): Promise<Response> => {
    const triesMax = request.method === 'GET' || REPEATABLE.has(name) ? TRIES_MAX : 1;
    for (let tries = 1; ; tries++) {
      const answer = await send(request).catch((cause: unknown) => {
        if (tries < triesMax) return undefined;
        throw unreachable(stack, cause);
      });
      if (answer && (tries >= triesMax || !PASSING.has(answer.status))) return answer;
      await sleep(PAUSE_MS_FIRST * 2 ** (tries - 1) * (1 + Math.random()));
    }
  };

  return {
    call: async <N extends CallName>(name: N, asked: RequestOf<N>) => {
      const response = await sendPatiently(name, requestOf(apiUrl, name, asked));
      const answer: unknown = await response.json().catch(() => undefined);
      if (response.ok) return replyOf<N>(answer);
      const errors = errorsIn(answer);
      if (errors && response.status < 500) throw new RequestRefused(errors, response.status);
      throw new StackFailed(troubleText(stack, name, response.status, errors));
    },
  };
}

/** The route that takes the most of what is asked in its path; the rest is its query, or its body. */
function requestOf(apiUrl: string, name: CallName, asked: object): SignableRequest {
  const given = new Map(Object.entries(asked).filter(([, value]) => value !== undefined));
  const routes: readonly Route[] = ROUTES;
  const [route] = routes
    .filter((one) => one.function === name && parametersOf(one).every((parameter) => given.has(parameter)))
    .toSorted((a, b) => parametersOf(b).length - parametersOf(a).length);
  if (!route) throw new Error(`no route leads to ${name}`);
  const { method } = route;
  const path = route.path.replace(PARAMETER, (_, parameter: string) =>
    encodeURIComponent(String(given.get(parameter))),
  );
  for (const parameter of parametersOf(route)) given.delete(parameter);
  const { protocol, hostname, port, host, pathname } = new URL(apiUrl);
  const address = { protocol, hostname, ...(port && { port: Number(port) }) };
  const request = { method, ...address, path: `${pathname.replace(/\/$/, '')}${path}`, query: {}, headers: { host } };
  const rest = [...given];
  if (method === 'GET')
    return { ...request, query: Object.fromEntries(rest.map(([key, value]) => [key, String(value)])) };
  const headers = { ...request.headers, 'content-type': 'application/json' };
  return { ...request, headers, body: JSON.stringify(Object.fromEntries(rest)) };
}

const PARAMETER = /\{(\w+)\}/g;

function parametersOf({ path }: Route): string[] {
  return [...path.matchAll(PARAMETER)].map(([, parameter = '']) => parameter);
}

function troubleText(stack: string, name: CallName, status: number, errors: readonly string[] = []): string {
  const said = errors.length > 0 ? `: ${errors.join('; ')}` : '';
  if (status === 401 || status === 403) {
    return `the stack ${stack} does not let you call ${name} (${status})${said}: you need execute-api:Invoke on its API`;
  }
  return `the stack ${stack} could not answer ${name} (${status})${said}; the log of /aws/lambda/${stack}-${name} says more`;
}

function unreachable(stack: string, cause: unknown): StackFailed {
  const deeper = cause instanceof Error ? cause.cause : undefined;
  const said = messageOf(deeper instanceof Error ? deeper : cause);
  return new StackFailed(`the stack ${stack} cannot be reached: ${said}`, { cause });
}
