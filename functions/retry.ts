/** Takes up a run that failed or was cancelled, with its own bundle: `{run}`, or `POST /runs/{run}/retry`. */

import * as v from 'valibot';
import type { World } from '../core/engine/ports.ts';
import { retry } from '../core/engine/retry.ts';
import { mayRetry } from '../core/engine/statuses.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { type BodyOf, Errors, endpoint, refusal } from './endpoint.ts';
import { type Handler, type Invocation, inEnvironment, roundOptions } from './invocation.ts';
import { countsRounds } from './rounds.ts';
import { Course, courseAnswer, noRun } from './run-request.ts';
import { RunName } from './shapes.ts';
import { world as openWorld } from './world.ts';

export const REQUEST = v.strictObject({ run: RunName });
/** 409 when there is nothing to retry. */
export const ANSWERS = { 202: Course, 400: Errors, 404: Errors, 409: Errors };

export function makeRetry(open: () => World): Handler<BodyOf<typeof ANSWERS>> {
  const use = async ({ run }: v.InferOutput<typeof REQUEST>, invocation: Invocation) => {
    const world = open();
    const summary = await world.summaries.get(run);
    if (!summary) return noRun(run);
    const { status } = summary;
    if (status === 'DONE') return refusal(409, `run ${run} is done: there is nothing to retry`);
    if (!mayRetry(status)) return refusal(409, `run ${run} is not over yet: ${status}`);
    return courseAnswer(run, await retry(world, run, roundOptions(world, invocation)));
  };
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, use, countsRounds());
}

export const handlerIn = inEnvironment((environment) => makeRetry(() => openWorld(environment)));

export const handler = handlerIn(ENVIRONMENT);
