/**
 * What a job wrote, by parts: `{run, job, cursor?}`, or `GET /runs/{run}/jobs/{job}/logs?cursor=…`. The cursor that a part
 * gives begins the next one, also when that is written later.
 */

import * as v from 'valibot';
import { type HistorySource, readHistory } from '../core/engine/history.ts';
import type { JobLogs } from '../core/engine/ports.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import type { JobStatus } from '../core/graph/graph.ts';
import { type AnswerOf, type BodyOf, Errors, endpoint, refusal } from './endpoint.ts';
import { executorState } from './executor.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { Cursor, CursorText, cursorOf, NO_CURSOR } from './page.ts';
import { noRun } from './run-request.ts';
import { RunName } from './shapes.ts';

const Text = v.exactOptional(v.string(NO_CURSOR));

/** Holds what the job's log is called, so that only the first part costs a reading of the journal. */
const Place = v.strictObject({ log: Text, executorId: Text, from: Text, over: v.boolean(NO_CURSOR) }, NO_CURSOR);

export const REQUEST = v.strictObject({
  run: RunName,
  job: v.string(),
  cursor: v.optional(v.pipe(Cursor, Place)),
});

/** 404 also where the job has no log. */
export const ANSWERS = {
  200: v.strictObject({
    text: v.string(),
    cursor: CursorText,
    end: v.pipe(v.boolean(), v.description('Whether that was all that is written now')),
    over: v.pipe(v.boolean(), v.description('Whether the job was over, so that nothing more will be written')),
  }),
  400: Errors,
  404: Errors,
};

interface LogsState extends HistorySource {
  readonly logs: JobLogs;
}

export function makeLogs(open: () => LogsState): Handler<BodyOf<typeof ANSWERS>> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async ({ run, job, cursor }) => {
    const state = open();
    if (cursor) return await partOf(state, job, cursor);
    const history = await readHistory(state, run);
    if (!history) return noRun(run);
    const found = history.jobs.find(({ id }) => id === job);
    if (!found) return refusal(404, `run ${run} has no job ${job}`);
    const { status, attempt, measured, executorId, endedAt } = found;
    const place = {
      ...(measured.log !== undefined && { log: measured.log }),
      ...(executorId !== undefined && { executorId }),
      over: endedAt !== undefined,
    };
    return await partOf(state, job, place, whyNone(status, attempt));
  });
}

async function partOf(
  { logs }: LogsState,
  job: string,
  place: v.InferOutput<typeof Place>,
  whyNot = 'it is gone',
): Promise<AnswerOf<typeof ANSWERS>> {
  const part = await logs.read({ log: place.log, executorId: place.executorId }, place.from);
  if (part === undefined) return refusal(404, `job ${job} has no log: ${whyNot}`);
  const cursor = cursorOf({ ...place, from: part.next });
  return { statusCode: 200, body: { text: part.text, cursor, end: part.isEnd, over: place.over } };
}

function whyNone(status: JobStatus, attempt: number): string {
  if (status === 'CACHED') return 'it ran in an earlier run';
  return attempt === 0 ? 'it has not run yet' : 'it ran in the engine, or its log is gone';
}

export const handlerIn = inEnvironment((environment) => makeLogs(() => executorState(environment)));

export const handler = handlerIn(ENVIRONMENT);
