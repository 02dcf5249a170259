/**
 * What a run would do: `{workflow, args?, …}`, as `start` takes it, or `POST /plans`. Nothing is started and nothing
 * written.
 */
import middy from '@middy/core';
import { type DryRun, type DryWorld, dryRun } from '../core/engine/dry-run.ts';
import type { Hash } from '../core/values/hash.ts';
import { plain } from '../core/values/pretty.ts';
import { httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { refusal, withRequest } from './run-request.ts';
import { messageOf, StartRequest } from './start.ts';
import { currentBundle, dryWorld } from './world.ts';

/** The value as JSON, where nothing is left to run. */
export type Plan = Omit<DryRun, 'value'> & { readonly value?: unknown };
export type PlanAnswer = Plan | { readonly errors: readonly string[] };

/** Answers 200, or 400 with all that is wrong with the request. */
export function makePlan(open: () => DryWorld, bundleNow: () => Promise<Hash | undefined>): Handler<PlanAnswer> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler((event: unknown) =>
      withRequest(StartRequest, event, async ({ run: _, context, bundle: named, ...request }) => {
        const bundle = named ?? (await bundleNow());
        if (!bundle) return refusal(400, 'bundle: none was deployed, and the request names none');
        const dry = await dryRun(open(), { ...request, bundle, ...(context && { context }) });
        if (!dry.ok) return refusal(400, messageOf(dry.error));
        const { value, ...plan } = dry.plan;
        return { statusCode: 200, body: { ...plan, ...(value && { value: plain(value) }) } };
      }),
    );
  return handlerOf(wrapped);
}

export const handler = makePlan(dryWorld, currentBundle);
