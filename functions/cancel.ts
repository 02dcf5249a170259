/** Cancels a run: `{run, reason?}`, or `POST /runs/{run}/cancel`. */

import * as v from 'valibot';
import { cancel } from '../core/engine/cancel.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { type CourseWorld, courseWorld } from './base.ts';
import { type BodyOf, Errors, endpoint, refusal } from './endpoint.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { Course, courseAnswer, noRun } from './run-request.ts';
import { RunName } from './shapes.ts';

export const REQUEST = v.strictObject({ run: RunName, reason: v.optional(v.string(), 'it was asked for') });
/** 202 with CANCELLING while jobs are still ending; 409 when the run is over. */
export const ANSWERS = { 202: Course, 400: Errors, 404: Errors, 409: Errors };

/** Cancelling again is harmless: what is still in flight is terminated once more. */
export function makeCancel(open: () => CourseWorld): Handler<BodyOf<typeof ANSWERS>> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async ({ run, reason }) => {
    const world = open();
    const summary = await world.summaries.get(run);
    if (!summary) return noRun(run);
    if (summary.endedAt !== undefined) return refusal(409, `run ${run} is over already: ${summary.status}`);
    return courseAnswer(run, await cancel(world, run, reason));
  });
}

export const handlerIn = inEnvironment((environment) => makeCancel(() => courseWorld(environment)));

export const handler = handlerIn(ENVIRONMENT);
