import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunSummary } from '../../core/engine/ports.ts';

const COMMAND = resolve(import.meta.dirname, '../../cli/redex.mjs');
const TEST_MS_MAX = 240_000;

const WORKFLOW = `
import { file, script, task, v } from 'redex';

export const main = task(
  'cli.main',
  { description: 'Says words', params: v.object({ words: v.array(v.string()), seconds: v.optional(v.number(), 0) }) },
  ({ words, seconds }) => words.map((word) => say(word, seconds)),
);

const say = task('cli.say', {}, (word: string, seconds: number) =>
  script(\`echo \${word} >> "$STARTS"; sleep \${seconds}; echo \${word}; echo heard >&2\`, {
    executor: 'batch',
    env: { STARTS: STARTS_FILE },
  }),
);

export const broken = task('cli.broken', { params: v.object({}) }, () => outer());
const outer = task('cli.outer', {}, () => script('echo last words >&2; exit 3', { executor: 'batch' }));

interface Odd {
  readonly n: number;
}
const refuse = ({ n }: Odd): never => {
  throw new RangeError('no ' + n);
};
const far = task('cli.far', { executor: 'batch' }, (odd: Odd) => refuse(odd));
export const thrown = task('cli.thrown', { params: v.object({ n: v.number(), away: v.optional(v.boolean(), false) }) }, ({ n, away }) =>
  away ? far({ n }) : refuse({ n }),
);

export const named = task('cli.named', { params: v.object({ tag: v.string(), version: v.string() }) }, (given) => given);

export const unwritten = task('cli.unwritten', { params: v.object({}) }, () =>
  script('true', { executor: 'batch', outputs: file('made.txt').stage('made') }),
);
`;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
let starts: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'redex-cli-')));
  starts = join(folder, 'starts');
  await writeFile(join(folder, 'workflow.ts'), WORKFLOW.replace('STARTS_FILE', JSON.stringify(starts)));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function begin(...words: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [COMMAND, ...words], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return { child, ended: new Promise((done) => child.once('close', (code) => done({ code, stdout, stderr }))) };
}

function redex(...words: string[]): Promise<Ended> {
  return begin(...words).ended;
}

function startsOf(word: string): number {
  const lines = existsSync(starts) ? readFileSync(starts, 'utf8').split('\n') : [];
  return lines.filter((line) => line === word).length;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((wake) => setTimeout(wake, 50));
}

describe('redex run', { timeout: TEST_MS_MAX }, () => {
  it('prints the table, the duration and the result, and reuses all of it the next time', async () => {
    const first = await redex('run', 'main', '--words', 'ada', '--words', 'bob');
    expect(first.stderr).toBe('');
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^\[redex\] \| JOB STATUS \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\n/);
    expect(first.stdout).toContain('[redex] | ALL                0       0       0       0       5       5\n');
    expect(first.stdout).toMatch(/\[redex\] Execution duration: \d+\.\d\d seconds\n\['ada\\n', 'bob\\n'\]\n$/);

    const second = await redex('run', 'cli.main', '--words', 'ada', '--words', 'bob');
    expect(second.stdout).toContain('[redex] | ALL                0       0       0       5       0       5\n');
    expect(startsOf('ada')).toBe(1);
  });

  it('tells how long the user waited: also for the bundle, and not for the time before a run was carried on', async () => {
    const words = ['run', 'main', '--words', 'kim', '--seconds', '2'];
    const { child, ended } = begin(...words);
    await until(() => startsOf('kim') > 0);
    child.kill('SIGINT');
    await ended;
    const begunAt = performance.now();
    const { stdout } = await redex(...words);
    const waited = performance.now() - begunAt;
    const told = 1000 * Number(/Execution duration: ([\d.]+) seconds/.exec(stdout)?.[1]);
    expect(told).toBeLessThan(waited);
    expect(told).toBeGreaterThan(2000);
    const [run] = JSON.parse((await redex('log', '--json', '--limit', '1')).stdout) as [RunSummary];
    expect((run.endedAt ?? 0) - run.startedAt).toBeGreaterThan(told);

    const again = await redex(...words);
    const [cached] = JSON.parse((await redex('log', '--json', '--limit', '1')).stdout) as [RunSummary];
    const toldAgain = 1000 * Number(/Execution duration: ([\d.]+) seconds/.exec(again.stdout)?.[1]);
    expect(toldAgain).toBeGreaterThan((cached.endedAt ?? 0) - cached.startedAt);
  });

  // Acceptance: 25.
  it('takes arguments from a file, a workflow from the file named first, and prints JSON for programs', async () => {
    await writeFile(join(folder, 'args.json'), JSON.stringify({ words: ['cy'] }));
    const ended = await redex('run', 'workflow.ts', 'main', '--args-file', 'args.json', '--json', '--tag', 'who=me');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ended.stdout)).toMatchObject({
      workflow: 'cli.main',
      args: { words: ['cy'] },
      status: 'DONE',
      tags: { who: 'me' },
      result: ['cy\n'],
    });
  });

  it.each([
    ['broken', ['  cli.broken', '  cli.outer', 'exit code 3', 'last words']],
    ['unwritten', ['  cli.unwritten', '  redex.script', 'OutputMissing', 'made.txt']],
  ])('of %s fails with code 1, the calls that led to it and what the script said', async (workflow, said) => {
    const ended = await redex('run', workflow);
    expect(ended.code).toBe(1);
    for (const words of said) expect(ended.stderr).toContain(words);
  });

  it.each([
    ['in the engine', []],
    ['in a job', ['--away']],
  ])('that throws %s shows the line of the author’s file, and where each task stands', async (_where, away) => {
    const lineOf = (text: string) => WORKFLOW.split('\n').findIndex((line) => line.includes(text)) + 1;
    const { stderr } = await redex('run', 'thrown', '--n', '3', ...away);
    const isAway = away.length > 0;
    expect(stderr).toContain(
      [
        `\n  cli.thrown({ away: ${isAway}, n: 3 })  (workflow.ts:${lineOf("task('cli.thrown'")})`,
        ...(isAway ? [`  cli.far({ n: 3 })  (workflow.ts:${lineOf("task('cli.far'")})`] : []),
        'RangeError: no 3',
        `    at refuse (workflow.ts:${lineOf('throw new RangeError')}:`,
      ].join('\n'),
    );
    expect(stderr).toMatch(/\n {4}at <anonymous> \(workflow\.ts:\d+:\d+\)\n/);
    expect(stderr).not.toContain('__redex');
  });

  it.each([
    [['mian'], 'there is no workflow mian; did you mean cli.main?'],
    [['main'], 'cli.main needs --words'],
    [['main', '--words', 'x', '--seconds', 'long'], 'It must be a number'],
    [['main', '--wrods', 'x'], 'Did you mean --words?'],
    [['main', '--args-file', 'nothing.json'], 'cannot be read from nothing.json'],
    [['none.ts', 'main'], 'there is no file'],
    [[], 'which workflow?'],
  ])('refuses %j with code 2', async (words, message) => {
    const ended = await redex('run', ...words);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(message);
  });

  it('whose step meets an error says so in one line with what to do, and goes on when that is put right', async () => {
    await redex('run', 'main', '--words', 'lea');
    // The first round cannot write what its jobs are to do.
    const specs = join(folder, '.redex/store/specs');
    await rename(specs, `${specs}.away`);
    await writeFile(specs, '');
    const { child, ended } = begin('run', 'main', '--words', 'moe', '--json');
    let said = '';
    child.stderr?.on('data', (text: string) => (said += text));
    while (!said.includes('\n')) await sleep(50);
    await rm(specs);
    await rename(`${specs}.away`, specs);
    const { code, stdout } = await ended;
    expect([code, JSON.parse(stdout).status]).toEqual([0, 'DONE']);
    const log = join(folder, '.redex/log.jsonl');
    expect(said).toMatch(
      new RegExp(`^redex: a step of a run failed, and is tried again: ENOTDIR: .*; the whole story is in ${log}\n$`),
    );
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    const told = lines.map((line) => JSON.parse(line) as { level: string; message: string; error?: string });
    for (const { level, message, error } of told.filter((line) => line.level !== 'INFO')) {
      expect([level, message, error?.includes('\n    at ')]).toEqual(['ERROR', 'a round failed', true]);
    }
    expect(told.map(({ message }) => message)).toContain('a round');
    expect(statSync(log).mode & 0o777).toBe(0o600);
  });

  it(
    'takes what stands after -- for the workflow, also what is called like an option, which is refused before it',
    async () => {
      const apart = await redex('run', 'named', '--tag', 'a=b', '--json', '--', '--tag', 'x=y', '--version', '3');
      expect(JSON.parse(apart.stdout)).toMatchObject({ tags: { a: 'b' }, result: { tag: 'x=y', version: '3' } });
      const ambiguous = await redex('run', 'named', '--tag', 'x=y', '--version', '3');
      expect(ambiguous).toMatchObject({ code: 2, stdout: '' });
      expect(ambiguous.stderr).toContain('--tag is an option of redex run and a parameter of cli.named (tag)');
      const malformed = await redex('run', 'named', '--tag', 'x', '--version', '3');
      expect(malformed).toMatchObject({ code: 2, stdout: '' });
      expect(malformed.stderr).toContain('is given after --');
      expect((await redex('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    },
    TEST_MS_MAX,
  );

  // Acceptance: 52.
  it('beside a running command attaches to it, and goes on when that one is killed', async () => {
    const owner = begin('run', 'main', '--words', 'fay', '--seconds', '3');
    await until(() => startsOf('fay') > 0);
    const beside = redex('run', 'main', '--words', 'fay', '--words', 'gus', '--seconds', '3');
    await new Promise((wake) => setTimeout(wake, 2000));
    owner.child.kill('SIGKILL');
    await owner.ended;
    const { code, stdout } = await beside;
    expect(code).toBe(0);
    expect(stdout).toContain("['fay\\n', 'gus\\n']");
  });
});

describe('the course of a run', { timeout: TEST_MS_MAX }, () => {
  it('is ended by cancel, beside the command that runs it, and taken up again by retry', async () => {
    const owner = begin(
      'run',
      'main',
      ...['hal', 'ian', 'joe', 'kim'].flatMap((word) => ['--words', word]),
      '--seconds',
      '4',
    );
    await until(() => startsOf('hal') > 0);
    const [, run = ''] = /^(\w+) +cli\.main +RUNNING/m.exec((await redex('log')).stdout) ?? [];
    expect((await redex('status', run)).stdout).toMatch(/Waiting:\n {2}\d jobs?: RUNNABLE\n/);
    expect(await redex('retry', run)).toMatchObject({ code: 2, stderr: expect.stringContaining('is not over yet') });

    const cancelled = await redex('cancel', run.slice(0, 12), '--reason', 'a test');
    expect(cancelled).toMatchObject({ code: 0, stderr: expect.stringContaining(`The run ${run} was cancelled.`) });
    expect(await owner.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('was cancelled') });
    expect(await redex('cancel', run)).toMatchObject({ code: 2, stderr: expect.stringContaining('is over already') });

    const retried = await redex('retry', run);
    expect(retried.stderr).toBe('');
    expect(retried).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("['hal\\n', 'ian\\n', 'joe\\n', 'kim\\n']"),
    });
    expect(await redex('retry', run)).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing to retry') });
  });

  it('after a failure is drained or cancelled, as the run was told', async () => {
    expect(await redex('run', 'broken', '--failure', 'cancel')).toMatchObject({ code: 1 });
    expect(await redex('run', 'broken', '--failure', 'panic')).toMatchObject({ code: 2 });
  });
});

describe('what runs came to', { timeout: TEST_MS_MAX }, () => {
  it('is listed by run and by job, with table, traceback and logs', async () => {
    await redex('run', 'main', '--words', 'ida');
    const { stdout: log } = await redex('log', '--limit', '1');
    const [, run = ''] = /\n(\w+) +cli\.main +DONE +.* 3: 3 done\n/.exec(log) ?? [];

    const { stdout: jobs } = await redex('log', run.slice(0, 12));
    const [, job = ''] = /\n(\w+) +redex\.script +cli\.say +DONE +.* 1 {2}"echo ida >> .*"\n/.exec(jobs) ?? [];
    expect(jobs).toMatch(/ cli\.say +cli\.main +DONE .* "ida", 0\n/);
    expect((await redex('logs', job)).stdout).toContain('heard');
    expect((await redex('logs', 'script', '--run', run)).stdout).toContain('heard');
    expect((await redex('logs', 'say')).code).toBe(2);
    expect((await redex('status')).stdout).toContain(`${run}  cli.main  DONE\n[redex] | JOB STATUS`);
    expect((await redex('status', 'zzz')).stderr).toContain('there is no run zzz');
  });

  it('is asked and told over HTTP while redex local keeps the cloud up', async () => {
    const { child, ended } = begin('local');
    let said = '';
    child.stderr?.on('data', (text: string) => (said += text));
    while (!said.includes('/api\n')) await sleep(50);
    const [api] = /http:\S+/.exec(said) ?? [];
    const workflows = await fetch(`${api}/workflows/cli.main`);
    expect(await workflows.json()).toMatchObject({ name: 'cli.main', params: { required: ['words'] } });
    const body = JSON.stringify({ workflow: 'cli.main', args: { words: ['over http'] } });
    const headers = { 'idempotency-key': 'once' };
    const asked = () => fetch(`${api}/runs`, { method: 'POST', body, headers });
    const [first, again] = await Promise.all([asked(), asked()]);
    const { run } = (await first.json()) as { run: string };
    expect([first.status, await again.json()]).toEqual([202, { run }]);
    const told = async (path: string) => (await (await fetch(`${api}/runs/${run}/${path}`)).json()) as RunSummary;
    while ((await told('wait?seconds=1')).status === 'RUNNING') await sleep(50);
    expect(await told('result')).toEqual({ run, value: ['over http\n'] });
    child.kill('SIGINT');
    expect((await ended).code).toBe(0);
  });

  it('is removed by clean, which asks first', async () => {
    expect(await redex('clean')).toMatchObject({ code: 2 });
    expect(await redex('clean', '--yes')).toMatchObject({ code: 0 });
    expect(existsSync(join(folder, '.redex'))).toBe(false);
    expect((await redex('log')).stderr).toContain('nothing was run');
  });
});
