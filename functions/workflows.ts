/** What can be started: `{}` or `GET /workflows` lists it, `{workflow}` or `GET /workflows/{workflow}` tells of one. */
import middy from '@middy/core';
import * as v from 'valibot';
import { deployedBundle } from '../core/engine/deployed.ts';
import { getSealed, keys } from '../core/engine/objects.ts';
import type { Objects } from '../core/engine/ports.ts';
import type { Hash } from '../core/values/hash.ts';
import { type Program, type Workflow, workflowsOf } from '../core/values/program.ts';
import { httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { refusal, withRequest } from './run-request.ts';
import { storedState } from './stored.ts';

const WorkflowsRequest = v.strictObject({ workflow: v.optional(v.string()) });

export type WorkflowsAnswer =
  | { readonly bundle: Hash; readonly workflows: readonly Omit<Workflow, 'params'>[] }
  /** `context`: what its tasks read by `context(…)`, unless a run is given more. */
  | (Workflow & { readonly bundle: Hash; readonly context: Program['context'] })
  | { readonly errors: readonly string[] };

/** Answers 200; 400 for a request that is none; 404 without such a workflow, or before code was deployed. */
export function makeWorkflows(open: () => { readonly objects: Objects }): Handler<WorkflowsAnswer> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler((event: unknown) =>
      withRequest(WorkflowsRequest, event, async ({ workflow: asked }) => {
        const { objects } = open();
        const bundle = await deployedBundle(objects);
        if (bundle === undefined) return refusal(404, 'no workflows were deployed');
        const program = (await getSealed(objects, keys.program(bundle))) as Program;
        const workflows = workflowsOf(program);
        if (asked === undefined) {
          return { statusCode: 200, body: { bundle, workflows: workflows.map(({ params: _, ...rest }) => rest) } };
        }
        const found = workflows.find(({ name }) => name === asked);
        if (!found) return refusal(404, `there is no workflow ${asked}`);
        return { statusCode: 200, body: { bundle, ...found, context: program.context } };
      }),
    );
  return handlerOf(wrapped);
}

export const handler = makeWorkflows(storedState);
