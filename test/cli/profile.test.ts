import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunOptions, runCommand } from '../../cli/commands/run.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'redex-profile-'));
  await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(root, 'node_modules'));
  const task = (name: string, parameter: string) =>
    `task('p.${name}', { params: v.object({ ${parameter}: v.string() }) }, (given) => given)`;
  const core = fileURLToPath(new URL('../../core/index.ts', import.meta.url));
  await writeFile(
    join(root, 'workflow.ts'),
    `import { task, v } from '${core}';\n${task('main', 'profile')};\n${task('other', 'name')};\n`,
  );
});

afterAll(() => rm(root, { recursive: true }));

const OPTIONS: RunOptions = {
  typed: [],
  cache: true,
  failure: 'drain',
  tags: {},
  context: [],
  json: false,
  dryRun: false,
};

const run = (workflow: string) =>
  runCommand({ root, stack: undefined }, [workflow], { ...OPTIONS, profile: 'fast', typed: ['--profile'] });

it('a --profile that no configuration has may have been meant for a workflow that takes one: both are said', async () => {
  await expect(run('main')).rejects.toThrow(
    '--profile is an option of redex run and a parameter of p.main (profile): what stands after -- is the workflow',
  );
  await expect(run('p.other')).rejects.toThrow('has no profile "fast"');
});

it('what a stack cannot heed is refused before it is asked', async () => {
  const onAws = (options: Partial<RunOptions>) =>
    runCommand({ root, stack: 'redex-dev' }, ['p.main'], { ...OPTIONS, ...options });
  await expect(onAws({ profile: 'fast' })).rejects.toThrow('what was deployed has its profile');
  await expect(onAws({ chaos: 1 })).rejects.toThrow('--chaos is for the local cloud');
});
