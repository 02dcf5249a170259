/** The Dockerfiles by the rules of hadolint, where that is installed. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PATH = [join(ROOT, '.venv/bin'), process.env.PATH].join(delimiter);
const isThere = spawnSync('hadolint', ['--version'], { env: { PATH } }).status === 0;
if (!isThere) console.warn('the Dockerfiles are not checked: there is no hadolint here');

const files = readdirSync(join(ROOT, 'docker')).filter((name) => name.endsWith('Dockerfile'));

it.skipIf(!isThere).each(files)('hadolint finds nothing in %s', (name) => {
  const { status, stdout } = spawnSync('hadolint', [join(ROOT, 'docker', name)], { env: { PATH }, encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, '']);
});
