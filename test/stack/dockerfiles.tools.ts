/** The Dockerfiles by the rules of hadolint. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pythonTool } from '../support/python-tools.ts';
import { dockerfiles } from './dockerfiles.ts';
import { ROOT } from './template.ts';

const hadolint = pythonTool('hadolint');

it.skipIf(hadolint === undefined).each(dockerfiles())('hadolint finds nothing in %s', (path) => {
  const { status, stdout } = spawnSync(hadolint as string, [join(ROOT, path)], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, '']);
});
