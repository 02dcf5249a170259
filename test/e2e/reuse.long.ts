/** What is started again, counted in the local Batch's own log. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { project } from '../support/project.ts';
import { redex, runEnd } from './command.ts';
import { startsOf } from './execution.ts';

const WORKFLOW = `
import { type File, file, script, task, v } from 'redex';

export const main = task('e2e.main', { params: v.object({}) }, () => [read(plain()), read(stamped())]);

/** The same bytes each time. */
const plain = task('e2e.plain', {}, () =>
  script('cat in.txt > made', {
    executor: 'batch',
    memory: 1,
    inputs: file('in.txt').stage(),
    outputs: file('out/plain.txt').stage('made'),
  }),
);

/** Other bytes each time. */
const stamped = task('e2e.stamped', {}, () =>
  script('date +%s.%N > made', { executor: 'batch', outputs: file('out/stamped.txt').stage('made') }),
);

/** Two scripts that write one place in turn. */
export const turns = task('e2e.turns', { params: v.object({}) }, () => {
  const outputs = file('out/turns.txt').stage('made');
  const first = script('date +%s.%N > made', { executor: 'batch', outputs });
  return script('echo second >> made', { executor: 'batch', inputs: first.stage('made'), outputs });
});

const read = task('e2e.read', {}, (made: File) =>
  script('wc -l < made', { executor: 'batch', inputs: made.stage('made') }),
);
`;

let folder: string;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  folder = await project({ 'workflow.ts': WORKFLOW, 'in.txt': 'one\n' }, (remove) => cleanups.push(remove));
});

afterAll(() => Promise.all(cleanups.map((clean) => clean())));

async function edit(from: string, to: string): Promise<void> {
  const path = join(folder, 'workflow.ts');
  const text = await readFile(path, 'utf8');
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
}

function remove(path: string): Promise<void> {
  return rm(join(folder, path));
}

test('a job is started again when its text, its inputs or its outputs are others, and at no other time', {
  timeout: 240_000,
}, async () => {
  const started: Record<string, number> = {};
  const run = async (after: string, lines = '1\n') => {
    const before = startsOf(folder);
    expect(runEnd(await redex(folder, 'run', 'main', '--json'))).toMatchObject({ result: [lines, '1\n'] });
    started[after] = startsOf(folder) - before;
  };
  await run('nothing before');
  await run('no change');
  await remove('out/plain.txt');
  await run('a lost output that is made with the same bytes');
  await remove('out/stamped.txt');
  await run('a lost output that is made with other bytes');
  await edit('memory: 1', 'memory: 2');
  await run('more memory');
  await edit("'cat in.txt > made'", "'cat < in.txt > made'");
  await run('another text with the same output');
  await edit("'cat < in.txt > made'", "'cat in.txt in.txt > made'");
  await run('another text with another output', '2\n');
  await edit("'cat in.txt in.txt > made'", "'cat < in.txt > made'");
  await run('the text of before, whose output is another by now');
  await writeFile(join(folder, 'in.txt'), 'one\n');
  await run('an input that was only touched');
  await writeFile(join(folder, 'in.txt'), 'one\ntwo\n');
  await run('another input', '2\n');
  expect(started).toEqual({
    'nothing before': 4,
    'no change': 0,
    'a lost output that is made with the same bytes': 1,
    'a lost output that is made with other bytes': 2,
    'more memory': 0,
    'another text with the same output': 1,
    'another text with another output': 2,
    // It is made again; what was read of those bytes is known.
    'the text of before, whose output is another by now': 1,
    'an input that was only touched': 0,
    // Its reader has seen such a file at the same place, if not from this text.
    'another input': 2,
  });
});

test('scripts that write one place in turn are started again together, and only when something changed', {
  timeout: 240_000,
}, async () => {
  const started = async () => {
    const before = startsOf(folder);
    expect(runEnd(await redex(folder, 'run', 'turns', '--json'))).toMatchObject({ status: 'DONE' });
    return startsOf(folder) - before;
  };
  expect(await started()).toBe(2);
  expect(await started()).toBe(0);
  await edit('echo second', 'echo  second');
  expect(await started()).toBe(2);
});
