/** Who may read what: the state is its owner's alone, results have the modes of the user's umask. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { project } from '../support/project.ts';
import { begin, type Ended } from './command.ts';

const WORKFLOW = `
import { writeFileSync } from 'node:fs';
import { dir, type File, file, script, task, v } from 'redex';

const note = task('modes.note', {}, async (root: string) => {
  writeFileSync(root + '/by-itself', 'x');
  return await file('inline/deep/note').write('x'.repeat(100_000));
});

const scripts = task('modes.scripts', {}, (from: File) =>
  script('cat in > plain; cat in > tool; chmod 755 tool; mkdir -p d/e; cat in > d/e/f; cat in > closed; chmod 600 closed', {
    executor: 'batch',
    inputs: from.stage('in'),
    outputs: [
      file('made/plain').stage('plain'),
      file('made/tool').stage('tool'),
      file('made/closed').stage('closed'),
      dir('made/d').stage('d'),
    ],
  }),
);

export const main = task('modes.main', { params: v.object({ root: v.string() }) }, ({ root }) => scripts(note(root)));
`;

/** The command, given under the umask. */
function under(umask: number, folder: string): Promise<Ended> {
  const before = process.umask(umask);
  try {
    return begin(folder, ['run', 'main', '--root', folder]).ended;
  } finally {
    process.umask(before);
  }
}

async function modes(folder: string): Promise<Record<string, string>> {
  const names = ['.', ...(await readdir(folder, { recursive: true }))];
  const found = names.map(async (name) => [name, (await lstat(join(folder, name))).mode & 0o777] as const);
  return Object.fromEntries((await Promise.all(found)).map(([name, mode]) => [name, mode.toString(8)]));
}

it.each(['022', '000', '027'])(
  "all that redex keeps is its owner's alone, and results have the modes of the umask %s",
  { timeout: 240_000 },
  async (octal) => {
    const umask = Number.parseInt(octal, 8);
    const folder = await project({ 'workflow.ts': WORKFLOW });
    const ended = await under(umask, folder);
    expect(ended.code, ended.stderr).toBe(0);
    const state = Object.entries(await modes(join(folder, '.redex')));
    expect(state.length).toBeGreaterThan(20);
    expect(state.filter(([, mode]) => mode !== '600' && mode !== '700')).toEqual([]);
    const plain = (0o666 & ~umask).toString(8);
    const open = (0o777 & ~umask).toString(8);
    expect(await modes(join(folder, 'inline'))).toEqual({ '.': open, deep: open, 'deep/note': plain });
    expect((await modes(folder))['by-itself']).toBe(plain);
    expect(await modes(join(folder, 'made'))).toEqual({
      '.': open,
      plain,
      tool: '755',
      closed: '600',
      d: open,
      'd/e': open,
      'd/e/f': plain,
    });
  },
);
