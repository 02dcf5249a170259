/** What a run's jobs wait for: `{run}`, or `GET /runs/{run}/waiting`. Takes nothing forward. */
import middy from '@middy/core';
import { lookAtQueue, type Queue } from '../core/engine/waiting.ts';
import type { RunId } from '../core/graph/facts.ts';
import { type ExecutorState, executorState } from './executor.ts';
import { httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { refusal, withRun } from './run-request.ts';

export type WaitingAnswer = ({ readonly run: RunId } & Queue) | { readonly errors: readonly string[] };

/** Answers 200, 404 without such a run, 409 for one whose graph is too large to be looked at. */
export function makeWaiting(open: () => ExecutorState): Handler<WaitingAnswer> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler((event: unknown) =>
      withRun(open, event, async (state, { run, liveNodes = 0 }) => {
        // Asked here, since a round that finds it so notes that on the run.
        if (liveNodes > (state.liveNodesMax ?? Number.POSITIVE_INFINITY)) {
          return refusal(409, `run ${run} is too large to be looked at: its live graph has ${liveNodes} nodes`);
        }
        return { statusCode: 200, body: { run, ...(await lookAtQueue(state, run)) } };
      }),
    );
  return handlerOf(wrapped);
}

export const handler = makeWaiting(executorState);
