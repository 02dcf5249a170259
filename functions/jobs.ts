/**
 * The jobs of a run in the order in which they came up: `{run, status?, task?, limit?, cursor?}` or `GET /runs/{run}/jobs?…`;
 * or one of them, `{run, job}` or `GET /runs/{run}/jobs/{job}`.
 */
import middy from '@middy/core';
import * as v from 'valibot';
import { type JobHistory, readHistory } from '../core/engine/history.ts';
import type { Journal, Objects } from '../core/engine/ports.ts';
import type { RunId } from '../core/graph/facts.ts';
import { type Answer, httpOrDirect, isRecord } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { Cursor, cursorOf, limit, NO_CURSOR } from './page.ts';
import { RunName, refusal, withRequest } from './run-request.ts';
import { storedState } from './stored.ts';
import { toldOf } from './told.ts';

/** A job is told in some 500 bytes, and Lambda answers with 6 MB at most. */
const JOBS_MAX = 5_000;

const JobRequest = v.strictObject({ run: RunName, job: v.string() });

const JobsRequest = v.strictObject({
  run: RunName,
  status: v.optional(v.string()),
  task: v.optional(v.string()),
  limit: limit(JOBS_MAX),
  /** How many jobs came before. */
  cursor: v.optional(v.pipe(Cursor, v.number(NO_CURSOR), v.integer(NO_CURSOR), v.minValue(0, NO_CURSOR))),
});

export type JobsAnswer =
  | { readonly run: RunId; readonly jobs: readonly JobHistory[]; readonly cursor?: string }
  | JobHistory
  | { readonly errors: readonly string[] };

interface State {
  readonly journal: Journal;
  readonly objects: Objects;
}

/** Reads the whole journal. Answers 200; 400 with what is wrong with the request; 404 without such a run or job. */
export function makeJobs(open: () => State): Handler<JobsAnswer> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler((event: unknown) =>
      isRecord(event) && 'job' in event
        ? withRequest(JobRequest, event, (request) => jobOf(open(), request))
        : withRequest(JobsRequest, event, (request) => jobsOf(open(), request)),
    );
  return handlerOf(wrapped);
}

async function jobOf(state: State, { run, job }: v.InferOutput<typeof JobRequest>): Promise<Answer> {
  const history = await readHistory(state, run);
  if (!history) return refusal(404, `there is no run ${run}`);
  const found = history.jobs.find(({ id }) => id === job);
  return found
    ? { statusCode: 200, body: (await toldOf(state, [found]))[0] }
    : refusal(404, `run ${run} has no job ${job}`);
}

async function jobsOf(
  state: State,
  { run, status, task, limit, cursor = 0 }: v.InferOutput<typeof JobsRequest>,
): Promise<Answer> {
  const history = await readHistory(state, run);
  if (!history) return refusal(404, `there is no run ${run}`);
  const matching = history.jobs.filter(
    (job) => (status === undefined || job.status === status) && (task === undefined || job.task === task),
  );
  const end = cursor + limit;
  const more = matching.length > end;
  return {
    statusCode: 200,
    body: { run, jobs: await toldOf(state, matching.slice(cursor, end)), ...(more && { cursor: cursorOf(end) }) },
  };
}

export const handler = makeJobs(storedState);
