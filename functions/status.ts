/** A run's summary: `{run}`, or `GET /runs/{run}`. */
import middy from '@middy/core';
import * as v from 'valibot';
import type { RunSummary, World } from '../core/engine/ports.ts';
import type { RunId } from '../core/graph/facts.ts';
import { type Answer, httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { world } from './world.ts';

const StatusRequest = v.object({ run: v.pipe(v.string(), v.regex(/^[A-Za-z0-9]+$/)) });

/** Answers with a RunSummary, or 404 with `{errors}`. */
export function makeStatus(open: () => World): Handler<RunSummary | { readonly errors: readonly string[] }> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler(async (event: unknown): Promise<Answer> => {
      const request = v.safeParse(StatusRequest, event);
      if (!request.success) return { statusCode: 400, body: { errors: ['run: the id of a run is expected'] } };
      const { run } = request.output;
      const summary = await open().summaries.get(run as RunId);
      return summary
        ? { statusCode: 200, body: summary }
        : { statusCode: 404, body: { errors: [`there is no run ${run}`] } };
    });
  return handlerOf(wrapped);
}

export const handler = makeStatus(world);
