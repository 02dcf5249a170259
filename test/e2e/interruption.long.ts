/** Ctrl-C. */
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { project } from '../support/project.ts';
import { begin, redex, runEnd } from './command.ts';
import { expectNothingTwice, startsOf } from './execution.ts';
import { untilGone } from './leftovers.ts';
import { command, STEPS, WORKFLOW } from './steps.ts';

let folder: string;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  folder = await project({ 'workflow.ts': WORKFLOW }, (remove) => cleanups.push(remove));
});

afterAll(() => Promise.all(cleanups.map((clean) => clean())));

async function untilStarts(count: number): Promise<void> {
  while (startsOf(folder) < count) await sleep(20);
}

describe('A run stopped by Ctrl-C', { timeout: 240_000 }, () => {
  /** To the whole process group, as a terminal sends it. */
  function pressCtrlC({ pid }: ChildProcess): void {
    process.kill(-(pid as number), 'SIGINT');
  }

  async function newest(): Promise<{ readonly run: string }> {
    return JSON.parse((await redex(folder, 'log', '--json', '--limit', '1')).stdout)[0];
  }

  test('stays stopped whatever other commands take up, and the same command carries it on', async () => {
    const before = startsOf(folder);
    const { child, ended } = begin(folder, command('held'), {}, true);
    await untilStarts(before + 2);
    await sleep(300);
    pressCtrlC(child);
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(await untilGone(folder)).toEqual(new Map());
    const [, run = ''] = /redex resume (\w+)/.exec(stderr) ?? [];
    expect((await redex(folder, 'status', run)).stdout).toContain(`Carry it on with: redex resume ${run}`);

    // One that was killed is taken up by the next command: nobody said that it was to stop.
    const lost = begin(folder, ['run', 'main', '--name', 'lost', '--steps', '1']);
    await untilStarts(before + 3);
    lost.child.kill('SIGKILL');
    await lost.ended;
    const killed = await newest();
    const other = await redex(folder, 'run', 'main', '--name', 'other', '--steps', '0');
    expect(other).toMatchObject({ code: 0, stderr: expect.stringContaining(`waiting for other runs: ${killed.run}`) });
    expect(other.stderr).not.toContain(run);
    const local = begin(folder, ['local']);
    let said = '';
    local.child.stderr?.on('data', (text: string) => (said += text));
    while (!said.includes('with 0 unfinished runs')) await sleep(20);
    // As long as a wake-up and the sweep take.
    await sleep(1200);
    local.child.kill('SIGINT');
    await local.ended;
    const { stdout: log } = await redex(folder, 'log');
    expect(log).toMatch(new RegExp(`^${run} .*STOPPED`, 'm'));
    expect(log).toMatch(new RegExp(`^${killed.run} .*DONE`, 'm'));
    expect(startsOf(folder)).toBe(before + 4);

    const again = await redex(folder, ...command('held'));
    expect(again.stderr).toContain(`carrying on with run ${run}, which was interrupted`);
    expect(runEnd(again)).toMatchObject({ run, status: 'DONE', result: 'held3 held2 held1\n' });
    // The step that was stopped, and the last one.
    expect(startsOf(folder)).toBe(before + 6);
    await expectNothingTwice(folder);
  });

  test('twice, without waiting for its jobs, stays so too, with what waited for a machine, until it is resumed; then it is stopped by its own Ctrl-C only', async () => {
    const before = startsOf(folder);
    const names = ['one', 'two', 'three'].flatMap((name) => ['--names', name]);
    const { child, ended } = begin(folder, ['run', 'wide', ...names, '--json'], {}, true);
    await untilStarts(before + 1);
    await sleep(300);
    const pressedAt = performance.now();
    pressCtrlC(child);
    await sleep(50);
    pressCtrlC(child);
    expect((await ended).code).toBe(130);
    expect(performance.now() - pressedAt).toBeLessThan(1500);
    expect(await untilGone(folder)).toEqual(new Map());
    const stopped = await newest();
    expect(stopped).toMatchObject({ workflow: 'e2e.wide', status: 'RUNNING', stopped: true });

    const owner = begin(folder, command('beside'), {}, true);
    await untilStarts(before + 2);
    await sleep(700);
    expect(startsOf(folder)).toBe(before + 2);
    const resumed = redex(folder, 'resume', stopped.run, '--json');
    await untilStarts(before + 3);
    // What has a command of its own goes on in that.
    pressCtrlC(owner.child);
    expect((await owner.ended).code).toBe(130);
    expect(runEnd(await resumed)).toMatchObject({ status: 'DONE', result: ['one\n', 'two\n', 'three\n'] });
    expect((await redex(folder, 'log')).stdout).toMatch(/ e2e\.main +STOPPED .*\n.* e2e\.wide +DONE /);
    await expectNothingTwice(folder);
  });
});

describe('A run that was interrupted', { timeout: 240_000 }, () => {
  test('and whose code has changed since gives way to the one asked for now', async () => {
    const { child, ended } = begin(folder, command('old'));
    await untilStarts(startsOf(folder) + 1);
    // As whoever ends a session does: it stops a run as Ctrl-C does.
    child.kill('SIGTERM');
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    const [, old = ''] = /redex resume (\w+)/.exec(stderr) ?? [];
    const before = startsOf(folder);
    await writeFile(join(folder, 'workflow.ts'), WORKFLOW.replace('sleep 0.5;', 'sleep 0.4;'));
    const changed = await redex(folder, ...command('old'));
    expect(changed.stderr).toContain(`run ${old} was interrupted, and its code has changed since: it is cancelled`);
    expect(runEnd(changed)).toMatchObject({ status: 'DONE', result: 'old3 old2 old1\n' });
    expect((await redex(folder, 'log')).stdout).toMatch(new RegExp(`${old} .*CANCELLED`));
    // All are the new run's.
    expect(startsOf(folder)).toBe(before + STEPS);
    await writeFile(join(folder, 'workflow.ts'), WORKFLOW);
  });
});
