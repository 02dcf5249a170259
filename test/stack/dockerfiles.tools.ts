/** The Dockerfiles by the rules of hadolint. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pythonTool } from '../support/python-tools.ts';

const DOCKER = join(import.meta.dirname, '../../docker');
const hadolint = pythonTool('hadolint');

const files = readdirSync(DOCKER).filter((name) => name.endsWith('Dockerfile'));

it.skipIf(hadolint === undefined).each(files)('hadolint finds nothing in %s', (name) => {
  const { status, stdout } = spawnSync(hadolint as string, [join(DOCKER, name)], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, '']);
});
