/** Ctrl-C, and several commands in one project. */
import type { ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { project } from '../support/project.ts';
import { begin, redex, runEnd } from './command.ts';
import { expectNothingTwice, startsOf } from './execution.ts';
import { untilGone } from './leftovers.ts';

const WORKFLOW = `
import { file, script, task, v } from 'redex';

export const main = task('e2e.main', { params: v.object({ name: v.string(), steps: v.number() }) }, ({ name, steps }) =>
  step(name, steps),
);

const step = task('e2e.step', {}, (name: string, left: number, before = '') =>
  left === 0 ? before : step(name, left - 1, pause(name, left, before)),
);

const pause = task('e2e.pause', {}, (name: string, left: number, before: string) =>
  script(\`sleep 0.5; (sleep 0.5 & wait); echo "\${before.trim()} \${name}\${left}"\`, { executor: 'batch' }),
);

// More than any machine has: each runs alone, and the others wait in the queue.
export const wide = task('e2e.wide', { params: v.object({ names: v.array(v.string()) }) }, ({ names }) =>
  names.map((name) => script(\`trap '' TERM; sleep 1; echo \${name}\`, { executor: 'batch', vcpus: 4096 })),
);
`;

const STEPS = 3;
let folder: string;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  folder = await project({ 'workflow.ts': WORKFLOW }, (remove) => cleanups.push(remove));
});

afterAll(() => Promise.all(cleanups.map((clean) => clean())));

function command(name: string): string[] {
  return ['run', 'main', '--name', name, '--steps', String(STEPS), '--json'];
}

async function untilStarts(count: number): Promise<void> {
  while (startsOf(folder) < count) await sleep(20);
}

describe('A run stopped by Ctrl-C', { timeout: 60_000 }, () => {
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

  test('twice, without waiting for its jobs, stays so too, with what waited for a machine, until it is resumed', async () => {
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

    const owner = begin(folder, command('beside'));
    await untilStarts(before + 2);
    await sleep(700);
    expect(startsOf(folder)).toBe(before + 2);
    const resumed = await redex(folder, 'resume', stopped.run, '--json');
    expect(runEnd(resumed)).toMatchObject({ status: 'DONE', result: ['one\n', 'two\n', 'three\n'] });
    expect(runEnd(await owner.ended)).toMatchObject({ status: 'DONE', result: 'beside3 beside2 beside1\n' });
    expect(startsOf(folder)).toBe(before + STEPS + 4);
    await expectNothingTwice(folder);
  });
});

describe('A run that was interrupted', { timeout: 60_000 }, () => {
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

describe('of two commands at once', { timeout: 60_000 }, () => {
  test('that are the same, the second watches the run of the first', async () => {
    const before = startsOf(folder);
    const first = begin(folder, command('same'));
    await untilStarts(before + 1);
    const [one, two] = await Promise.all([first.ended, redex(folder, ...command('same'))]);
    expect(runEnd(one)).toMatchObject({ status: 'DONE', result: 'same3 same2 same1\n' });
    expect(runEnd(two)).toMatchObject({ run: runEnd(one).run, status: 'DONE', result: 'same3 same2 same1\n' });
    expect(startsOf(folder)).toBe(before + STEPS);
  });

  test('that differ, both run, also when they begin in the same moment', async () => {
    const before = startsOf(folder);
    const both = await Promise.all(['left', 'right'].map((name) => redex(folder, ...command(name))));
    expect(both.map((ended) => runEnd(ended).result)).toEqual(['left3 left2 left1\n', 'right3 right2 right1\n']);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(startsOf(folder)).toBe(before + 2 * STEPS);
    expect(await untilGone(folder)).toEqual(new Map());
    await expectNothingTwice(folder);
  });
});
