import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Dir, File } from '../../core/values/classes.ts';
import { openTestbed, processesWith, type Testbed } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

const stdout = new File('-');

describe('a script', () => {
  it('runs with its inputs staged under their base names, and its outputs come back as files with versions', async () => {
    const reads = await testbed.write('reads.fastq', 'ACGT\n');
    const ended = await testbed.run({
      text: 'wc -c < reads.fastq > count.txt\ntr A-Z a-z < reads.fastq > lower\n',
      inputs: [new File(reads).stage()],
      outputs: { count: new File('out/count.txt').stage(), lower: new File('out/deep/lower.fastq').stage('lower') },
    });
    expect(ended).toMatchObject({ exitCode: 0, outcome: { ok: true } });
    const { count, lower } = ended.value as { count: File; lower: File };
    expect([count.location, lower.location]).toEqual(['out/count.txt', 'out/deep/lower.fastq']);
    expect(await testbed.read('out/count.txt')).toBe('5\n');
    expect(await testbed.read('out/deep/lower.fastq')).toBe('acgt\n');
    expect(lower.version).toMatch(/^[0-9a-f]{64}$/);
  });

  // Acceptance: 46.
  it('gives outputs in their shape, with constants and stdout in place', async () => {
    const ended = await testbed.run({
      text: 'echo said; echo file > x\n',
      outputs: {
        list: [stdout, 1, null, [true]],
        x: new File('shape/x').stage(),
        inner: { nothing: undefined, out: stdout },
      },
    });
    expect(ended.value).toEqual({
      list: ['said\n', 1, null, [true]],
      x: new File('shape/x', (ended.value as { x: File }).x.version),
      inner: { nothing: undefined, out: 'said\n' },
    });
    expect(ended.log).toContain('said\n');
  });

  it('observes a plain file that it writes by itself', async () => {
    const place = join(testbed.files, 'by-itself.txt');
    const ended = await testbed.run({ text: `echo x > ${place}\n`, outputs: [new File(place)] });
    expect(ended.value).toEqual([new File(place, expect.stringMatching(/^[0-9a-f]{64}$/) as unknown as string)]);
  });

  it('starts in an empty directory with PATH, HOME and TMPDIR inside it, LANG and the declared variables, and nothing else', async () => {
    const running = await testbed.start(
      await testbed.scriptSpec({
        text: 'test -z "$(ls)"; test -d "$HOME"; test -d "$TMPDIR"; pwd; realpath "$HOME" "$TMPDIR"; env\n',
        outputs: stdout,
        env: { DECLARED: "it's\nso" },
      }),
      { environment: { SECRET: 'shell', LD_PRELOAD: '' } },
    );
    const { value } = await running.ended;
    const [folder = '', ...lines] = (value as string).split('\n');
    expect(folder.startsWith(testbed.work)).toBe(true);
    expect(lines.slice(0, 2)).toEqual([`${folder}/.redex/home`, `${folder}/.redex/tmp`]);
    expect(lines).toContain('LANG=C.UTF-8');
    expect(lines).toContain("DECLARED=it's");
    const names = lines.flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? []);
    expect(names.sort()).toEqual(
      ['DECLARED', 'HOME', 'LANG', 'OLDPWD', 'PATH', 'PWD', 'REDEX_JOB', 'SHLVL', 'TMPDIR', '_'].filter((name) =>
        names.includes(name),
      ),
    );
    expect(existsSync(folder)).toBe(false);
  });

  // Acceptance: 43.
  it('may hold anything, also what looks like the end of a heredoc', async () => {
    const text = `cat <<'EOF'\n$HOME \`x\` \\n "quotes" 'single' %s é 🧬\nEOF\ncat <<"REDEX"\nEOF\nREDEX\n`;
    const ended = await testbed.run({ text, outputs: stdout });
    expect(ended.value).toBe(`$HOME \`x\` \\n "quotes" 'single' %s é 🧬\nEOF\n`);
  });

  // Acceptance: 44.
  it('runs under the interpreter that its first line names', async () => {
    const ended = await testbed.run({
      text: '#!/usr/bin/env perl\nprint "perl $0 ", 6 * 7, "\\n";\n',
      outputs: stdout,
    });
    expect(ended.value).toMatch(/^perl .* 42\n$/);
  });

  it('may open its own /dev/stdout and /dev/stderr', async () => {
    const ended = await testbed.run({
      text: 'echo one > /dev/stdout\necho two > /dev/stderr\necho three\n',
      outputs: stdout,
    });
    expect(ended.value).toBe('one\nthree\n');
    expect(ended.log).toContain('two\n');
  });

  it('gives stdout as UTF-8 with invalid bytes replaced', async () => {
    const ended = await testbed.run({ text: "printf 'a\\xff\\xc3\\xa9b'\n", outputs: stdout });
    expect(ended.value).toBe('a\ufffdéb');
  });

  it('is told to write a file when its stdout is more than 10 MB, and may print that much when nobody wants it', async () => {
    const text = 'head -c 10000001 /dev/zero\n';
    const ended = await testbed.run({ text, outputs: stdout });
    expect(ended.error?.message).toMatch(/^redex.script: .*10 MB.*write a file instead/);
    expect(await testbed.run({ text, outputs: 'done' })).toMatchObject({ exitCode: 0, value: 'done' });
    const most = await testbed.run({ text: 'head -c 10000000 /dev/zero | tr "\\0" x\n', outputs: stdout });
    expect((most.value as string).length).toBe(10_000_000);
  });

  it('leaves no process behind that it started in the background', async () => {
    const ended = await testbed.run({ text: 'sleep 3217.25 &\n' });
    expect(ended.exitCode).toBe(0);
    expect(await processesWith('3217.25')).toEqual([]);
  });

  it('is measured', async () => {
    const input = await testbed.write('measured', 'x'.repeat(1000));
    const before = Date.now();
    const ended = await testbed.run({
      text: 'i=0; set +x; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 0.3; echo out > out\n',
      inputs: [new File(input).stage()],
      outputs: new File('measured-out').stage('out'),
    });
    const measured = ended.outcome?.measured;
    expect(measured).toMatchObject({ exitCode: 0, stagedInBytes: 1000, stagedOutBytes: 4, host: hostname() });
    expect(measured?.startedAt).toBeGreaterThanOrEqual(before);
    expect((measured?.endedAt ?? 0) - (measured?.startedAt ?? 0)).toBeGreaterThanOrEqual(300);
    expect(measured?.cpuSeconds).toBeGreaterThan(0.05);
    expect(measured?.cpuSeconds).toBeLessThan(20);
    expect(measured?.memoryPeakBytes).toBeGreaterThan(1e6);
  });
});

describe('staging', () => {
  // Acceptance: 42.
  it('makes folders for names that have some, and names with spaces, quotes, unicode and line ends work', async () => {
    const names = ['with space', `quo'te"d`, 'gen-öm 🧬', 'line\nend', '$HOME `x` \\', '-dash', '*'];
    const inputs = await Promise.all(names.map((name) => testbed.write(`odd/${name}`, name)));
    const ended = await testbed.run({
      text: 'find deep -type f -print0 | sort -z | xargs -0 cat -- > all\ncp "deep/0/with space" ./"-dash * out"\n',
      inputs: inputs.map((path, at) => new File(path).stage(`deep/${at}/${names[at]}`)),
      outputs: [new File('odd out/a\n"ll"').stage('all'), new File('odd out/-dash').stage('-dash * out')],
    });
    expect(ended.exitCode).toBe(0);
    expect(await testbed.read('odd out/a\n"ll"')).toBe(names.join(''));
    expect(await testbed.read('odd out/-dash')).toBe('with space');
  });

  // Acceptance: 41.
  it('stages directories in and out with all their files, and leaves out empty folders', async () => {
    await testbed.write('dir/a/b/one', '1');
    await testbed.write('dir/two', '2');
    const ended = await testbed.run({
      text: 'mkdir -p made/empty made/x/y\ncp in/a/b/one made/x/y/1; cp -r in/two made/2; ln -s 2 made/link; find in/ -type f | sort\n',
      inputs: [new Dir(join(testbed.files, 'dir')).stage('in')],
      outputs: { made: new Dir('dir-out').stage('made'), list: stdout },
    });
    const { made, list } = ended.value as { made: Dir; list: string };
    expect(list).toBe('in/a/b/one\nin/two\n');
    expect(made.location).toBe('dir-out/');
    expect((await readdir(join(testbed.files, 'dir-out'), { recursive: true })).sort()).toEqual([
      '2',
      'link',
      'x',
      'x/y',
      'x/y/1',
    ]);
    expect((await testbed.run({ text: 'true\n', outputs: new Dir('dir-out') })).value).toEqual(made);
  });

  it('copies a directory for real when asked to, and keeps files executable', async () => {
    const tool = await testbed.write('tools/run', '#!/bin/sh\necho tool\n');
    await chmod(tool, 0o755);
    const ended = await testbed.run({
      text: './run; echo x > dir/new; ls dir\n',
      inputs: [
        new File(tool).stage('run', { copy: true }),
        new Dir(join(testbed.files, 'tools')).stage('dir', { copy: true }),
      ],
      outputs: stdout,
    });
    expect(ended.value).toBe('tool\nnew\nrun\n');
    expect(await readdir(join(testbed.files, 'tools'))).toEqual(['run']);
  });

  // Acceptance: 40.
  it('copies nothing when a file is staged out onto itself', async () => {
    const path = await testbed.write('same.txt', 'same');
    const before = await stat(path, { bigint: true });
    const file = new File(path);
    const ended = await testbed.run({ text: 'cat same.txt\n', inputs: [file.stage()], outputs: [file.stage()] });
    const after = await stat(path, { bigint: true });
    expect(ended.exitCode).toBe(0);
    expect([after.ino, after.mtimeNs, after.ctimeNs]).toEqual([before.ino, before.mtimeNs, before.ctimeNs]);
    expect(ended.outcome?.measured.stagedOutBytes).toBe(0);
  });

  it('does not follow links of the working directory when it removes it', async () => {
    await testbed.write('precious/file', 'x');
    await testbed.run({ text: 'ls\n', inputs: [new Dir(join(testbed.files, 'precious')).stage()] });
    expect(await readdir(join(testbed.files, 'precious'))).toEqual(['file']);
  });

  it.each([
    ['an absolute name', [new File('a').stage('/etc/passwd')], /absolute/],
    ['a climbing name', [new File('a').stage('../a')], /climbs/],
    ['equal names', [new File('a').stage('x'), new File('b').stage('x/')], /same stage name/],
    ['odd names', [new File('a').stage('d//x')], /has the segment ""/],
    ['a name inside of another', [new Dir('precious').stage('ref'), new File('b').stage('ref/x')], /inside of/],
  ])('refuses %s', async (_, inputs, message) => {
    await Promise.all([testbed.write('a', 'a'), testbed.write('b', 'b'), testbed.write('precious/file', 'x')]);
    const ended = await testbed.run({ text: 'true\n', inputs });
    expect(ended.exitCode).toBe(1);
    expect(ended.error?.message).toMatch(message);
    expect(await readdir(join(testbed.files, 'precious'))).toEqual(['file']);
  });
});

describe('a failure', () => {
  // Acceptance: 45.
  it('of a command stops the script, and its error has the exit code and the last lines of stderr', async () => {
    const ended = await testbed.run({ text: 'seq 30 >&2\nsh -c "exit 3"\necho unreachable\n', outputs: stdout });
    expect(ended.exitCode).toBe(1);
    expect(ended.error).toMatchObject({ name: 'ScriptError', exitCode: 3 });
    expect(ended.error?.message).toMatch(/^redex\.script: the script ended with exit code 3/);
    expect(ended.error?.message).toContain("\n30\nIts last commands:\n+ seq 30\n+ sh -c 'exit 3'");
    expect(ended.error?.stderr?.split('\n')).toHaveLength(20);
    expect(ended.log).not.toContain('unreachable');
    expect(ended.outcome?.measured.exitCode).toBe(3);
  });

  // Acceptance: 45.
  it('in a pipe stops the script', async () => {
    const ended = await testbed.run({ text: 'false | true\necho unreachable\n' });
    expect(ended.error).toMatchObject({ name: 'ScriptError', exitCode: 1 });
  });

  it.each<[string, string, number, string]>([
    ['a file that may not be executed', 'echo ls > tool\n./tool\n', 126, 'it may not be executed'],
    ['a program that is not there', 'samtolls sort x\n', 127, 'a command was not found'],
    ['a program that gives up', "sh -c 'kill -ABRT $$'\n", 134, 'SIGABRT'],
    ['a program that is killed', "sh -c 'kill -KILL $$'\n", 137, 'ask for more by the option `memory`'],
    ['a program that crashes', "sh -c 'kill -SEGV $$'\n", 139, 'a program crashed'],
    ['a reader that has seen enough', 'yes | head -n 1\n', 141, 'whose reader had ended'],
    ['a program that is told to end', "sh -c 'kill -TERM $$'\n", 143, 'told to end from outside'],
    ['the script itself', 'kill -KILL $$\n', 137, 'SIGKILL'],
  ])('by %s is told with what its exit code means', async (_what, text, exitCode, said) => {
    const { error } = await testbed.run({ text });
    expect(error).toMatchObject({ name: 'ScriptError', exitCode });
    expect(error?.message.split('\n')[0]).toContain(`exit code ${exitCode} (`);
    expect(error?.message.split('\n')[0]).toContain(said);
  });

  it('with an exit code of its own is told without a guess', async () => {
    expect((await testbed.run({ text: 'exit 3\n' })).error?.message).toContain('exit code 3, and wrote nothing');
  });

  it('by a signal has the exit code that shells give it', async () => {
    expect((await testbed.run({ text: 'kill -SEGV $$\n' })).error).toMatchObject({
      name: 'ScriptError',
      exitCode: 139,
    });
  });

  it('keeps the working directory and says where it is; success removes it', async () => {
    const ended = await testbed.run({ text: 'echo evidence > clue\nexit 1\n' });
    const folder = /working directory is kept: (.*)/.exec(ended.log)?.[1] ?? '';
    expect(await readFile(join(folder, 'clue'), 'utf8')).toBe('evidence\n');
  });

  it('names an interpreter that is not there', async () => {
    const ended = await testbed.run({ text: '#!/no/such/python\n' });
    expect(ended.error).toMatchObject({ name: 'ScriptError' });
    expect(ended.error?.message).toContain('/no/such/python');
  });

  // Acceptance: 47.
  it('names a missing input', async () => {
    const ended = await testbed.run({ text: 'true\n', inputs: [new File('no/such.fastq').stage()] });
    expect(ended.exitCode).toBe(1);
    expect(ended.error).toMatchObject({ name: 'InputMissing', location: 'no/such.fastq' });
    expect(ended.error?.message).toBe('redex.script: no/such.fastq does not exist');
  });

  it('names an input that changed before the script ran, or that is gone', async () => {
    const path = await testbed.write('changing.txt', 'one');
    const input = new File(path).stage('x');
    const before = await testbed.scriptSpec({ text: 'touch ran\n', inputs: [input] });
    await writeFile(path, 'two');
    const ended = await (await testbed.start(before)).ended;
    expect(ended.error).toMatchObject({ name: 'InputChanged', location: path });
    expect(ended.error?.message).toBe(`redex.script: ${path} changed while the run used it`);

    const gone = await testbed.scriptSpec({ text: 'true\n', inputs: [new Dir('gone').stage('x')] }, {});
    expect((await (await testbed.start(gone)).ended).error).toMatchObject({ name: 'InputMissing', location: 'gone/' });
  });

  // Acceptance: 47.
  it('names an output that was not written, and takes out none of the others', async () => {
    const ended = await testbed.run({
      text: 'echo there > there\n',
      outputs: { there: new File('partly/there').stage(), missing: new File('partly/missing.bam').stage('out.bam') },
    });
    expect(ended.error).toMatchObject({ name: 'OutputMissing', location: 'partly/missing.bam' });
    expect(ended.error?.message).toBe(
      'redex.script: partly/missing.bam was not made: the script did not write out.bam',
    );
    expect(existsSync(join(testbed.files, 'partly'))).toBe(false);
    const plain = await testbed.run({ text: 'true\n', outputs: new File('partly/plain') });
    expect(plain.error).toMatchObject({ name: 'OutputMissing', location: 'partly/plain' });
  });

  // Acceptance: 47.
  it('names a destination that cannot be written, and leaves nothing half-written', async () => {
    await testbed.write('a-file', 'x');
    const ended = await testbed.run({ text: 'echo x > x\n', outputs: new File('a-file/out').stage('x') });
    expect(ended.error).toMatchObject({ name: 'FileRefused', location: 'a-file/out' });
    expect(ended.error?.message).toContain('a part of the path is a file');
    await mkdir(join(testbed.files, 'a-folder/x'), { recursive: true });
    const folder = await testbed.run({ text: 'echo x > x\n', outputs: new File('a-folder').stage('x') });
    expect(folder.error?.message).toContain('there is a folder of that name');
    expect((await readdir(testbed.files, { recursive: true })).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('names the link by which an output directory leads out of itself', async () => {
    const path = await testbed.write('outside', 'x');
    const ended = await testbed.run({
      text: 'mkdir made; ln -s "$PWD/in" made/out\n',
      inputs: [new File(path).stage('in')],
      outputs: new Dir('leaving').stage('made'),
    });
    expect(ended.error).toMatchObject({ name: 'FileRefused' });
    expect(ended.error?.message).toContain('the link out, which leads out of it');
  });

  it('names the link by which a directory to be written leads elsewhere, and writes nothing there', async () => {
    await mkdir(join(testbed.files, 'elsewhere'));
    await mkdir(join(testbed.files, 'lured'));
    await symlink('../elsewhere', join(testbed.files, 'lured/sub'));
    const ended = await testbed.run({
      text: 'mkdir -p made/sub/deep; touch made/sub/deep/x\n',
      outputs: new Dir('lured').stage('made'),
    });
    expect(ended.error).toMatchObject({ name: 'FileRefused' });
    expect(ended.error?.message).toContain('the link sub, which leads out of it');
    expect(await readdir(join(testbed.files, 'elsewhere'))).toEqual([]);
  });
});
