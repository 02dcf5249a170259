/** The template by the rules of cfn-lint. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { project } from '../support/project.ts';
import { pythonTool } from '../support/python-tools.ts';
import { packaged } from './template.ts';

const cfnLint = pythonTool('cfn-lint');

/** Conditions are decided when the template is packaged (W1001, W1028, W8003), and the framework names dependencies twice (W3005). */
const PASSED_OVER = ['W1001', 'W1028', 'W3005', 'W8003'];

it.skipIf(cfnLint === undefined).each([
  ['by itself', {}],
  [
    'with all queues',
    { fargate: 'true', gpu: 'true', highMemory: 'true', alarmTopic: 'arn:aws:sns:us-east-1:123456789012:ops' },
  ],
  [
    'with what an account has',
    { bucket: 'lab', queue: 'lab', subnets: 'subnet-0123abcd,subnet-0123abce', securityGroups: 'sg-0123abcd' },
  ],
])('cfn-lint finds nothing in the template %s', async (_, parameters) => {
  const file = join(await project({}), 'template.json');
  writeFileSync(file, JSON.stringify(packaged(parameters)));
  const words = ['--template', file, '--ignore-checks', ...PASSED_OVER];
  const { status, stdout } = spawnSync(cfnLint as string, words, { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, '']);
});
