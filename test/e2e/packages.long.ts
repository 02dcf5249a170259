/** A whole run with a package that has a native addon, in the reducer's worker and in a job's. */
import { realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { project } from '../support/project.ts';
import { redex, runEnd } from './command.ts';

const WORKFLOW = `import { task, v } from 'redex';
import { ClassicLevel } from 'classic-level';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';

async function kept(value: string) {
  const database = new ClassicLevel(mkdtempSync(tmpdir() + '/redex-level-'));
  await database.put('key', value);
  const read = await database.get('key');
  await database.close();
  return read;
}
const inline = task('e2e.inline', {}, () => kept('inline'));
const job = task('e2e.job', { executor: 'batch' }, () => kept('in a job'));
export const main = task('e2e.main', { params: v.object({}) }, () => [inline(), job()]);
`;

it('a package with a native addon is there inline and in jobs', async () => {
  const folder = await project({ 'package.json': '{"type":"module"}', 'workflow.ts': WORKFLOW });
  symlinkSync(realpathSync(join(import.meta.dirname, '../../node_modules')), join(folder, 'node_modules'));
  expect(runEnd(await redex(folder, 'run', 'e2e.main', '--json'))).toMatchObject({
    status: 'DONE',
    result: ['inline', 'in a job'],
  });
});
