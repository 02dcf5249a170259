/** Files whose names nobody should choose, in a project whose folder has one too, through a whole run. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bytesOf } from '../../core/files/names.ts';
import { scratchFolder } from '../support/project.ts';
import { COMMAND, counts, redex, runEnd } from './command.ts';

const NAMES = [
  'two  spaces.txt',
  'it\'s "quoted" `here`.txt',
  'Ünï¢ødé 名前 🧬.txt',
  'new\nline.txt',
  '-rf',
  '$(touch pwned) & ; | > <.txt',
  '100%25+plus#hash?.txt',
  'back\\slash*.txt',
];

const WORKFLOW = `
import { type Dir, dir, type File, file, script, task, v } from 'redex';

export const main = task('e2e.names', { params: v.object({ names: v.array(v.string()) }) }, ({ names }) => ({
  copies: names.map((name) => copy(name, file(\`in/\${name}\`))),
  folders: names.map((name) => pack(name, file(\`in/\${name}\`))),
}));

/** A directory through a script, and its names as they are printed. */
export const bytes = task('e2e.bytes', { params: v.object({}) }, () =>
  list(script('cp -r in made', { executor: 'batch', inputs: dir('bytes').stage('in'), outputs: dir('copied').stage('made') })),
);

export const one = task('e2e.one', { params: v.object({ from: v.file() }) }, ({ from }) =>
  script('cat in', { executor: 'batch', inputs: from.stage('in') }),
);

const list = task('e2e.list', {}, async (made: Dir) => (await made.list()).map((each) => each.name));

const copy = task('e2e.copy', {}, (name: string, from: File) =>
  script('test "$(ls | wc -l)" -ge 1; cat ./* > "$RESULT"', {
    executor: 'batch',
    inputs: from.stage(),
    outputs: file(\`out/\${name}\`).stage('result of it'),
    env: { RESULT: 'result of it' },
  }),
);

const pack = task('e2e.pack', {}, (name: string, from: File) =>
  script('mkdir made; cp -- "$NAME" made/', {
    executor: 'batch',
    inputs: from.stage(name),
    outputs: dir(\`folders/\${name}/\`).stage('made/'),
    env: { NAME: name },
  }),
);
`;

let folder: string;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  folder = join(await scratchFolder((remove) => cleanups.push(remove)), 'my "own" projéct\'s $HOME');
  await mkdir(join(folder, 'in'), { recursive: true });
  await writeFile(join(folder, 'workflow.ts'), WORKFLOW);
  for (const name of NAMES) await writeFile(join(folder, 'in', name), `text of ${name}`);
  await writeFile(join(folder, 'args.json'), JSON.stringify({ names: NAMES }));
});

afterAll(() => Promise.all(cleanups.map((clean) => clean())));

test('files of any name are read, written, recognised and reused', { timeout: 240_000 }, async () => {
  const words = ['run', 'names', '--args-file', 'args.json', '--json'];
  const ended = await redex(folder, ...words);
  expect(ended.code, ended.stderr).toBe(0);
  for (const name of NAMES) {
    expect(await readFile(join(folder, 'out', name), 'utf8')).toBe(`text of ${name}`);
    expect(await readFile(join(folder, 'folders', name, name), 'utf8')).toBe(`text of ${name}`);
  }
  expect(existsSync(join(folder, 'pwned'))).toBe(false);

  const again = runEnd(await redex(folder, ...words));
  expect(again).toMatchObject({ status: 'DONE', result: runEnd(ended).result });
  expect(counts(again, 'done')).toEqual({});

  await writeFile(join(folder, 'in', NAMES[3] ?? ''), 'other text');
  expect(counts(runEnd(await redex(folder, ...words)), 'done')).toMatchObject({ 'redex.script': 2 });
});

test('names that are no UTF-8 are told apart, printed escaped, and reused', { timeout: 240_000 }, async () => {
  const names = ['caf\\xe9', 'caf\\xea', 'café', '\\xff/deep \\x80'];
  for (const name of names) {
    const path = join(folder, 'bytes', name);
    await mkdir(bytesOf(dirname(path)), { recursive: true });
    await writeFile(bytesOf(path), 'x');
  }
  const end = runEnd(await redex(folder, 'run', 'bytes', '--json'));
  expect(end).toMatchObject({ status: 'DONE', result: ['deep \\x80', 'caf\\xe9', 'caf\\xea', 'café'] });
  expect(await readFile(bytesOf(join(folder, 'copied', '\\xff/deep \\x80')), 'utf8')).toBe('x');
  expect(counts(runEnd(await redex(folder, 'run', 'bytes', '--json')), 'done')).toEqual({});

  await rename(bytesOf(join(folder, 'bytes/caf\\xe9')), bytesOf(join(folder, 'bytes/caf\\xe8')));
  const renamed = runEnd(await redex(folder, 'run', 'bytes', '--json'));
  expect(renamed.result).toEqual(['deep \\x80', 'caf\\xe8', 'caf\\xea', 'café']);
});

test.runIf(existsSync('/proc/self/cmdline'))(
  'a name that is no UTF-8 is taken from the command line as it was typed, to the byte',
  { timeout: 240_000 },
  async () => {
    await writeFile(bytesOf(join(folder, 'in', 'caf\\xe9.txt')), 'coffee');
    const typed = `exec "$0" "$1" run one --json --from "$(printf 'in/caf\\351.txt')"`;
    const { stdout } = await promisify(execFile)('sh', ['-c', typed, process.execPath, COMMAND], { cwd: folder });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'DONE', result: 'coffee' });
  },
);
