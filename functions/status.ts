/** A run's summary: `{run}`, or `GET /runs/{run}`. */
import middy from '@middy/core';
import type { RunSummary, World } from '../core/engine/ports.ts';
import { httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { withRun } from './run-request.ts';
import { world } from './world.ts';

/** Answers with a RunSummary, or 404 with `{errors}`. */
export function makeStatus(open: () => World): Handler<RunSummary | { readonly errors: readonly string[] }> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler((event: unknown) => withRun(open, event, (_, summary) => ({ statusCode: 200, body: summary })));
  return handlerOf(wrapped);
}

export const handler = makeStatus(world);
