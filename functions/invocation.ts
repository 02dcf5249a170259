/** How the handlers are invoked: by Lambda, by the local cloud, or directly. */
import middy, { type MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import type { World } from '../core/engine/ports.ts';
import type { RoundOptions } from '../core/engine/round.ts';
import type { Variables } from '../core/environment.ts';
import { type Log, logOf } from './log.ts';
import { described } from './log-file.ts';
import type { Rounds } from './rounds.ts';

/** The part of Lambda's context that counts, and what is laid beside it here. */
export interface Invocation {
  readonly getRemainingTimeInMillis?: () => number;
  readonly awsRequestId?: string;
  readonly functionName?: string;
  /** By default on standard error, as of nobody's stack. */
  readonly log?: Log;
  readonly rounds?: Rounds;
}

export type Handler<Answer> = (event: unknown, invocation?: Invocation) => Promise<Answer>;

/** An invocation within the middlewares. */
export type Logged = Context & Invocation & { readonly log: Log };
export type Middleware = MiddlewareObj<unknown, unknown, Error, Logged>;

const NO_ENVIRONMENT: Variables = {};

/** The handler with its middlewares, as its callers see it: they need not have the whole of Lambda's context. */
export function handlerOf<Answer>(
  handle: (event: unknown, invocation: Logged) => unknown,
  ...middlewares: Middleware[]
): Handler<Answer> {
  const wrapped = middy<unknown, unknown, Error, Logged>().use(middlewares).handler(handle);
  return (event, invocation = {}) => {
    const { log = logOf(NO_ENVIRONMENT) } = invocation;
    const context = { ...invocation, log } as Logged;
    log.beginInvocation(context);
    return wrapped(event, context) as Promise<Answer>;
  };
}

/** Gives the handler in an environment, by which its ports and its log are chosen when it is called first. */
export function inEnvironment<Answer>(
  make: (environment: Variables) => Handler<Answer>,
): (environment: Variables) => Handler<Answer> {
  return (environment) => {
    const handle = make(environment);
    return (event, invocation) => handle(event, { ...invocation, log: logOf(environment) });
  };
}

/** For handlers that nobody answers for: what they throw is logged before whoever called them is told. */
export function logsFailure(message: string): Middleware {
  return { onError: ({ context, error }) => context.log.error(message, { error: described(error) }) };
}

/** When the invocation is cut off, where it knows, and who is told of its rounds. */
export function roundOptions({ clock }: World, { getRemainingTimeInMillis, rounds }: Invocation): RoundOptions {
  const remainingMs = getRemainingTimeInMillis?.();
  return {
    ...(remainingMs !== undefined && { hardEnd: clock.now() + remainingMs }),
    ...(rounds && { onRound: rounds.onRound }),
  };
}
