/** The base image's content, started in a root where nothing of this repository is, and in one that has nothing at all. */
import { existsSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleProgram, storeBundle } from '../../core/host/bundle.ts';
import { File, STDOUT } from '../../core/values/classes.ts';
import { encode } from '../../core/values/encode.ts';
import { openTestbed, type Testbed } from '../runner/testbed.ts';
import { project } from '../support/project.ts';
import { assembled, busyboxRoot, debianRoot, missing, type Root } from './roots.ts';

const lacking = missing();
if (lacking !== undefined) console.warn(`the image's content is not tried: ${lacking}`);

describe.skipIf(lacking !== undefined).each([
  ['Debian, on which the base image is built', debianRoot],
  ['an image that has neither libc nor bash, used as it is', busyboxRoot],
])('the runner in %s', (_, make) => {
  let runner: string;
  let root: Root;
  let testbed: Testbed;

  beforeAll(async () => {
    runner = await assembled();
    root = await make(runner);
    testbed = await openTestbed(join(root.folder, 'tmp'));
    for (const folder of [testbed.files, testbed.store, testbed.work, join(testbed.store, '..')])
      await chmod(folder, 0o777);
  });

  afterAll(async () => {
    await root.remove();
    await rm(runner, { recursive: true });
  });

  const inside = (path: string): string => path.slice(root.folder.length);
  const start = async (spec: Parameters<Testbed['start']>[0], user: number, more: Record<string, string> = {}) => {
    const environment = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      REDEX_STORE: inside(testbed.store),
      REDEX_FILES_ROOT: inside(testbed.files),
      REDEX_WORK: inside(join(testbed.work, String(user))),
      LD_LIBRARY_PATH: '/lib',
      ...more,
    };
    const ended = await (await testbed.start(spec, { program: root.program(user), environment })).ended;
    if (!ended.outcome) throw new Error(ended.log);
    return ended;
  };

  it.each([0, 1000])('runs scripts as user %i, with files in and out', async (user) => {
    await testbed.write('in.txt', 'acgt\n');
    const text = 'set -- a b; [[ $# -eq 2 ]] && tr a-z A-Z < in.txt > out.txt; id -u; ls /work 2>&1 || true';
    const outputs = [new File(`out-${user}.txt`).stage('out.txt'), STDOUT];
    const spec = await testbed.scriptSpec({ text, inputs: [new File('in.txt').stage('in.txt')], outputs });
    const ended = await start(spec, user);
    expect(ended).toMatchObject({ exitCode: 0 });
    expect((ended.value as unknown[])[1]).toMatch(new RegExp(`^${user}\n.*No such file`));
    expect(await testbed.read(`out-${user}.txt`)).toBe('ACGT\n');
  });

  it('fails a script with its exit code, last words and last commands', async () => {
    const ended = await start(await testbed.scriptSpec({ text: 'echo oh >&2\nfalse' }), 1000);
    expect(ended.error).toMatchObject({
      name: 'ScriptError',
      message: expect.stringMatching(/exit code 1(.|\n)*oh(.|\n)*\+ false/),
    });
  });

  it('ends with what its script left running', async () => {
    const ended = await start(await testbed.scriptSpec({ text: '(sleep 300 &) ; echo left', outputs: STDOUT }), 1000);
    expect(ended.value).toBe('left\n');
  });

  it('calls functions of a bundle', async () => {
    const code = "import { task } from 'redex'; task('twice', (x) => 2 * x);";
    const folder = await project({ 'workflow.ts': code });
    const made = await bundleProgram({ entries: [join(folder, 'workflow.ts')] });
    await storeBundle(testbed.objects, made);
    const spec = { ...(await testbed.scriptSpec({ text: '' })), task: 'twice', bundle: made.hash, args: encode([21]) };
    const ended = await start(spec, 0);
    expect(ended).toMatchObject({ exitCode: 0, value: 42 });
  });

  it('is not there for the scripts’ own tools: an image’s come first', async () => {
    const text = 'command -v cat; command -v bash';
    const ended = await start(await testbed.scriptSpec({ text, outputs: STDOUT }), 1000);
    const own = existsSync(join(root.folder, 'usr')) ? '/usr/bin/bash' : '/opt/redex/bin/bash';
    expect(ended.value).toMatch(new RegExp(`/bin/cat\n${own}\n$`));
  });
});
