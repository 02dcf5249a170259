/** Lists runs, newest first: `{run?, workflow?, status?, tag?, from?, until?, limit?, cursor?}`, or `GET /runs?…`. */

import * as v from 'valibot';
import type { RunSummary, Summaries } from '../core/engine/ports.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { type BodyOf, Errors, endpoint } from './endpoint.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { Cursor, CursorText, cursorOf, limit as limitOf, NO_CURSOR, PAGE_MAX } from './page.ts';
import { Listed, type ListedRun, RunName, Status } from './shapes.ts';
import { storedState } from './stored.ts';

const NO_TIME = 'is neither a time as 2026-01-31T12:00:00Z nor ms since the epoch';

/** Of a date of JavaScript. */
const MS_MAX = 8.64e15;

const Milliseconds = v.pipe(v.number(NO_TIME), v.integer(NO_TIME), v.minValue(0, NO_TIME), v.maxValue(MS_MAX, NO_TIME));

const Time = v.union([Milliseconds, v.pipe(v.string(), v.transform(Date.parse), Milliseconds)], NO_TIME);

/** The last run that was looked at, and how many that started in its millisecond had been by then, itself among them. */
const Place = v.strictObject(
  { startedAt: v.number(NO_CURSOR), run: v.string(NO_CURSOR), same: v.number(NO_CURSOR) },
  NO_CURSOR,
);

export const REQUEST = v.strictObject({
  run: v.optional(v.pipe(RunName, v.description('How its id begins'))),
  workflow: v.optional(v.string()),
  status: v.optional(Status),
  tag: v.optional(
    v.pipe(v.string(), v.nonEmpty('is empty'), v.description('`key=value`, or `key` for any value of it')),
  ),
  /** Of starts. */
  from: v.optional(Time),
  until: v.optional(Time),
  limit: limitOf(PAGE_MAX.runs),
  cursor: v.optional(v.pipe(Cursor, Place)),
});

type RunsRequest = v.InferOutput<typeof REQUEST>;

export const ANSWERS = {
  /** A page may be short and have a cursor. */
  200: v.strictObject({ runs: v.array(Listed), cursor: v.exactOptional(CursorText) }),
  400: Errors,
};

export type RunsAnswer = BodyOf<typeof ANSWERS>;

/** Looked through in one call where most runs are none that were asked for: then a page may be short, and have a cursor. */
const LOOKED_AT_MAX = 1_000;

export function makeRuns(open: () => { readonly summaries: Summaries }): Handler<RunsAnswer> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async (request) => ({
    statusCode: 200,
    body: await pageOf(open().summaries, request),
  }));
}

async function pageOf(summaries: Summaries, request: RunsRequest): Promise<v.InferOutput<(typeof ANSWERS)[200]>> {
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

export const handlerIn = inEnvironment((environment) => makeRuns(() => storedState(environment)));

export const handler = handlerIn(ENVIRONMENT);
