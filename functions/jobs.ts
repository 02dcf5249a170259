/** The jobs of a run in the order in which they came up: `{run, status?, task?, limit?, cursor?}` or `GET /runs/{run}/jobs?…`. */

import * as v from 'valibot';
import { type HistorySource, readHistory } from '../core/engine/history.ts';
import type { Objects } from '../core/engine/ports.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { type BodyOf, Errors, endpoint } from './endpoint.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { Cursor, CursorText, cursorOf, limit as limitOf, NO_CURSOR, PAGE_MAX } from './page.ts';
import { noRun } from './run-request.ts';
import { Job, Run, RunName } from './shapes.ts';
import { storedState } from './stored.ts';
import { allToldOf } from './told.ts';

export const REQUEST = v.strictObject({
  run: RunName,
  status: v.optional(v.string()),
  task: v.optional(v.string()),
  limit: limitOf(PAGE_MAX.jobs),
  /** How many jobs came before. */
  cursor: v.optional(v.pipe(Cursor, v.number(NO_CURSOR), v.integer(NO_CURSOR), v.minValue(0, NO_CURSOR))),
});

export const ANSWERS = {
  200: v.strictObject({ run: Run, jobs: v.array(Job), cursor: v.exactOptional(CursorText) }),
  400: Errors,
  404: Errors,
};

/** Reads the whole journal. */
export function makeJobs(open: () => HistorySource & { readonly objects: Objects }): Handler<BodyOf<typeof ANSWERS>> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async ({ run, status, task, limit, cursor = 0 }) => {
    const state = open();
    const history = await readHistory(state, run);
    if (!history) return noRun(run);
    const matching = history.jobs.filter(
      (job) => (status === undefined || job.status === status) && (task === undefined || job.task === task),
    );
    const end = cursor + limit;
    const more = matching.length > end;
    const jobs = await allToldOf(state, matching.slice(cursor, end));
    return { statusCode: 200, body: { run, jobs, ...(more && { cursor: cursorOf(end) }) } };
  });
}

export const handlerIn = inEnvironment((environment) => makeJobs(() => storedState(environment)));

export const handler = handlerIn(ENVIRONMENT);
