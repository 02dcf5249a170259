import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stageOut } from '../../core/files/staging.ts';
import { openStores } from '../../core/files/stores.ts';
import { Dir, File } from '../../core/values/classes.ts';
import { scratchFolder } from '../support/project.ts';
import { type Ended, openTestbed, type Testbed } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

/** A script that makes a directory of these files, each with its own name in it. */
function make(place: string, ...names: string[]): Promise<Ended> {
  const lines = names.map((name) => `mkdir -p "$(dirname d/${name})"; echo ${name} > d/${name}`);
  return testbed.run({ text: `mkdir d\n${lines.join('\n')}\n`, outputs: new Dir(place).stage('d') });
}

async function files(place: string): Promise<string[]> {
  const entries = await readdir(join(testbed.files, place), { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => !entry.isDirectory());
  return found
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(testbed.files, place).length + 1))
    .sort();
}

/** Puts `source/c` in the place of a directory, as a job does, and is killed before that renaming of it. */
const KILLED_WHILE_REPLACING = `
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const [root, place, at, placed] = process.argv.slice(1);
const { rename } = fs;
let renamings = 0;
fs.rename = (from, to) => {
  if ([String(from), String(to)].includes(root + '/' + place) && ++renamings === Number(at)) process.kill(process.pid, 'SIGKILL');
  return rename(from, to);
};
syncBuiltinESMExports();
const { stageOut } = await import(${JSON.stringify(join(import.meta.dirname, '../../core/files/staging.ts'))});
const { openStores } = await import(${JSON.stringify(join(import.meta.dirname, '../../core/files/stores.ts'))});
const output = { kind: 'dir', location: place + '/', name: 'source' };
await stageOut(openStores({ root, placed }), output, root, new AbortController().signal);
`;

/** The signal that ended the program. */
async function run(program: string, ...words: string[]): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program, ...words], {
    stdio: 'inherit',
  });
  const [, signal] = await once(child, 'exit');
  return signal;
}

describe('a directory that is an output', () => {
  it('holds exactly what the last script made, at any depth', async () => {
    await make('exact', 'a', 'b', 'deep/er/c');
    expect(await files('exact')).toEqual(['a', 'b', 'deep/er/c']);
    const { value } = await make('exact', 'b', 'deep');
    expect(await files('exact')).toEqual(['b', 'deep']);
    expect((await testbed.run({ text: 'true\n', outputs: new Dir('exact') })).value).toEqual(value);
    await make('exact');
    expect(await files('exact')).toEqual([]);
    expect((await readdir(testbed.files)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('is replaced in whole: who has the old one open sees nothing of the new one', async () => {
    await make('whole', 'a', 'b');
    const before = await stat(join(testbed.files, 'whole'));
    await chmod(join(testbed.files, 'whole'), 0o750);
    await make('whole', 'b', 'c');
    const after = await stat(join(testbed.files, 'whole'));
    expect(after.ino).not.toBe(before.ino);
    expect(after.mode & 0o777).toBe(0o750);
  });

  it.each([
    ['beside what jobs made', 'notes.txt', 'mine'],
    ['deeper in it', 'deep/notes.txt', 'mine'],
    ['hidden', '.notes', 'mine'],
    ['of the name of what is made now', 'new', 'mine'],
  ])('is not replaced, nor another output taken, where it holds a file of the user %s', async (_, name, content) => {
    const place = `foreign/${name.replaceAll('/', '-')}`;
    await make(place, 'old');
    await testbed.write(`${place}/${name}`, content);
    const outputs = [new File(`${place}-beside`).stage('beside'), new Dir(place).stage('d')];
    const ended = await testbed.run({ text: 'mkdir d; echo new > d/new; echo x > beside\n', outputs });
    expect(ended.error).toMatchObject({ name: 'FileRefused', location: `${place}/` });
    expect(ended.error?.message).toContain(`it holds ${name}, which no job put there`);
    expect(await files(place)).toEqual([name, 'old'].sort());
    expect(await testbed.read(`${place}/${name}`)).toBe(content);
    expect(existsSync(join(testbed.files, `${place}-beside`))).toBe(false);
    await rm(join(testbed.files, place, name));
    expect((await make(place, 'new')).error).toBeUndefined();
    expect(await files(place)).toEqual(['new']);
  });

  it('is replaced where the user changed or removed what a job had made', async () => {
    await make('changed', 'a', 'b');
    await writeFile(join(testbed.files, 'changed/a'), 'edited');
    await rm(join(testbed.files, 'changed/b'));
    await make('changed', 'a', 'b');
    expect(await testbed.read('changed/a')).toBe('a\n');
    expect(await files('changed')).toEqual(['a', 'b']);
  });

  it('takes over files that are equal to what is made, as after the state was removed', async () => {
    await testbed.write('equal/a', 'a\n');
    expect((await make('equal', 'a', 'b')).error).toBeUndefined();
    expect(await files('equal')).toEqual(['a', 'b']);
  });

  it('stays where it is reached through a link, and is the same place under each name', async () => {
    await mkdir(join(testbed.files, 'disk/big'), { recursive: true });
    await symlink('disk/big', join(testbed.files, 'through'));
    await make('through', 'a');
    await make('disk/big', 'b');
    await make('disk/../through/', 'c');
    expect(await files('disk/big')).toEqual(['c']);
    expect(await readFile(join(testbed.files, 'through/c'), 'utf8')).toBe('c\n');
  });

  it.each([
    ['is moved away', '1'],
    ['gets the new one', '2'],
  ])('is made whole by the next job after one was killed when the old one %s', async (when, at) => {
    const place = `killed ${when}`;
    await make(place, 'a', 'b');
    await mkdir(join(testbed.files, 'source'), { recursive: true });
    await writeFile(join(testbed.files, 'source/c'), 'c');
    const killed = await run(KILLED_WHILE_REPLACING, testbed.files, place, at, join(testbed.store, 'placed'));
    expect(killed).toBe('SIGKILL');
    expect(existsSync(join(testbed.files, place, 'c'))).toBe(false);
    const gone = await testbed.run({ text: 'true\n', outputs: new Dir(place) });
    expect(gone.error?.name).toBe(when === 'is moved away' ? undefined : 'OutputMissing');
    expect((await make(place, 'c', 'd')).error).toBeUndefined();
    expect(await files(place)).toEqual(['c', 'd']);
    const left = (await readdir(testbed.files)).filter((name) => name.endsWith('.part'));
    const holding = await Promise.all(left.map((name) => readdir(join(testbed.files, name))));
    expect(holding.flat()).not.toContain('a');
    for (const name of left) await rm(join(testbed.files, name), { recursive: true });
  });

  it('has nothing beside it that killed jobs left half-written, once that is old; what others do or have stays', async () => {
    const [root, placed] = [await scratchFolder(), join(testbed.store, 'placed')];
    const put = async (path: string) => {
      await mkdir(join(root, path, '..'), { recursive: true });
      await writeFile(join(root, path), 'x');
    };
    const stage = async (partsKeptMs: number, kind: 'file' | 'dir') => {
      const location = kind === 'dir' ? 'place/' : 'place-of-a-file';
      const output = { kind, location, name: kind === 'dir' ? 'source' : 'source/c' };
      await stageOut(openStores({ root, placed, partsKeptMs }), output, root, new AbortController().signal);
      return (await readdir(root)).filter((name) => name.startsWith('.redex-')).sort();
    };
    await put('source/c');
    await stage(60_000, 'dir');
    expect(await run(KILLED_WHILE_REPLACING, root, 'place', '1', placed)).toBe('SIGKILL');
    const [killed] = await stage(60_000, 'dir');
    expect(await readdir(join(root, killed as string))).toEqual(['c']);
    // Names that only look like it, and a link with such a name to what is the user's.
    const foreign = ['.redex-mine.part', '.redex-0123456789abcdef.part.txt', '.redex-0123456789abcdef'];
    for (const name of foreign) await put(name);
    await put('users/own');
    await symlink('users', join(root, '.redex-00000000000000aa.part'));
    expect(await stage(60_000, 'dir')).toEqual([...foreign, '.redex-00000000000000aa.part', killed].sort());
    await sleep(20);
    expect(await stage(0, 'file')).toEqual([...foreign].sort());
    expect(await readdir(join(root, 'users'))).toEqual(['own']);
  });

  it('is no place where a file is', async () => {
    await testbed.write('a-file', 'x');
    const { error } = await make('a-file', 'a');
    expect(error).toMatchObject({ name: 'FileRefused', message: expect.stringContaining('is a file, not a folder') });
    expect(await testbed.read('a-file')).toBe('x');
  });
});
