/** What can be started: `{}` or `GET /workflows` lists it, `{workflow}` or `GET /workflows/{workflow}` tells of one. */
import middy from '@middy/core';
import * as v from 'valibot';
import { deployedBundle } from '../core/engine/deployed.ts';
import { getSealed, keys } from '../core/engine/objects.ts';
import type { Objects } from '../core/engine/ports.ts';
import type { Hash } from '../core/values/hash.ts';
import type { Program } from '../core/values/program.ts';
import { type Answer, httpOrDirect } from './http.ts';
import { type Handler, handlerOf } from './invocation.ts';
import { problemsOf } from './page.ts';
import { storedState } from './stored.ts';

const WorkflowsRequest = v.strictObject({ workflow: v.optional(v.string()) });

export interface Workflow {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema of the arguments; files and directories are texts of format redex-file and redex-dir. */
  readonly parameters: unknown;
  /** `path:line` in the project. */
  readonly place?: string | undefined;
}

export type WorkflowsAnswer =
  | { readonly bundle: Hash; readonly workflows: readonly Omit<Workflow, 'parameters'>[] }
  | (Workflow & { readonly bundle: Hash })
  | { readonly errors: readonly string[] };

/** Answers 200; 400 for a request that is none; 404 without such a workflow, or before code was deployed. */
export function makeWorkflows(open: () => { readonly objects: Objects }): Handler<WorkflowsAnswer> {
  const wrapped = middy()
    .use(httpOrDirect())
    .handler(async (event: unknown): Promise<Answer> => {
      const parsed = v.safeParse(WorkflowsRequest, event);
      if (!parsed.success) return { statusCode: 400, body: { errors: problemsOf(parsed.issues) } };
      const { objects } = open();
      const bundle = await deployedBundle(objects);
      if (bundle === undefined) return missing('no workflows were deployed');
      const workflows = workflowsOf((await getSealed(objects, keys.program(bundle))) as Program);
      const { workflow: asked } = parsed.output;
      if (asked === undefined) {
        return { statusCode: 200, body: { bundle, workflows: workflows.map(({ parameters: _, ...rest }) => rest) } };
      }
      const found = workflows.find(({ name }) => name === asked);
      return found ? { statusCode: 200, body: { bundle, ...found } } : missing(`there is no workflow ${asked}`);
    });
  return handlerOf(wrapped);
}

function missing(problem: string): Answer {
  return { statusCode: 404, body: { errors: [problem] } };
}

function workflowsOf({ tasks }: Program): Workflow[] {
  return Object.entries(tasks)
    .filter(([, { params }]) => params !== undefined)
    .map(([name, { description, params, place }]) => ({ name, description, parameters: params, place }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export const handler = makeWorkflows(storedState);
