/** A run's summary: `{run}`, or `GET /runs/{run}`. */
import middy from '@middy/core';
import type { Objects, RunSummary, Summaries } from '../core/engine/ports.ts';
import { httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { withRun } from './run-request.ts';
import { storedState } from './stored.ts';
import { told } from './told.ts';

/** Answers with a RunSummary, or 404 with `{errors}`. */
export function makeStatus(
  open: () => { readonly summaries: Summaries; readonly objects: Objects },
): Handler<RunSummary | { readonly errors: readonly string[] }> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler((event: unknown) =>
      withRun(open, event, async (state, summary) => ({ statusCode: 200, body: await told(state, summary) })),
    );
  return handlerOf(wrapped);
}

export const handler = makeStatus(storedState);
