/** What a workflow takes: `{workflow}`, or `GET /workflows/{workflow}`. */

import * as v from 'valibot';
import type { Objects } from '../core/engine/ports.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { deployedWorkflows, NOTHING_DEPLOYED, WorkflowEntries } from './deployed.ts';
import { type BodyOf, Errors, endpoint, refusal } from './endpoint.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { Digest } from './shapes.ts';
import { storedState } from './stored.ts';

export const REQUEST = v.strictObject({ workflow: v.string() });

export const ANSWERS = {
  200: v.strictObject({
    bundle: Digest,
    ...WorkflowEntries.entries,
    context: v.pipe(
      v.record(v.string(), v.unknown()),
      v.description('What its tasks read by context(…), where a run lays nothing over it'),
    ),
  }),
  400: Errors,
  404: Errors,
};

export function makeWorkflow(open: () => { readonly objects: Objects }): Handler<BodyOf<typeof ANSWERS>> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async ({ workflow: asked }) => {
    const deployed = await deployedWorkflows(open().objects);
    if (!deployed) return refusal(404, NOTHING_DEPLOYED);
    const found = deployed.workflows.find(({ name }) => name === asked);
    return found
      ? { statusCode: 200, body: { bundle: deployed.bundle, ...found, context: deployed.context } }
      : refusal(404, `there is no workflow ${asked}`);
  });
}

export const handlerIn = inEnvironment((environment) => makeWorkflow(() => storedState(environment)));

export const handler = handlerIn(ENVIRONMENT);
