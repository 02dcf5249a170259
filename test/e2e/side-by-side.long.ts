/** Several commands in one project. */
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

describe('of two commands at once', { timeout: 240_000 }, () => {
  test('that are the same, the second watches the run of the first', async () => {
    const before = startsOf(folder);
    const first = begin(folder, command('same'));
    while (startsOf(folder) < before + 1) await sleep(20);
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
