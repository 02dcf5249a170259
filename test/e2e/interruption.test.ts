/** Ctrl-C, and several commands in one project. */
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

describe('Ctrl-C', { timeout: 60_000 }, () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '(%s) stops the jobs and says how to go on, and that ends well',
    async (signal) => {
      const before = startsOf(folder);
      const { child, ended } = begin(folder, command(signal));
      await untilStarts(before + 2);
      await sleep(300);
      child.kill(signal);
      const { code, stderr } = await ended;
      expect(await untilGone(folder)).toEqual(new Map());
      expect(code).toBe(130);
      const [, run = ''] = /redex resume (\w+)/.exec(stderr) ?? [];
      const end = runEnd(await redex(folder, 'resume', run, '--json'));
      expect(end).toMatchObject({ run, status: 'DONE', result: `${signal}3 ${signal}2 ${signal}1\n` });
      // The step that was stopped ran a second time, the one before it did not.
      expect(startsOf(folder)).toBe(before + STEPS + 1);
      await expectNothingTwice(folder);
    },
  );
});

describe('A run that was interrupted', { timeout: 60_000 }, () => {
  test('and whose code has changed since gives way to the one asked for now', async () => {
    const { child, ended } = begin(folder, command('old'));
    await untilStarts(startsOf(folder) + 1);
    child.kill('SIGINT');
    const [, old = ''] = /redex resume (\w+)/.exec((await ended).stderr) ?? [];
    await writeFile(join(folder, 'workflow.ts'), WORKFLOW.replace('sleep 0.5;', 'sleep 0.4;'));
    const changed = await redex(folder, ...command('old'));
    expect(changed.stderr).toContain(`run ${old} was interrupted, and its code has changed since: it is cancelled`);
    expect(runEnd(changed)).toMatchObject({ status: 'DONE', result: 'old3 old2 old1\n' });
    expect((await redex(folder, 'log')).stdout).toMatch(new RegExp(`${old} .*CANCELLED`));
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
