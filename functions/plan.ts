/**
 * What a run would do, and why: `{workflow, args?, …}`, as `start` takes it, or `POST /plans`. Nothing is started, and
 * nothing written.
 */

import * as v from 'valibot';
import { type DryRun, type DryWorld, dryRun } from '../core/engine/dry-run.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import type { Hash } from '../core/values/ids.ts';
import { plain } from '../core/values/pretty.ts';
import { type AnswerOf, type BodyOf, Errors, endpoint, refusal } from './endpoint.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { type Plan, Planned } from './shapes.ts';
import { messageOf, REQUEST as START, withBundle } from './start.ts';
import { currentBundle, dryWorld } from './world.ts';

export const REQUEST = v.omit(START, ['run', 'idempotency-key']);

export const ANSWERS = { 200: Planned, 400: Errors };

export function makePlan(
  open: () => DryWorld,
  bundleNow: () => Promise<Hash | undefined>,
): Handler<BodyOf<typeof ANSWERS>> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async ({ context, bundle: named, ...request }) => {
    return await withBundle(named, bundleNow, async (bundle): Promise<AnswerOf<typeof ANSWERS>> => {
      const dry = await dryRun(open(), { ...request, bundle, ...(context && { context }) });
      return dry.ok ? { statusCode: 200, body: planOf(dry.plan) } : refusal(400, messageOf(dry.error));
    });
  });
}

function planOf({ value, ...plan }: DryRun): Plan {
  return { ...plan, ...(value && { value: plain(value) }) };
}

export const handlerIn = inEnvironment((environment) =>
  makePlan(
    () => dryWorld(environment),
    () => currentBundle(environment),
  ),
);

export const handler = handlerIn(ENVIRONMENT);
