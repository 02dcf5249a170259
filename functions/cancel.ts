/** Cancels a run: `{run}`, or `POST /runs/{run}/cancel`. A `reason` may say why. */
import middy from '@middy/core';
import * as v from 'valibot';
import { cancel } from '../core/engine/cancel.ts';
import type { World } from '../core/engine/ports.ts';
import { httpOrDirect } from './http.ts';
import { type Handler, handlerOf, type Invocation, roundOptions } from './invocation.ts';
import { countsRounds } from './rounds.ts';
import { type CourseAnswer, courseAnswer, refusal, withRun } from './run-request.ts';
import { world as openWorld } from './world.ts';

const Reason = v.fallback(v.object({ reason: v.string() }), { reason: 'it was asked for' });

/**
 * Answers 202 with `{run, status}`: CANCELLING while jobs are still ending. 404 without such a run, 409 when it is over.
 * Cancelling again is harmless: what is still in flight is terminated once more.
 */
export function makeCancel(open: () => World): Handler<CourseAnswer> {
  const wrapped = middy()
    .use(countsRounds())
    .use(httpOrDirect())
    .handler((event: unknown, invocation: Invocation) =>
      withRun(open, event, async (world, { run, status, endedAt }) => {
        if (endedAt !== undefined) return refusal(409, `run ${run} is over already: ${status}`);
        const { reason } = v.parse(Reason, event);
        return courseAnswer(run, await cancel(world, run, reason, roundOptions(world, invocation)));
      }),
    );
  return handlerOf(wrapped);
}

export const handler = makeCancel(openWorld);
