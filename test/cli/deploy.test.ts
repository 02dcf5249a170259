/** `redex deploy-code`, on a bucket that is on this machine. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begin } from '../e2e/command.ts';
import { type PlainS3, startPlainS3 } from '../support/plain-s3.ts';
import { project } from '../support/project.ts';

const workflow = (answer: number) => `import { task, v } from 'redex';
export const main = task('lab.main', { params: v.object({}) }, () => ${answer});`;

describe('deploying code', () => {
  let s3: PlainS3;
  beforeAll(async () => {
    s3 = await startPlainS3();
  });
  afterAll(() => s3.stop());

  const deploy = (folder: string, ...words: string[]) =>
    begin(folder, ['deploy-code', ...words], {
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_REGION: 'us-east-1',
    }).ended;

  it('stores the bundle with its program, and then says that it is the one', async () => {
    const folder = await project({ 'package.json': '{"type":"module"}', 'workflow.ts': workflow(1) });
    const first = await deploy(folder, '--bucket', 'lab', '--json');
    const { bundle } = JSON.parse(first.stdout);
    expect(JSON.parse(first.stdout)).toEqual({ bucket: 'lab', bundle, before: null, workflows: ['lab.main'] });
    expect(s3.writes).toEqual(
      [`${bundle}.mjs`, `${bundle}.json`, 'deployed.json'].map((name) =>
        expect.stringContaining(`/lab/bundles/${name}`),
      ),
    );
    const again = await deploy(folder, '--bucket', 'lab');
    expect(again).toMatchObject({
      code: 0,
      stdout: `1 workflow (lab.main): new runs of s3://lab use bundle ${bundle} already.\n`,
    });
    await writeFile(join(folder, 'workflow.ts'), workflow(2));
    const { stdout } = await deploy(folder, '--bucket', 'lab');
    expect(stdout).toMatch(new RegExp(`use bundle [0-9a-f]{40} instead of ${bundle} from now on\\.\n$`));
  });

  it('refuses what is no bucket, and a project without workflows, and stores nothing', async () => {
    const before = s3.writes.length;
    const folder = await project({ 'package.json': '{"type":"module"}' });
    expect(await deploy(folder, '--bucket', 's3://lab/')).toMatchObject({ code: 2 });
    expect(await deploy(folder, '--bucket', 'lab')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no workflow in'),
    });
    expect(await deploy(folder)).toMatchObject({ code: 2, stderr: expect.stringContaining('--bucket') });
    expect(s3.writes).toHaveLength(before);
  });
});
