/**
 * What a job wrote, by parts: `{run, job, cursor?}`, or `GET /runs/{run}/jobs/{job}/logs?cursor=…`. The cursor that a part
 * gives begins the next one, also when that is written later.
 */
import middy from '@middy/core';
import * as v from 'valibot';
import { readHistory } from '../core/engine/history.ts';
import type { JobLogs, Journal, LoggedJob } from '../core/engine/ports.ts';
import type { JobStatus } from '../core/graph/graph.ts';
import { executorState } from './executor.ts';
import { type Answer, httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { Cursor, cursorOf, NO_CURSOR } from './page.ts';
import { RunName, refusal, withRequest } from './run-request.ts';

/** Holds what the job's log is called: a part costs no reading of the journal but the first. */
const Place = v.strictObject(
  {
    log: v.optional(v.string(NO_CURSOR)),
    executorId: v.optional(v.string(NO_CURSOR)),
    from: v.optional(v.string(NO_CURSOR)),
    /** Whether the job was over. */
    over: v.boolean(NO_CURSOR),
  },
  NO_CURSOR,
);

type Place = v.InferOutput<typeof Place>;

const LogsRequest = v.strictObject({
  run: RunName,
  job: v.string(),
  cursor: v.optional(v.pipe(Cursor, Place)),
});

export type LogsAnswer =
  | {
      readonly text: string;
      readonly cursor: string;
      /** Whether all is told that there is; of a job that is over, that there will be. */
      readonly end: boolean;
      readonly over: boolean;
    }
  | { readonly errors: readonly string[] };

interface State {
  readonly journal: Journal;
  readonly logs: JobLogs;
}

/** Answers 200; 404 without such a run or job, or where it has no log. */
export function makeLogs(open: () => State): Handler<LogsAnswer> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler((event: unknown) =>
      withRequest(LogsRequest, event, async ({ run, job, cursor }) => {
        const state = open();
        if (cursor) return await partOf(state, job, cursor);
        const history = await readHistory(state, run);
        if (!history) return refusal(404, `there is no run ${run}`);
        const found = history.jobs.find(({ id }) => id === job);
        if (!found) return refusal(404, `run ${run} has no job ${job}`);
        const { status, attempt, measured, executorId } = found;
        const place = { log: measured.log, executorId, over: found.endedAt !== undefined };
        return await partOf(state, job, place, whyNone(status, attempt));
      }),
    );
  return handlerOf(wrapped);
}

async function partOf({ logs }: State, job: string, place: Place, whyNot = 'it is gone'): Promise<Answer> {
  const logged: LoggedJob = { log: place.log, executorId: place.executorId };
  const part = await logs.read(logged, place.from);
  if (part === undefined) return refusal(404, `job ${job} has no log: ${whyNot}`);
  const cursor = cursorOf({ ...place, from: part.next });
  return { statusCode: 200, body: { text: part.text, cursor, end: part.isEnd, over: place.over } };
}

function whyNone(status: JobStatus, attempt: number): string {
  if (status === 'CACHED') return 'it ran in an earlier run';
  return attempt === 0 ? 'it has not run yet' : 'it ran in the engine, or its log is gone';
}

export const handler = makeLogs(executorState);
