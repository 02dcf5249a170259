/** Names of files are bytes: into a script and out of it. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Dir, File } from '../../core/values/classes.ts';
import { openTestbed, type Testbed } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

const NAMES = ['caf\xe9', '\xff\xfe', 'new\nline', '\x1b[2J', 'space at its end ', '-rf', '\\xe9', '\\x5c'].map(
  (name) => Buffer.from(name, 'latin1'),
);

/** The names in a folder, by their bytes. */
async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(join(testbed.files, folder), { encoding: 'buffer' }))
    .map((name) => name.toString('latin1'))
    .sort();
}

it('a directory is staged and taken out with the names that its files have, whatever their bytes are', async () => {
  await mkdir(join(testbed.files, 'in'));
  for (const name of NAMES) await writeFile(Buffer.concat([Buffer.from(join(testbed.files, 'in/')), name]), name);
  const ended = await testbed.run({
    text: 'for f in in/*; do printf %s "$(basename "$f")" | cmp - "$f"; done; cp -r in made\n',
    inputs: new Dir('in').stage('in'),
    outputs: new Dir('out').stage('made'),
  });
  expect(ended.error).toBeUndefined();
  expect(await namesIn('out')).toEqual(NAMES.map((name) => name.toString('latin1')).sort());
  const again = await testbed.run({ text: 'true\n', inputs: new Dir('in').stage('in'), outputs: new Dir('out') });
  expect(again.value).toEqual(ended.value);
});

it('a file is staged under the name of its location and taken out to another, both with bytes that are no UTF-8', async () => {
  const name = Buffer.from('one \xe9', 'latin1');
  await writeFile(Buffer.concat([Buffer.from(join(testbed.files, '/')), name]), 'text');
  const ended = await testbed.run({
    text: `cp $'one \\xe9' $'two \\xea'\n`,
    inputs: new File('one \\xe9').stage(),
    outputs: new File('made/three \\xeb').stage('two \\xea'),
  });
  expect(ended.error).toBeUndefined();
  expect(await namesIn('made')).toEqual(['three \xeb']);
  const missing = await testbed.run({ text: 'true\n', outputs: new File('made/four').stage('two \\xea') });
  expect(missing.error?.message).toContain('"two \\\\xea"');
});

it('what a user put into a directory that is an output is named, escaped', async () => {
  await mkdir(join(testbed.files, 'foreign'));
  await writeFile(
    Buffer.concat([Buffer.from(join(testbed.files, 'foreign/')), Buffer.from('caf\xe9', 'latin1')]),
    'mine',
  );
  const ended = await testbed.run({ text: 'mkdir d; echo x > d/x\n', outputs: new Dir('foreign').stage('d') });
  expect(ended.error?.message).toContain('it holds caf\\xe9, which no job put there');
});
