/** Lists runs, newest first: `{run?, workflow?, status?, tag?, from?, until?, limit?, cursor?}`, or `GET /runs?…`. */
import middy from '@middy/core';
import * as v from 'valibot';
import type { RunSummary, Summaries } from '../core/engine/ports.ts';
import { httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { Cursor, cursorOf, limit, NO_CURSOR } from './page.ts';
import { RunName, withRequest } from './run-request.ts';
import { storedState } from './stored.ts';

const Time = v.pipe(
  v.union([v.number(), v.string()]),
  v.transform((given) => (typeof given === 'number' ? given : Date.parse(given))),
  v.finite('is neither a time as 2026-01-31T12:00:00Z nor ms since the epoch'),
);

/** The last run that was looked at, and how many that started in its millisecond had been by then, itself among them. */
const Place = v.strictObject(
  { startedAt: v.number(NO_CURSOR), run: v.string(NO_CURSOR), same: v.number(NO_CURSOR) },
  NO_CURSOR,
);

const RUNS_MAX = 200;

const RunsRequest = v.strictObject({
  /** How the run's id begins. */
  run: v.optional(RunName),
  workflow: v.optional(v.string()),
  status: v.optional(v.picklist(['RUNNING', 'CANCELLING', 'DONE', 'FAILED', 'CANCELLED'])),
  /** `key=value`, or `key` for any value. */
  tag: v.optional(v.pipe(v.string(), v.nonEmpty('is empty'))),
  /** Of starts. */
  from: v.optional(Time),
  until: v.optional(Time),
  limit: limit(RUNS_MAX),
  cursor: v.optional(v.pipe(Cursor, Place)),
});

type RunsRequest = v.InferOutput<typeof RunsRequest>;

/** Without its value, which may be large. */
export type ListedRun = Omit<RunSummary, 'result' | 'beginning'>;

export type RunsAnswer =
  | { readonly runs: readonly ListedRun[]; readonly cursor?: string }
  | { readonly errors: readonly string[] };

/** Looked through in one call where most runs are none that were asked for: then a page may be short, and have a cursor. */
const LOOKED_AT_MAX = 1_000;

/** Answers 200 with `{runs, cursor?}`; 400 with what is wrong with the request. */
export function makeRuns(open: () => { readonly summaries: Summaries }): Handler<RunsAnswer> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler((event: unknown) =>
      withRequest(RunsRequest, event, async (request) => ({
        statusCode: 200,
        body: await pageOf(open().summaries, request),
      })),
    );
  return handlerOf(wrapped);
}

async function pageOf(summaries: Summaries, request: RunsRequest): Promise<RunsAnswer> {
  const { limit, status, from = Number.NEGATIVE_INFINITY } = request;
  const runs: ListedRun[] = [];
  let after = request.cursor;
  for (let lookedAt = 0; runs.length < limit && lookedAt < LOOKED_AT_MAX; lookedAt += limit) {
    const until = after?.startedAt ?? request.until;
    const wanted = limit + 1 + (after?.same ?? 0);
    const listed = await summaries.list({
      ...(status && { status }),
      ...(until !== undefined && { until }),
      limit: wanted,
    });
    const fresh = listed.filter((summary) => !after || isAfter(summary, after));
    const inTime = fresh.filter(({ startedAt }) => startedAt >= from);
    for (const summary of inTime) {
      const { startedAt, run } = summary;
      after = { startedAt, run, same: startedAt === after?.startedAt ? after.same + 1 : 1 };
      if (isAskedFor(summary, request)) runs.push(listedRun(summary));
      if (runs.length === limit) return { runs, cursor: cursorOf(after) };
    }
    if (listed.length < wanted || inTime.length < fresh.length || fresh.length === 0) return { runs };
  }
  return { runs, ...(after && { cursor: cursorOf(after) }) };
}

/** As lists are sorted: by start, and of one moment by id. */
function isAfter({ startedAt, run }: RunSummary, after: { readonly startedAt: number; readonly run: string }): boolean {
  return startedAt < after.startedAt || (startedAt === after.startedAt && run < after.run);
}

function isAskedFor({ run, workflow, tags }: RunSummary, request: RunsRequest): boolean {
  if (request.run !== undefined && !run.startsWith(request.run)) return false;
  if (request.workflow !== undefined && workflow !== request.workflow) return false;
  if (request.tag === undefined) return true;
  const at = request.tag.indexOf('=');
  if (at < 0) return Object.hasOwn(tags, request.tag);
  const key = request.tag.slice(0, at);
  return Object.hasOwn(tags, key) && tags[key] === request.tag.slice(at + 1);
}

function listedRun({ result: _, beginning: __, ...summary }: RunSummary): ListedRun {
  return summary;
}

export const handler = makeRuns(storedState);
