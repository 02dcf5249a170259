/**
 * The packaged stack with workflows in it: this repository's, some that are made for the tests, and inputs for
 * `workflows/bioinfo-batch`.
 */
import { readFileSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { RequestOf } from '../../cli/client.ts';
import { writeInputs } from '../workflow/inputs.ts';
import { makeProject } from '../workflow/project.ts';
import { BUCKET, type CloudOptions, type CloudWorld, deployCode, openCloudWorld } from './world.ts';

const CLOUD = `import { type File, script, task, v } from '../../core/index.ts';
export const quick = task('cloud.quick', { params: v.object({ n: v.optional(v.number(), 1) }) }, ({ n }) => {
  console.log('said by an author');
  return n + 1;
});
export const slow = task('cloud.slow', { params: v.object({}) }, () => script('sleep 60'));
const half = task('cloud.half', { executor: 'batch' }, (n: number) => n / 2);
export const many = task('cloud.many', { params: v.object({ to: v.number() }) }, ({ to }) =>
  Array.from({ length: to }, (_, n) => half(n)));
const inc = task('cloud.inc', (n: number) => n + 1);
export const inline = task('cloud.inline', { params: v.object({ to: v.number() }) }, ({ to }) =>
  Array.from({ length: to }, (_, n) => inc(n)));
export const scripts = task('cloud.scripts', { params: v.object({ to: v.number() }) }, ({ to }) =>
  Array.from({ length: to }, (_, n) => script(\`echo \${n}\`)));
export const flaky = task('cloud.flaky', { params: v.object({ gate: v.file() }) }, ({ gate }) =>
  [half(40), talks(1), script('test "$(cat gate)" = open', { inputs: [gate.stage('gate')] })]);
const talks = task('cloud.talks', { executor: 'batch' }, (n: number) => {
  console.log('first line\\nsecond line');
  return n;
});
const lines = task('cloud.lines', async (sheet: File) => (await sheet.text()).split('\\n').filter(Boolean));
export const sheet = task('cloud.sheet', { params: v.object({ sheet: v.file(), n: v.optional(v.number(), 1) }) },
  ({ sheet }) => lines(sheet));
const whose = task('cloud.whose', (n: number) => \`inline of A \${n}\`);
const job = task('cloud.job', { executor: 'batch' }, (n: number) => \`job of A \${n}\`);
const next = task('cloud.next', (n: number) => [job(n + 1), whose(n + 1)]);
export const pinned = task('cloud.pinned', { params: v.object({}) }, () => [job(1), whose(1), next(half(1_000))]);
`;

export interface Summary {
  readonly run: string;
  readonly status: string;
  readonly result?: readonly unknown[];
  readonly traceback?: string;
  readonly tally: Readonly<Record<string, { readonly done: number; readonly cached: number; readonly failed: number }>>;
}

/** What `workflows/bioinfo-batch` is asked for on its inputs here. */
export function seedRequest(outputPath: string): RequestOf<'start'> {
  const args = { samplesFile: `s3://${BUCKET}/in/samples.txt`, outputPath: `s3://${BUCKET}/${outputPath}` };
  return { workflow: 'bioinfo_batch.main', args };
}

export interface Deployed {
  readonly world: CloudWorld;
  /** The project that was deployed, which holds the inputs, too. */
  readonly folder: string;
  /** Gives the run's id. */
  start(request: object): Promise<string>;
  /** As whoever names the run may: asked again it is the same one. */
  startAnyway(request: RequestOf<'start'> & { readonly run: string }): Promise<string>;
  status(run: string): Promise<Summary>;
  /** Its summary when nothing goes on any more. */
  ended(run: string): Promise<Summary>;
  /** Deploys the project once more, with this in place of that in the tests' own workflows. */
  deploy(that: string, by: string): Promise<void>;
  close(): Promise<void>;
}

export async function openDeployed(
  cleanup: (remove: () => Promise<void>) => void,
  options: CloudOptions = {},
): Promise<Deployed> {
  const world = await openCloudWorld(cleanup, options);
  const { folder, remove } = await makeProject();
  const workflow = join(folder, 'workflows/cloud/workflow.ts');
  await writeInputs(folder);
  await mkdir(join(folder, 'workflows/cloud'));
  await writeFile(workflow, CLOUD);
  for (const path of await readdir(join(folder, 'in'), { recursive: true, withFileTypes: true })) {
    if (!path.isFile()) continue;
    const file = join(path.parentPath, path.name);
    const Key = file.slice(folder.length + 1);
    await world.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: readFileSync(file) }));
  }
  const deploy = () => deployCode(world, folder, '--profile', 'debian');
  deploy();

  const start = async (request: object): Promise<string> => {
    const answer = (await world.invoke('start', request)) as { run?: string; errors?: string[] };
    if (answer.run === undefined) throw new Error(JSON.stringify(answer));
    return answer.run;
  };
  const status = (run: string) => world.invoke('status', { run }) as Promise<Summary>;
  return {
    world,
    folder,
    start,
    status,
    async startAnyway(request) {
      for (let tries = 0; ; tries++) {
        try {
          return await start(request);
        } catch (error) {
          if (tries > 10) throw error;
        }
      }
    },
    async ended(run) {
      await world.settle();
      return status(run);
    },
    async deploy(that, by) {
      const text = readFileSync(workflow, 'utf8');
      await writeFile(workflow, text.replaceAll(that, by));
      deploy();
    },
    async close() {
      await world.close();
      await remove();
    },
  };
}

/** Of all tasks together. */
export function countsOf({ tally }: Pick<Summary, 'tally'>): { done: number; cached: number; failed: number } {
  const sum = { done: 0, cached: 0, failed: 0 };
  for (const { done, cached, failed } of Object.values(tally)) {
    sum.done += done;
    sum.cached += cached;
    sum.failed += failed;
  }
  return sum;
}
