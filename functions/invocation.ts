/** How the handlers are invoked: by Lambda, by the local cloud, or directly. */
import type { MiddyfiedHandler } from '@middy/core';
import type { Context } from 'aws-lambda';
import type { World } from '../core/engine/ports.ts';
import type { RoundOptions } from '../core/engine/round.ts';
import { logInvocation } from './log.ts';
import type { Rounds } from './rounds.ts';

/** The part of Lambda's context that counts, and what is laid beside it here. */
export interface Invocation {
  readonly getRemainingTimeInMillis?: () => number;
  readonly awsRequestId?: string;
  readonly functionName?: string;
  readonly rounds?: Rounds;
}

export type Handler<Answer> = (event: unknown, invocation?: Invocation) => Promise<Answer>;

/** The handler as its callers see it: they need not have the whole of Lambda's context. */
export function handlerOf<Answer>(wrapped: MiddyfiedHandler<unknown, unknown>): Handler<Answer> {
  return (event, invocation = {}) => {
    logInvocation(invocation as Context);
    return wrapped(event, invocation as Context) as Promise<Answer>;
  };
}

/** When the invocation is cut off, where it knows, and who is told of its rounds. */
export function roundOptions({ clock }: World, { getRemainingTimeInMillis, rounds }: Invocation): RoundOptions {
  const remainingMs = getRemainingTimeInMillis?.();
  return {
    ...(remainingMs !== undefined && { hardEnd: clock.now() + remainingMs }),
    ...(rounds && { onRound: rounds.onRound }),
  };
}
