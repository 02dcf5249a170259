/**
 * A run's summary when there is news of it: `{run, seen?, seconds?}`, or `GET /runs/{run}/wait?…`. Whoever watches a run
 * asks again and again, with what was seen last.
 */

import * as v from 'valibot';
import type { Clock, Objects, Summaries } from '../core/engine/ports.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { type BodyOf, Errors, endpoint } from './endpoint.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { noRun } from './run-request.ts';
import { RunName, Summary } from './shapes.ts';
import { clock, storedState } from './stored.ts';
import { told } from './told.ts';

/** Within what API Gateway waits for a function. */
const SECONDS_MAX = 20;

export const REQUEST = v.strictObject({
  run: RunName,
  seen: v.optional(v.pipe(v.number(), v.description('`updatedAt` of the summary that is known already'))),
  seconds: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(SECONDS_MAX)), SECONDS_MAX),
});

/** As `status`; at once where nothing was seen. */
export const ANSWERS = { 200: Summary, 400: Errors, 404: Errors };

/** News are told late by so much of the run's age, and by half a second at most. */
const LATE_SHARE = 0.05;
const LATE_MS_MIN = 10;
const LATE_MS_MAX = 500;

export function makeWait(
  open: () => { readonly summaries: Summaries; readonly objects: Objects },
  time: Pick<Clock, 'now' | 'sleep'>,
): Handler<BodyOf<typeof ANSWERS>> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async ({ run, seen, seconds }) => {
    const state = open();
    const end = time.now() + seconds * 1000;
    for (;;) {
      const summary = await state.summaries.get(run);
      if (!summary) return noRun(run);
      const now = time.now();
      const isNews = seen !== summary.updatedAt || summary.endedAt !== undefined;
      if (isNews || now >= end) return { statusCode: 200, body: await told(state, summary) };
      const late = Math.min(LATE_MS_MAX, Math.max(LATE_MS_MIN, Math.round(LATE_SHARE * (now - summary.startedAt))));
      await time.sleep(Math.min(late, end - now));
    }
  });
}

export const handlerIn = inEnvironment((environment) => makeWait(() => storedState(environment), clock));

export const handler = handlerIn(ENVIRONMENT);
