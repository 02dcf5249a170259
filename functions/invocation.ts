/** How the handlers are invoked: by Lambda, by the local cloud, or directly. */
import type { MiddyfiedHandler } from '@middy/core';
import type { Context } from 'aws-lambda';
import type { World } from '../core/engine/ports.ts';
import type { RoundOptions } from '../core/engine/round.ts';

/** The part of Lambda's context that counts. */
export interface Invocation {
  readonly getRemainingTimeInMillis?: () => number;
}

export type Handler<Answer> = (event: unknown, invocation?: Invocation) => Promise<Answer>;

/** The handler as its callers see it: they need not have the whole of Lambda's context. */
export function handlerOf<Answer>(wrapped: MiddyfiedHandler<unknown, unknown>): Handler<Answer> {
  return (event, invocation = {}) => wrapped(event, invocation as Context) as Promise<Answer>;
}

/** When the invocation is cut off, where it knows. */
export function hardEndOf({ clock }: World, invocation: Invocation): RoundOptions {
  const remainingMs = invocation.getRemainingTimeInMillis?.();
  return remainingMs === undefined ? {} : { hardEnd: clock.now() + remainingMs };
}
