/** The code that a run is made of: of the project, of a file, or what was deployed. */
import type { Bundle } from '../../core/host/bundle.ts';
import type { Hash } from '../../core/values/ids.ts';
import { type WorkflowInfo, workflowsOf } from '../../core/values/program.ts';
import { refuseAmbiguous } from '../arguments.ts';
import { bundleProject } from '../project.ts';
import { reading } from '../session/reading.ts';
import type { Where } from '../session/where.ts';

interface CodeOptions {
  readonly profile?: string;
  /** Options that were typed where a parameter of the workflow might have been meant, as `--tag`. */
  readonly typed: readonly string[];
}

/** What a run is to be made of. */
export interface WorkflowCode {
  readonly hash: Hash;
  /** To be put where runs find it; undefined: it was deployed. */
  readonly bundle: Bundle | undefined;
  readonly workflows: readonly Omit<WorkflowInfo, 'params'>[];
  look(
    workflow: string,
  ): Promise<{ readonly workflow: WorkflowInfo; readonly context: Readonly<Record<string, unknown>> }>;
}

/** On AWS what was deployed, unless a file is named: that is edited code, and for whoever may deploy it. */
export function codeOf(
  where: Where,
  files: readonly string[],
  name: string | undefined,
  options: CodeOptions,
): Promise<WorkflowCode> {
  return where.stack !== undefined && files.length === 0 ? deployedCode(where) : ownCode(where, files, name, options);
}

async function ownCode({ root }: Where, files: readonly string[], name: string | undefined, options: CodeOptions) {
  const bundle = await bundled(root, files, name, options);
  const { context } = bundle.program;
  const workflows = workflowsOf(bundle.program);
  const look = (chosen: string) => {
    const workflow = workflows.find((one) => one.name === chosen);
    return workflow
      ? Promise.resolve({ workflow, context })
      : Promise.reject(new Error(`there is no workflow ${chosen}`));
  };
  return { hash: bundle.hash, bundle, workflows, look };
}

async function deployedCode(where: Where): Promise<WorkflowCode> {
  return await reading(where, async ({ client }) => {
    const { bundle: hash, workflows = [] } = await client.call('workflows', {});
    const look = async (chosen: string) => {
      const { context = {}, ...workflow } = await client.call('workflow', { workflow: chosen });
      return { workflow, context };
    };
    return { hash, bundle: undefined, workflows, look };
  });
}

/** What was typed as --profile may have been meant for the workflow, and then the project has no such profile. */
async function bundled(
  root: string,
  files: readonly string[],
  name: string | undefined,
  { profile, typed }: CodeOptions,
): Promise<Bundle> {
  try {
    return await bundleProject(root, files, profile);
  } catch (thrown) {
    if (name === undefined || !typed.includes('--profile')) throw thrown;
    const { program } = await bundleProject(root, files, undefined).catch(() => Promise.reject(thrown));
    const workflows = workflowsOf(program).filter((one) => one.name === name || one.name.endsWith(`.${name}`));
    for (const workflow of workflows) refuseAmbiguous(workflow, ['--profile']);
    throw thrown;
  }
}
