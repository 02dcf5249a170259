/** What an owner's server answers, beside the SDK's clients, to the processes that are attached to it. */

import * as v from 'valibot';
import { evalNamed, HASH, RUN_ID, runNamed } from '../core/values/ids.ts';
import type { BatchApi } from './batch/api.ts';
import type { LocalBus } from './bus.ts';
import type { Cloud } from './cloud.ts';
import { isFunctionName } from './functions.ts';
import { answerOverHttp } from './http-api.ts';
import { untilIdle } from './idle.ts';
import type { Routes, ServerAnswer } from './server.ts';

/** An attached process asks again after this long. */
const IDLE_ANSWER_MS = 20_000;

const Release = v.object({ run: v.pipe(v.string(), v.regex(RUN_ID), v.transform(runNamed)) });

const Cached = v.object({ evals: v.array(v.pipe(v.string(), v.regex(HASH), v.transform(evalNamed))) });

export interface Owner extends Pick<Cloud, 'cached' | 'invoke' | 'release' | 'close'> {
  readonly isIdle: () => boolean;
}

export function cloudRoutes(batch: BatchApi, bus: LocalBus, cloud: Owner): Routes {
  return {
    batch,
    targets: { 'AWSEvents.PutEvents': bus.put, 'AmazonSQS.SendMessage': bus.sendMessage },
    invoke: (name, payload) => (isFunctionName(name) ? invocationAnswer(cloud.invoke(name, payload)) : undefined),
    api: (request) => answerOverHttp(request, cloud.invoke),
    cloud: {
      '/cloud/alive': () => ({ body: { pid: process.pid } }),
      '/cloud/idle': async () => {
        const end = Date.now() + IDLE_ANSWER_MS;
        await untilIdle(cloud.isIdle, () => Date.now() >= end);
        return { body: { idle: cloud.isIdle() } };
      },
      '/cloud/stop': () => {
        // After the answer, which would not get out any more.
        // The owner itself hears of what went wrong.
        setImmediate(() => cloud.close().catch(() => undefined));
        return { body: {} };
      },
      '/cloud/cached': async (_response, body) => ({
        body: [...(await cloud.cached(v.parse(Cached, body).evals)).values()],
      }),
      '/cloud/release': async (_response, body) => {
        await cloud.release(v.parse(Release, body).run);
        return { body: {} };
      },
      '/cloud/runs-ended': (response) => {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders();
        response.once(
          'close',
          bus.onRunEnded((detail) => response.write(`${JSON.stringify(detail)}\n`)),
        );
        return Promise.resolve(undefined);
      },
    },
  };
}

/** As Lambda's Invoke answers: what a function throws is an answer, too. */
async function invocationAnswer(invocation: Promise<unknown>): Promise<ServerAnswer> {
  try {
    return { body: await invocation };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    return { headers: { 'x-amz-function-error': 'Unhandled' }, body: { errorType: name, errorMessage: message } };
  }
}
