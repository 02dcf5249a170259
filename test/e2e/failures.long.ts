/** Samples that fail beside one that does not, each in its own way. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { project } from '../support/project.ts';
import { counts, redex, runEnd } from './command.ts';
import { untilGone } from './leftovers.ts';

const WORKFLOW = `
import { type File, file, script, task, v } from 'redex';

export const main = task('e2e.main', { params: v.object({ fault: v.string() }) }, ({ fault }) => {
  const good = measure('good', prepare('good'), 'none');
  // It fails when the good one is ready.
  return { good, bad: measure('bad', prepare('bad'), fault, good) };
});

const prepare = task('e2e.prepare', {}, (sample: string) =>
  script('echo \${sample} > prepared'.replace('\${sample}', sample), {
    executor: 'batch',
    outputs: file(\`out/\${sample}.prepared\`).stage('prepared'),
  }),
);

const COMMANDS: Record<string, string> = {
  none: 'cat prepared > measured',
  exit: 'echo not these >&2; for n in $(seq 30); do echo noise $n >&2; done; echo last words >&2; exit 1',
  input: 'cat prepared > measured',
  output: 'true',
  unwritable: 'cat prepared > measured',
  full: 'cat prepared > /dev/full',
};

const measure = task('e2e.measure', { includes: [COMMANDS] }, (sample: string, prepared: File, fault: string, _?: File) =>
  script(COMMANDS[fault], {
    executor: 'batch',
    inputs: [prepared.stage('prepared'), fault === 'input' ? file('in/nothing here.txt').stage() : []],
    outputs: file(fault === 'unwritable' ? 'a file/x.txt' : \`out/\${sample}.\${fault}\`).stage('measured'),
  }),
);
`;

let folder: string;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  folder = await project({ 'workflow.ts': WORKFLOW, 'a file': '' }, (remove) => cleanups.push(remove));
  await mkdir(join(folder, 'in'));
});

afterAll(() => Promise.all(cleanups.map((clean) => clean())));

describe('a sample fails', { timeout: 240_000 }, () => {
  test.each([
    ['exit', ['exit code 1', 'noise 30', 'last words']],
    ['input', ['in/nothing here.txt']],
    ['output', ['OutputMissing', 'out/bad.output', 'measured']],
    ['unwritable', ['a file/x.txt']],
    ['full', ['No space left on device', 'exit code 1']],
  ])('by %s: the message names the task, the file and the last words', async (fault, said) => {
    const failed = await redex(folder, 'run', 'main', '--fault', fault);
    expect(failed.code).toBe(1);
    for (const words of ['e2e.main', 'e2e.measure', ...said]) expect(failed.stderr).toContain(words);
    // The script's own text stands in the traceback, the first line of what it said does not.
    expect(failed.stderr).not.toContain('\nnot these');
    expect(await untilGone(folder)).toEqual(new Map());
  });

  test('the other one is kept, and it ends well when it is repaired', async () => {
    const failed = await redex(folder, 'run', 'main', '--fault', 'input', '--json');
    expect(failed.code).toBe(1);
    const before = runEnd(failed);
    expect(before.status).toBe('FAILED');
    expect(counts(before, 'cached')).toMatchObject({ 'e2e.prepare': 2, 'e2e.measure': 1, 'redex.script': 3 });
    await writeFile(join(folder, 'in/nothing here.txt'), 'here it is');
    const end = runEnd(await redex(folder, 'run', 'main', '--fault', 'input', '--json'));
    expect(end.status).toBe('DONE');
    expect(counts(end, 'done')).toMatchObject({ 'redex.script': 1 });
  });
});
