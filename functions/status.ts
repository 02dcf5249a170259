/** A run's summary: `{run}`, or `GET /runs/{run}`. */

import * as v from 'valibot';
import type { Objects, Summaries } from '../core/engine/ports.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { type BodyOf, Errors, endpoint } from './endpoint.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { noRun } from './run-request.ts';
import { RunName, Summary } from './shapes.ts';
import { storedState } from './stored.ts';
import { told } from './told.ts';

export const REQUEST = v.strictObject({ run: RunName });
export const ANSWERS = { 200: Summary, 400: Errors, 404: Errors };

export function makeStatus(
  open: () => { readonly summaries: Summaries; readonly objects: Objects },
): Handler<BodyOf<typeof ANSWERS>> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async ({ run }) => {
    const state = open();
    const summary = await state.summaries.get(run);
    return summary ? { statusCode: 200, body: await told(state, summary) } : noRun(run);
  });
}

export const handlerIn = inEnvironment((environment) => makeStatus(() => storedState(environment)));

export const handler = handlerIn(ENVIRONMENT);
