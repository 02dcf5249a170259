import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const TEST_MS_MAX = 120_000;

/** The tour stands in a folder of its own, where `npx redex` means this clone's. */
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'redex-readme-')));
const npx = join(folder, 'npx');
writeFileSync(npx, `#!/bin/sh\nshift\nexec '${process.execPath}' '${join(ROOT, 'cli/redex.mjs')}' "$@"\n`);
chmodSync(npx, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BLOCKS = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  .map(([, block = '']) => block)
  .filter((block) => !block.startsWith('npm ci'));

function run(block: string): string {
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync('bash', ['-euc', block], { cwd: folder, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${block}\nended with ${status}: ${stderr}`);
  return stdout;
}

it('the tour of the README re-runs what it says, and nothing else', { timeout: TEST_MS_MAX }, () => {
  const outputs = BLOCKS.map(run);
  const done = outputs.map((text) => /\| ALL .* (\d+) +(\d+) +(\d+)\n/.exec(text)?.slice(1).map(Number));
  expect(done).toEqual([undefined, [0, 7, 7], [7, 0, 7], [3, 4, 7], [3, 4, 7], [4, 3, 7], [4, 3, 7]]);
  expect(outputs[1]).toMatch(/^\[\['2 the'\], \['3 a'\]\]$/m);
  expect(outputs[6]?.match(/ DONE /g)).toHaveLength(6);
});
