/** A run's summary: `{run}`, or `GET /runs/{run}`. */
import middy from '@middy/core';
import type { RunSummary, Summaries } from '../core/engine/ports.ts';
import { httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { withRun } from './run-request.ts';
import { storedState } from './stored.ts';

/** Answers with a RunSummary, or 404 with `{errors}`. */
export function makeStatus(
  open: () => { readonly summaries: Summaries },
): Handler<RunSummary | { readonly errors: readonly string[] }> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler((event: unknown) => withRun(open, event, (_, summary) => ({ statusCode: 200, body: summary })));
  return handlerOf(wrapped);
}

export const handler = makeStatus(storedState);
