/** What becomes of files on the way into a script and out of it, beside their bytes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, lstat, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobSpec } from '../../core/engine/spec.ts';
import { Dir, File } from '../../core/values/classes.ts';
import { type Ended, openTestbed, type Running, type Testbed } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

const stdout = new File('-');

const HARMS: Readonly<Record<string, string>> = {
  appended: 'echo more >> "$1"',
  emptied: ': > "$1"',
  edited: 'sed -i s/kept/lost/ "$1"',
  truncated: 'truncate -s 1 "$1"',
  overwritten: 'printf X | dd of="$1" conv=notrunc 2> /dev/null',
  locked: 'chmod 000 "$1"',
  aged: 'touch -d 2001-01-01 "$1"',
  removed: 'rm "$1"; mkdir "$1"',
  indexed: 'wc -c < "$1" > "$1.idx"',
  replaced: 'echo lost > new; mv -f new "$1"',
  linked: 'echo lost > other; ln -sf "$PWD/other" "$1"; echo more >> "$1"',
  copied: 'echo lost > other; cp other "$1"',
  opened: 'perl -e \'open F, "+<", $ARGV[0] or exit; print F "X"\' "$1"',
  teed: 'echo lost | tee "$1" | tee -a "$1" > /dev/null',
  given: 'chown 1:1 "$1"; chown -h 1:1 "$1"',
  labelled: 'setfattr -n user.label -v lost "$1"',
  doubled: 'ln -L "$1" twin || ln "$1" twin; echo more >> twin; chmod 000 twin',
  unpacked:
    'mkdir t; echo lost > "t/$(basename "$1")"; tar -C t -cf t.tar .; tar -xf t.tar -C "$(dirname "$1")"; rm -r t',
  moved: 'mv "$1" gone; echo lost >> gone; echo lost > "$1"',
};

interface Trial {
  /** Of the originals, below the testbed's files. */
  readonly name: string;
  readonly copy: boolean;
  readonly prepare?: (folder: string) => void;
  readonly start: (spec: JobSpec) => Promise<Running>;
}

/** Gives a script originals, each by itself and all in their folder, to do all harms to; shows that they are as they were. */
async function harm({ name, copy, prepare, start }: Trial): Promise<Ended> {
  const acts = Object.keys(HARMS);
  const folder = join(testbed.files, name);
  for (const act of acts) await testbed.write(`${name}/${act}`, 'kept');
  await testbed.write(`${name}/below/${name}/idx`, 'kept');
  prepare?.(folder);
  const state = async () => {
    const names = ['.', ...(await readdir(folder, { recursive: true })).sort()];
    const stats = await Promise.all(names.map((path) => lstat(join(folder, path), { bigint: true })));
    const contents = await Promise.all(acts.map((act) => readFile(join(folder, act), 'utf8')));
    return [names, stats.map(({ mode, mtimeNs, ctimeNs, ino }) => [mode, mtimeNs, ctimeNs, ino]), contents];
  };
  const before = await state();
  const lines = acts.flatMap((act) => [
    `harm() { ${HARMS[act]}; }`,
    ...[act, `all/${act}`, `all/new-${act}`].map((path) => `harm ${path} 2> /dev/null || true`),
  ]);
  const spec = await testbed.scriptSpec({
    text: `${lines.join('\n')}\ncat appended; rm -r all/below; wc -c < indexed\n`,
    inputs: [
      ...acts.map((act) => new File(join(folder, act)).stage(act, { copy })),
      new Dir(folder).stage('all', { copy }),
    ],
    outputs: [stdout, new File(`${name}-out/edited`).stage('edited')],
  });
  const ended = await (await start(spec)).ended;
  expect(await state()).toEqual(before);
  return ended;
}

const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;

describe('originals are as they were, in bytes, mode and times, whatever a script does to what it was given', () => {
  it.each([
    ['linked', false],
    ['copied', true],
  ])('of whoever runs it, %s', async (name, copy) => {
    const ended = await harm({ name, copy, start: (spec) => testbed.start(spec) });
    expect(ended).toMatchObject({ exitCode: 0, value: ['keptmore\n4\n', { location: `${name}-out/edited` }] });
    expect(await testbed.read(`${name}-out/edited`)).toBe('lost');
  });

  // Whoever is no ordinary user can become one; who is one is tried above.
  it.runIf(isRoot).each([
    ['its own', NOBODY, false],
    ['its own', NOBODY, true],
    ['those of others', 0, false],
    ['those of others', 0, true],
  ])('by an ordinary user, with %s (%i, copy: %s)', async (_, owner, copy) => {
    await chmod(join(testbed.files, '..'), 0o755);
    await chmod(testbed.files, 0o777);
    const ended = await harm({
      name: `of-${owner}-${copy}`,
      copy,
      prepare: (folder) => execFileSync('chown', ['-R', `${owner}:${owner}`, folder]),
      start: (spec) => {
        // The state is the user's, as it is when the user's own command has made it.
        const own = `chown -R ${NOBODY}:${NOBODY} ${testbed.store} ${testbed.work} && exec "$@"`;
        const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
        return testbed.start(spec, { wrapper: ['sh', '-c', own, 'sh', ...user] });
      },
    });
    expect(ended.error).toBeUndefined();
    expect(ended.exitCode).toBe(0);
  });
});

describe('a script with staged files', () => {
  it('takes an output that has the name of an input from what the script made of it', async () => {
    const path = await testbed.write('same-name.txt', 'one\n');
    const ended = await testbed.run({
      text: 'echo two >> x\n',
      inputs: [new File(path).stage('x')],
      outputs: new File('grown').stage('x'),
    });
    expect(ended.exitCode).toBe(0);
    expect(await testbed.read('grown')).toBe('one\ntwo\n');
    expect(await readFile(path, 'utf8')).toBe('one\n');
  });

  it('keeps permission bits and times, out and in again, alone and in directories', async () => {
    const made = await testbed.run({
      text: `mkdir d; for f in tool d/tool; do printf '#!/bin/sh\\necho ran\\n' > $f; chmod 750 $f; touch -d 2020-02-02T02:02:02.123456Z $f; done
             for f in data d/data; do echo x > $f; chmod 640 $f; touch -d 2020-02-02T02:02:03Z $f; done`,
      outputs: [new File('bits/tool').stage('tool'), new File('bits/data').stage('data'), new Dir('bits/d').stage('d')],
    });
    expect(made.exitCode).toBe(0);
    for (const folder of ['bits', 'bits/d']) {
      const [tool, data] = await Promise.all(['tool', 'data'].map((name) => stat(join(testbed.files, folder, name))));
      expect([(tool?.mode ?? 0) & 0o777, (data?.mode ?? 0) & 0o777]).toEqual([0o750, 0o640]);
      expect([tool?.mtime.toISOString(), data?.mtime.toISOString()]).toEqual([
        '2020-02-02T02:02:02.123Z',
        '2020-02-02T02:02:03.000Z',
      ]);
    }
    for (const copy of [false, true]) {
      const used = await testbed.run({
        text: './tool; ./d/tool; test data -nt tool; test d/data -nt d/tool; test ! tool -ot d/tool\n',
        inputs: [
          ...['tool', 'data'].map((name) => new File(`bits/${name}`).stage(name, { copy })),
          new Dir('bits/d').stage('d', { copy }),
        ],
        outputs: stdout,
      });
      expect(used.value).toBe('ran\nran\n');
    }
  });
});

it.runIf(isRoot)('a file is linked only where neither it nor its folder can be changed', async () => {
  const places = { theirs: 0o755, open: 0o777 };
  await chmod(join(testbed.files, '..'), 0o755);
  for (const [folder, mode] of Object.entries(places)) {
    await chmod(await testbed.write(`owned/${folder}/file`, 'x'), 0o644);
    await chmod(await testbed.write(`owned/${folder}/writable`, 'x'), 0o666);
    await chmod(join(testbed.files, 'owned', folder), mode);
  }
  await mkdir(join(testbed.files, 'owned/in'));
  await chmod(join(testbed.files, 'owned/in'), 0o777);
  const program = `
    import { placeFile } from ${JSON.stringify(join(import.meta.dirname, '../../core/files/placing.ts'))};
    import { localStore } from ${JSON.stringify(join(import.meta.dirname, '../../core/files/local.ts'))};
    const store = localStore({ root: ${JSON.stringify(join(testbed.files, 'owned'))} });
    for (const location of ['theirs/file', 'theirs/writable', 'open/file', 'open/writable']) {
      const target = ${JSON.stringify(join(testbed.files, 'owned/in/'))} + location.replace('/', '-');
      const placed = await placeFile(store, { location, version: null, how: 'link', target }, new AbortController().signal);
      console.log(location, placed.linked);
    }
  `;
  const child = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
    uid: NOBODY,
    gid: NOBODY,
    cwd: '/',
    encoding: 'utf8',
  });
  expect(child.stdout + child.stderr).toBe(
    'theirs/file true\ntheirs/writable false\nopen/file false\nopen/writable false\n',
  );
});
