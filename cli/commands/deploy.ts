/** `redex deploy-code`: makes the project's workflows what new runs of a stack are made of. */
import { deployBundle, deployedBundle } from '../../core/engine/deployed.ts';
import { storeBundle } from '../../core/host/bundle.ts';
import { workflowsOf } from '../../core/values/program.ts';
import { objectsOf } from '../../functions/stored.ts';
import { bundleProject } from '../project.ts';
import { UsageError } from '../usage-error.ts';

interface DeployOptions {
  readonly bucket: string;
  readonly profile?: string | undefined;
  readonly json: boolean;
}

/** Runs that are under way stay with the code that they began with. */
export async function deployCodeCommand(root: string, { bucket, profile, json }: DeployOptions): Promise<void> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]+$/.test(bucket)) throw new UsageError(`${bucket} is no name of a bucket`);
  const bundle = await bundleProject(root, [], profile);
  const objects = objectsOf(bucket);
  const before = await deployedBundle(objects);
  await storeBundle(objects, bundle);
  await deployBundle(objects, bundle.hash);
  const workflows = workflowsOf(bundle.program).map(({ name }) => name);
  const { hash } = bundle;
  if (json) process.stdout.write(`${JSON.stringify({ bucket, bundle: hash, before: before ?? null, workflows })}\n`);
  else process.stdout.write(`${textOf(bucket, hash, before, workflows)}\n`);
}

function textOf(bucket: string, hash: string, before: string | undefined, workflows: readonly string[]): string {
  const what = `${workflows.length} workflow${workflows.length === 1 ? '' : 's'} (${workflows.join(', ')})`;
  if (before === hash) return `${what}: new runs of s3://${bucket} use bundle ${hash} already.`;
  const instead = before === undefined ? '' : ` instead of ${before}`;
  return `${what}: new runs of s3://${bucket} use bundle ${hash}${instead} from now on.`;
}
