import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, openTestbed, type Testbed } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

/** Runs the script where these programs are, and no others. */
async function runWith(programs: readonly string[], text: string): Promise<Ended> {
  await mkdir(testbed.work, { recursive: true });
  const folder = await mkdtemp(join(testbed.work, 'bin-'));
  for (const name of programs) {
    const path = execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).trim();
    await symlink(path, join(folder, name));
  }
  return await (await testbed.start(await testbed.scriptSpec({ text }), { environment: { PATH: folder } })).ended;
}

describe('a program that is not there is named', () => {
  it.each([
    ['mkfifo, which the runner needs', ['bash', 'cat'], 'true\n', /the runner needs the program mkfifo/],
    ['bash, which runs the script', ['mkfifo', 'cat'], 'true\n', /a program bash here/],
    ['the interpreter of the first line', ['bash', 'mkfifo'], '#!/no/such/perl\n1;\n', /program \/no\/such\/perl here/],
    ['the interpreter that env looks for', ['bash', 'mkfifo'], '#!/usr/bin/env lua5\n', /exit code 127.*lua5/s],
    ['a tool of the script', ['bash', 'mkfifo'], 'samtools sort\n', /exit code 127.*samtools/s],
  ])('%s', async (_, programs, text, message) => {
    const ended = await runWith(programs, text);
    expect(ended).toMatchObject({ exitCode: 1, error: { name: 'ScriptError' } });
    expect(ended.error?.message).toMatch(message);
  });

  it('and Perl, setsid and Docker are not needed', async () => {
    expect(await runWith(['bash', 'mkfifo'], 'echo well\n')).toMatchObject({ exitCode: 0 });
  });
});
