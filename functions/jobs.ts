/**
 * The jobs of a run in the order in which they came up: `{run, status?, task?, limit?, cursor?}` or `GET /runs/{run}/jobs?…`;
 * or one of them, `{run, job}` or `GET /runs/{run}/jobs/{job}`.
 */
import middy from '@middy/core';
import * as v from 'valibot';
import { type JobHistory, readHistory } from '../core/engine/history.ts';
import type { Journal } from '../core/engine/ports.ts';
import type { RunId } from '../core/graph/facts.ts';
import { type Answer, httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { Cursor, cursorOf, Limit, NO_CURSOR, problemsOf } from './page.ts';
import { storedState } from './stored.ts';

const Run = v.pipe(v.string(), v.regex(/^[A-Za-z0-9]{1,40}$/, 'is no id of a run'));

const JobsRequest = v.union([
  v.strictObject({ run: Run, job: v.string() }),
  v.strictObject({
    run: Run,
    status: v.optional(v.string()),
    task: v.optional(v.string()),
    limit: Limit,
    /** How many jobs came before. */
    cursor: v.optional(v.pipe(Cursor, v.number(NO_CURSOR), v.integer(NO_CURSOR), v.minValue(0, NO_CURSOR))),
  }),
]);

export type JobsAnswer =
  | { readonly run: RunId; readonly jobs: readonly JobHistory[]; readonly cursor?: string }
  | JobHistory
  | { readonly errors: readonly string[] };

/** Reads the whole journal. Answers 200; 400 with what is wrong with the request; 404 without such a run or job. */
export function makeJobs(open: () => { readonly journal: Journal }): Handler<JobsAnswer> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler(async (event: unknown): Promise<Answer> => {
      const parsed = v.safeParse(JobsRequest, event);
      if (!parsed.success) return { statusCode: 400, body: { errors: problemsOf(flat(parsed.issues)) } };
      const request = parsed.output;
      const run = request.run as RunId;
      const history = await readHistory(open(), run);
      if (!history) return missing(`there is no run ${run}`);
      if ('job' in request) {
        const found = history.jobs.find(({ id }) => id === request.job);
        return found ? { statusCode: 200, body: found } : missing(`run ${run} has no job ${request.job}`);
      }
      const { status, task, limit, cursor = 0 } = request;
      const matching = history.jobs.filter(
        (job) => (status === undefined || job.status === status) && (task === undefined || job.task === task),
      );
      const end = cursor + limit;
      const more = matching.length > end;
      const body = { run, jobs: matching.slice(cursor, end), ...(more && { cursor: cursorOf(end) }) };
      return { statusCode: 200, body };
    });
  return handlerOf(wrapped);
}

/** Of the kinds of a request, the issues of the last: it takes a list's parameters. */
function flat(issues: readonly v.BaseIssue<unknown>[]): readonly v.BaseIssue<unknown>[] {
  return issues.flatMap((issue) => {
    const inner = issue.issues?.filter(({ path }) => path?.[0]?.key !== 'job');
    return inner && inner.length > 0 ? inner : [issue];
  });
}

function missing(problem: string): Answer {
  return { statusCode: 404, body: { errors: [problem] } };
}

export const handler = makeJobs(storedState);
