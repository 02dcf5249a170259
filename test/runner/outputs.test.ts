import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Dir, File } from '../../core/values/classes.ts';
import { openTestbed, type Testbed } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

describe('an output', () => {
  it.each([
    ['a named pipe', 'mkfifo it', 'it is a named pipe, not a file'],
    ['a folder', 'mkdir it', 'it is a folder, not a file'],
    ['a device', 'ln -s /dev/null it', 'it is a device, not a file'],
    ['a dangling link', 'ln -s nowhere it', 'it is a link that leads nowhere, not a file'],
    [
      'a socket',
      `perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "it", Listen => 1)'`,
      'it is a socket, not a file',
    ],
  ])('says of an output that is %s what it is', async (_, text, message) => {
    const outputs = new File('kinds/it').stage();
    const ended = await testbed.run({ text: `${text}\n`, outputs });
    expect(ended.error).toMatchObject({ name: 'OutputMissing', message: expect.stringContaining(message) });
  });

  it.each([
    ['a named pipe', 'mkfifo d/it', /holds it, which is neither a file nor a folder/],
    ['a dangling link', 'ln -s nowhere d/it', /holds the link it, which leads nowhere/],
    [
      'a named pipe whose name is not UTF-8',
      `mkfifo $'d/caf\\xe9'`,
      /holds caf\\xe9, which is neither a file nor a folder/,
    ],
    [
      'a dangling link whose name is two lines',
      `ln -s nowhere $'d/a\\nb'`,
      /holds the link "a\\nb", which leads nowhere/,
    ],
  ])('names what a directory that is an output cannot have: %s; nothing is taken', async (_, text, message) => {
    const outputs = [new Dir('kinds/d').stage(), new File('kinds/beside').stage()];
    const ended = await testbed.run({ text: `mkdir d; echo x > d/a; echo x > beside; ${text}\n`, outputs });
    expect(ended.error?.message).toMatch(message);
    expect(existsSync(join(testbed.files, 'kinds/beside'))).toBe(false);
    expect(existsSync(join(testbed.files, 'kinds/d'))).toBe(false);
  });

  it('names an output of the wrong kind', async () => {
    const file = await testbed.run({ text: 'mkdir x\n', outputs: new File('kind').stage('x') });
    expect(file.error?.message).toContain('x is a folder, not a file');
    const dir = await testbed.run({ text: 'touch x\n', outputs: new Dir('kind').stage('x') });
    expect(dir.error?.message).toContain('x is a file, not a folder');
  });

  it('is refused where it is the place of another one by way of a link, before anything is taken', async () => {
    await mkdir(join(testbed.files, 'real'), { recursive: true });
    await symlink('real', join(testbed.files, 'alias'));
    for (const [first, second] of [
      [new File('real/a').stage('x'), new File('alias/a').stage('y')],
      [new Dir('alias/d').stage('z'), new File(join(testbed.files, 'real/d/x')).stage('x')],
    ]) {
      const ended = await testbed.run({ text: 'touch x y; mkdir z; touch z/x\n', outputs: [first, second] });
      expect(ended.error).toMatchObject({
        name: 'OutputConflict',
        message: expect.stringContaining('by way of links'),
      });
      expect(await readdir(join(testbed.files, 'real'))).toEqual([]);
    }
  });

  it('is refused where it is the place of another one in other letters, on a file system that has no case', async () => {
    const made = 'touch x y; mkdir z; touch z/x\n';
    // A folder that is found under both names looks the same as on such a file system.
    await mkdir(join(testbed.files, 'caseless'));
    await symlink('caseless', join(testbed.files, 'CASELESS'));
    for (const outputs of [
      [new File('caseless/New').stage('x'), new File('caseless/new').stage('y')],
      [new File('caseless/2/a').stage('x'), new File('caseless/2/A').stage('y')],
      [new Dir('caseless/D').stage('z'), new File('caseless/d/x').stage('x')],
    ]) {
      const ended = await testbed.run({ text: made, outputs });
      expect(ended.error).toMatchObject({ name: 'OutputConflict', message: expect.stringContaining('or of case') });
    }
    await mkdir(join(testbed.files, 'cased'));
    const outputs = [new File('cased/New').stage('x'), new File('cased/new').stage('y')];
    expect((await testbed.run({ text: made, outputs })).error).toBeUndefined();
    expect((await readdir(join(testbed.files, 'cased'))).sort()).toEqual(['New', 'new']);
  });
});
