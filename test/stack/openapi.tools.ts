/** The API's description by the rules of OpenAPI 3.1. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { project } from '../support/project.ts';
import { pythonTool } from '../support/python-tools.ts';
import { ROOT } from './template.ts';

const validator = pythonTool('openapi-spec-validator');
const WRITTEN = join(ROOT, 'functions/openapi.json');

function validated(file: string): readonly [status: number | null, said: string] {
  const { status, stdout, stderr } = spawnSync(validator as string, [file], { encoding: 'utf8' });
  return [status, `${stdout}${stderr}`];
}

it.skipIf(validator === undefined)('openapi-spec-validator finds nothing in the description', () => {
  expect(validated(WRITTEN)).toEqual([0, `${WRITTEN}: OK\n`]);
});

it.skipIf(validator === undefined)('openapi-spec-validator finds what is wrong with one', async () => {
  const { openapi, info, paths } = JSON.parse(readFileSync(WRITTEN, 'utf8'));
  delete paths['/runs/{run}'].get.parameters;
  const file = join(await project({}), 'openapi.json');
  writeFileSync(file, JSON.stringify({ openapi, info, paths }));
  expect(validated(file)[0]).not.toBe(0);
});
