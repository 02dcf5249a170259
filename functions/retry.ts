/** Takes up a run that failed or was cancelled, with its own bundle: `{run}`, or `POST /runs/{run}/retry`. */
import middy from '@middy/core';
import type { World } from '../core/engine/ports.ts';
import { retry } from '../core/engine/retry.ts';
import { httpOrDirect } from './http.ts';
import { type Handler, handlerOf, type Invocation, roundOptions } from './invocation.ts';
import { countsRounds } from './rounds.ts';
import { type CourseAnswer, courseAnswer, refusal, withRun } from './run-request.ts';
import { world as openWorld } from './world.ts';

/** Answers 202 with `{run, status}`; 404 without such a run, 409 when there is nothing to retry. */
export function makeRetry(open: () => World): Handler<CourseAnswer> {
  const wrapped = middy()
    .use(countsRounds())
    .use(httpOrDirect())
    .handler((event: unknown, invocation: Invocation) =>
      withRun(open, event, async (world, { run, status }) => {
        if (status === 'DONE') return refusal(409, `run ${run} is done: there is nothing to retry`);
        if (status !== 'FAILED' && status !== 'CANCELLED') return refusal(409, `run ${run} is not over yet: ${status}`);
        return courseAnswer(run, await retry(world, run, roundOptions(world, invocation)));
      }),
    );
  return handlerOf(wrapped);
}

export const handler = makeRetry(openWorld);
