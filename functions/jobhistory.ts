/** All that happened to a job of a run: `{run, job}`, or `GET /runs/{run}/jobs/{job}`. */

import * as v from 'valibot';
import type { HistorySource } from '../core/engine/history.ts';
import { readJob } from '../core/engine/job-record.ts';
import type { Objects } from '../core/engine/ports.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { type BodyOf, Errors, endpoint, refusal } from './endpoint.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { noRun } from './run-request.ts';
import { JobWhole, RunName } from './shapes.ts';
import { storedState } from './stored.ts';
import { toldOf } from './told.ts';

export const REQUEST = v.strictObject({ run: RunName, job: v.string() });
export const ANSWERS = { 200: JobWhole, 400: Errors, 404: Errors };

/** Reads the whole journal. */
export function makeJobHistory(
  open: () => HistorySource & { readonly objects: Objects },
): Handler<BodyOf<typeof ANSWERS>> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async ({ run, job }) => {
    const state = open();
    const read = await readJob(state, run, job);
    if (!read) return noRun(run);
    if (!read.job) return refusal(404, `run ${run} has no job ${job}`);
    return { statusCode: 200, body: { ...read.job, ...(await toldOf(state, read.job)) } };
  });
}

export const handlerIn = inEnvironment((environment) => makeJobHistory(() => storedState(environment)));

export const handler = handlerIn(ENVIRONMENT);
