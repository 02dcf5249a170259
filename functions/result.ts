/** What a run came to, whole: `{run, form?}`, or `GET /runs/{run}/result`. Of a run that failed it is the error. */

import * as v from 'valibot';
import { loadLarge, ValueGone } from '../core/engine/objects.ts';
import type { Objects, RunSummary, Summaries } from '../core/engine/ports.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { plain, pretty } from '../core/values/pretty.ts';
import { type AnswerOf, type BodyOf, Errors, endpoint, refusal } from './endpoint.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { noRun } from './run-request.ts';
import { Run, RunName } from './shapes.ts';
import { storedState } from './stored.ts';

export const REQUEST = v.strictObject({
  run: RunName,
  form: v.pipe(
    v.optional(v.picklist(['json', 'text']), 'json'),
    v.description('`json`: as `value`. `text`: as people read it'),
  ),
});

/** 409 when it has come to nothing yet, 410 when the value is gone, 413 when it is too large for an answer. */
export const ANSWERS = {
  200: v.strictObject({
    run: Run,
    value: v.exactOptional(
      v.pipe(v.unknown(), v.description('Files are {location, version}; what JSON has no word for is text')),
    ),
    text: v.exactOptional(v.string()),
  }),
  400: Errors,
  404: Errors,
  409: Errors,
  410: Errors,
  413: Errors,
};

/** Lambda answers with 6 MB at most. */
const ANSWER_BYTES_MAX = 5_500_000;

export function makeResult(
  open: () => { readonly summaries: Summaries; readonly objects: Objects },
): Handler<BodyOf<typeof ANSWERS>> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async ({ run, form }) => {
    const { summaries, objects } = open();
    const summary = await summaries.get(run);
    return summary ? await resultOf(objects, summary, form) : noRun(run);
  });
}

async function resultOf(
  objects: Objects,
  { run, status, result }: RunSummary,
  form: 'json' | 'text',
): Promise<AnswerOf<typeof ANSWERS>> {
  if (result === undefined) return refusal(409, `run ${run} has no result: it is ${status}`);
  try {
    const table = await loadLarge(objects, result);
    const body = form === 'text' ? { run, text: pretty(table) } : { run, value: plain(table) };
    const bytes = Buffer.byteLength(JSON.stringify(body));
    if (bytes <= ANSWER_BYTES_MAX) return { statusCode: 200, body };
    return refusal(
      413,
      `the result of run ${run} has ${bytes} bytes, too many for an answer: large data belong in files`,
    );
  } catch (error) {
    if (!(error instanceof ValueGone)) throw error;
    return refusal(410, error.message);
  }
}

export const handlerIn = inEnvironment((environment) => makeResult(() => storedState(environment)));

export const handler = handlerIn(ENVIRONMENT);
