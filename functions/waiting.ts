/** What a run's jobs wait for: `{run}`, or `GET /runs/{run}/waiting`. Takes nothing forward. */

import * as v from 'valibot';
import { lookAtQueue } from '../core/engine/waiting.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { type BodyOf, Errors, endpoint, refusal } from './endpoint.ts';
import { type ExecutorState, executorState } from './executor.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { noRun } from './run-request.ts';
import { RunName, Waiting } from './shapes.ts';

export const REQUEST = v.strictObject({ run: RunName });

/** 409 when the run's graph is too large to be looked at. */
export const ANSWERS = {
  200: Waiting,
  400: Errors,
  404: Errors,
  409: Errors,
};

export function makeWaiting(open: () => ExecutorState): Handler<BodyOf<typeof ANSWERS>> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async ({ run }) => {
    const state = open();
    const summary = await state.summaries.get(run);
    if (!summary) return noRun(run);
    const { liveNodes = 0 } = summary;
    // Asked here, since a round that finds it so notes that on the run.
    if (liveNodes > (state.liveNodesMax ?? Number.POSITIVE_INFINITY)) {
      return refusal(409, `run ${run} is too large to be looked at: its live graph has ${liveNodes} nodes`);
    }
    return { statusCode: 200, body: { run, ...(await lookAtQueue(state, run)) } };
  });
}

export const handlerIn = inEnvironment((environment) => makeWaiting(() => executorState(environment)));

export const handler = handlerIn(ENVIRONMENT);
