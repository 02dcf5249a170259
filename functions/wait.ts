/**
 * A run's summary when there is news of it: `{run, seen?, seconds?}`, or `GET /runs/{run}/wait?…`. Whoever watches a run
 * asks again and again, with what was seen last.
 */
import middy from '@middy/core';
import * as v from 'valibot';
import type { Clock, RunSummary, Summaries } from '../core/engine/ports.ts';
import { httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { RunName, refusal, withRequest } from './run-request.ts';
import { clock, storedState } from './stored.ts';
import { told } from './told.ts';

/** Within what API Gateway waits for a function. */
const SECONDS_MAX = 20;

/** From a query all values are texts. */
const numberFrom = (message: string) =>
  v.pipe(v.union([v.number(), v.pipe(v.string(), v.decimal(message), v.toNumber())], message), v.finite(message));

const WaitRequest = v.strictObject({
  run: RunName,
  /** `updatedAt` of the summary that is known already. */
  seen: v.optional(numberFrom('is no time in ms')),
  seconds: v.optional(
    v.pipe(
      numberFrom('is no number of seconds'),
      v.minValue(0, 'is less than 0'),
      v.maxValue(SECONDS_MAX, `is more than ${SECONDS_MAX}`),
    ),
    SECONDS_MAX,
  ),
});

/** News are told late by so much of the run's age, and by half a second at most. */
const LATE_SHARE = 0.05;
const LATE_MS_MIN = 10;
const LATE_MS_MAX = 500;

/** Answers 200 with a RunSummary, as `status` does, at once where nothing was seen; 404 without such a run. */
export function makeWait(
  open: () => Pick<Parameters<typeof told>[0], 'objects'> & { readonly summaries: Summaries },
  time: Pick<Clock, 'now' | 'sleep'>,
): Handler<RunSummary | { readonly errors: readonly string[] }> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler((event: unknown) =>
      withRequest(WaitRequest, event, async ({ run, seen, seconds }) => {
        const state = open();
        const end = time.now() + seconds * 1000;
        for (;;) {
          const summary = await state.summaries.get(run);
          if (!summary) return refusal(404, `there is no run ${run}`);
          const now = time.now();
          const isNews = seen !== summary.updatedAt || summary.endedAt !== undefined;
          if (isNews || now >= end) return { statusCode: 200, body: await told(state, summary) };
          const late = Math.min(LATE_MS_MAX, Math.max(LATE_MS_MIN, LATE_SHARE * (now - summary.startedAt)));
          await time.sleep(Math.min(late, end - now));
        }
      }),
    );
  return handlerOf(wrapped);
}

export const handler = makeWait(storedState, clock);
