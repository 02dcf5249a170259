/** The program that the command line starts from: made when it is first needed, and anew when a source has changed. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { ROOT } from './template.ts';

const root = mkdtempSync(join(tmpdir(), 'redex-command-'));
const cache = join(root, 'node_modules', '.cache');

for (const name of [
  'cli',
  'core',
  'docker/runner',
  'functions',
  'local',
  'package.json',
  'package-lock.json',
  'stack',
]) {
  cpSync(join(ROOT, name), join(root, name), { recursive: true });
}
mkdirSync(join(root, 'node_modules'));
for (const name of readdirSync(join(ROOT, 'node_modules'))) {
  if (name !== '.cache') symlinkSync(join(ROOT, 'node_modules', name), join(root, 'node_modules', name));
}

afterAll(() => rmSync(root, { recursive: true, force: true }));

async function version(): Promise<string> {
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(root, 'cli/redex.mjs'), '--version'], {
    cwd: root,
    env,
  });
  expect(stderr).toBe('');
  return stdout.trim();
}

function programs(): string[] {
  return readdirSync(join(cache, 'redex/programs')).sort();
}

it('is made once, also by two commands at once, and kept while no source has changed', async () => {
  expect(await Promise.all([version(), version()])).toEqual(['0.1.0', '0.1.0']);
  const made = programs();
  expect(made).toHaveLength(1);
  await version();
  // As in a clone: other times, and the same contents.
  utimesSync(join(root, 'cli/main.ts'), 1, 1);
  await version();
  expect(programs()).toEqual(made);
});

it('is made anew when a source has changed', async () => {
  const before = programs();
  writeFileSync(
    join(root, 'cli/umask.ts'),
    "export const TYPED_UMASK = process.umask(0o077);\nprocess.stdout.write('changed ');\n",
  );
  expect(await version()).toBe('changed 0.1.0');
  expect(programs()).toHaveLength(before.length + 1);
});

it('is done without where it cannot be kept: the sources are loaded themselves', async () => {
  rmSync(cache, { recursive: true });
  writeFileSync(cache, 'no folder');
  expect(await version()).toBe('changed 0.1.0');
});
