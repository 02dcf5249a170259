/** What can be started: `{}`, or `GET /workflows`. */

import * as v from 'valibot';
import type { Objects } from '../core/engine/ports.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import { deployedWorkflows, NOTHING_DEPLOYED, WorkflowEntries } from './deployed.ts';
import { type BodyOf, Errors, endpoint, refusal } from './endpoint.ts';
import { type Handler, inEnvironment } from './invocation.ts';
import { Digest } from './shapes.ts';
import { storedState } from './stored.ts';

export const REQUEST = v.strictObject({});

export const ANSWERS = {
  200: v.strictObject({ bundle: Digest, workflows: v.array(v.omit(WorkflowEntries, ['params'])) }),
  400: Errors,
  /** Before code was deployed. */
  404: Errors,
};

export function makeWorkflows(open: () => { readonly objects: Objects }): Handler<BodyOf<typeof ANSWERS>> {
  return endpoint<typeof REQUEST, typeof ANSWERS>(REQUEST, async () => {
    const deployed = await deployedWorkflows(open().objects);
    if (!deployed) return refusal(404, NOTHING_DEPLOYED);
    const { bundle, workflows } = deployed;
    return { statusCode: 200, body: { bundle, workflows: workflows.map(({ params: _, ...rest }) => rest) } };
  });
}

export const handlerIn = inEnvironment((environment) => makeWorkflows(() => storedState(environment)));

export const handler = handlerIn(ENVIRONMENT);
