/** The workflows of the bundle that new runs are pinned to. */

import * as v from 'valibot';
import { deployedBundle } from '../core/engine/deployed.ts';
import { getSealed, keys } from '../core/engine/objects.ts';
import type { Objects } from '../core/engine/ports.ts';
import type { Hash } from '../core/values/ids.ts';
import { type Program, type WorkflowInfo, workflowsOf } from '../core/values/program.ts';

export const NOTHING_DEPLOYED = 'no workflows were deployed';

export const WorkflowEntries = v.strictObject({
  name: v.string(),
  description: v.optional(v.string()),
  params: v.pipe(v.unknown(), v.description('JSON Schema of its arguments; files and directories are texts')),
  place: v.optional(v.pipe(v.string(), v.description('Where it is written: path:line'))),
});

/** undefined before code was deployed. */
export async function deployedWorkflows(
  objects: Objects,
): Promise<
  | { readonly bundle: Hash; readonly workflows: readonly WorkflowInfo[]; readonly context: Program['context'] }
  | undefined
> {
  const bundle = await deployedBundle(objects);
  if (bundle === undefined) return undefined;
  const program = await getSealed<Program>(objects, keys.program(bundle));
  return { bundle, workflows: workflowsOf(program), context: program.context };
}
