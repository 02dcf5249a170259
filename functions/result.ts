/**
 * What a run came to, whole: `{run, form?}`, or `GET /runs/{run}/result`. As JSON, or, with `form: 'text'`, as people read
 * it.
 */
import middy from '@middy/core';
import * as v from 'valibot';
import { loadLarge, ValueGone } from '../core/engine/objects.ts';
import type { Objects, RunSummary, Summaries } from '../core/engine/ports.ts';
import type { RunId } from '../core/graph/facts.ts';
import { plain, pretty } from '../core/values/pretty.ts';
import { type Answer, httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { RunName, refusal, withRequest } from './run-request.ts';
import { storedState } from './stored.ts';

const ResultRequest = v.strictObject({ run: RunName, form: v.optional(v.picklist(['json', 'text']), 'json') });

/** Of a run that failed, the value is its error. Files are `{location, version}`; what JSON has no word for is text. */
export type ResultAnswer =
  | { readonly run: RunId; readonly value: unknown }
  | { readonly run: RunId; readonly text: string }
  | { readonly errors: readonly string[] };

/** Lambda answers with 6 MB at most. */
const ANSWER_BYTES_MAX = 5_500_000;

/** Answers 200; 404 without such a run, 409 when it has come to nothing yet, 410 when the value is gone, 413 when it is too large. */
export function makeResult(
  open: () => { readonly summaries: Summaries; readonly objects: Objects },
): Handler<ResultAnswer> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler((event: unknown) =>
      withRequest(ResultRequest, event, async ({ run, form }) => {
        const { summaries, objects } = open();
        const summary = await summaries.get(run);
        return summary ? await resultOf(objects, summary, form) : refusal(404, `there is no run ${run}`);
      }),
    );
  return handlerOf(wrapped);
}

async function resultOf(objects: Objects, summary: RunSummary, form: 'json' | 'text'): Promise<Answer> {
  const { run, status, result } = summary;
  if (result === undefined) return refusal(409, `run ${run} has no result: it is ${status}`);
  try {
    const table = await loadLarge(objects, result);
    const body = form === 'text' ? { run, text: pretty(table) } : { run, value: plain(table) };
    const bytes = Buffer.byteLength(JSON.stringify(body));
    if (bytes <= ANSWER_BYTES_MAX) return { statusCode: 200, body };
    return refusal(
      413,
      `the result of run ${run} has ${bytes} bytes: too many for an answer; let the workflow write a file`,
    );
  } catch (error) {
    if (!(error instanceof ValueGone)) throw error;
    return refusal(410, error.message);
  }
}

export const handler = makeResult(storedState);
