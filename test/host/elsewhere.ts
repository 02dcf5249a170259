/** Bundles run where nothing of their project is left. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { folderObjects } from '../../core/disk/objects.ts';
import { bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import { workerHost } from '../../core/host/host.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import { project } from '../support/project.ts';

export type Files = Readonly<Record<string, string>>;

/** Runs the task `t` of workflow.ts where nothing of the project is left but its bundle. */
export async function runElsewhere(
  files: Files,
  before: (folder: string) => Promise<void> = () => Promise.resolve(),
  installed?: Files,
) {
  const folder = await project({ 'package.json': '{"type":"module"}', ...files }, afterAll);
  await before(folder);
  const said: string[] = [];
  const made = await bundleProgram({ entries: [join(folder, 'workflow.ts')], log: (text) => void said.push(text) });
  const elsewhere = await project({}, afterAll);
  const objects = folderObjects(join(elsewhere, 'store'));
  await storeBundle(objects, made);
  await rename(folder, `${folder}-gone`);
  await rm(`${folder}-gone`, { recursive: true });
  const host = workerHost({
    objects,
    folder: join(elsewhere, 'bundles'),
    project: await project(installed ?? {}, afterAll),
  });
  const result = await host.run(made.hash, 't', encode([]));
  await host.close();
  const refuse = () => undefined;
  const value = decode(result.ok ? result.table : result.error, { task: refuse, expression: refuse });
  return { value, said, hash: made.program.tasks.t?.hash };
}

export const workflow = (code: string) => `import { task } from 'redex';\n${code}`;
