/** The seed's workflow while jobs and events get lost, and the whole local cloud is killed again and again. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RUN, writeInputs } from '../workflow/inputs.ts';
import { makeProject, type Project } from '../workflow/project.ts';
import { redex, runEnd } from './command.ts';
import { expectNothingTwice } from './execution.ts';
import { moments, runWithKills } from './kills.ts';
import { untilGone } from './leftovers.ts';

const WORDS = ['run', ...RUN, '--json'];
const projects: Project[] = [];
let expected: unknown;

async function freshProject(): Promise<string> {
  const project = await makeProject();
  projects.push(project);
  await writeInputs(project.folder);
  return project.folder;
}

beforeAll(async () => {
  expected = runEnd(await redex(await freshProject(), ...WORDS)).result;
});

afterAll(() => Promise.all(projects.map((project) => project.remove())));

test.each([
  { seed: 1, kills: 0 },
  { seed: 20, kills: 20 },
])(
  'chaos $seed with $kills kills: the same result, nothing twice, nobody left behind',
  { timeout: 600_000 },
  async ({ seed, kills }) => {
    const folder = await freshProject();
    const ended = await runWithKills(folder, [...WORDS, '--chaos', String(seed)], moments(seed, kills, 12));
    expect(runEnd(ended)).toMatchObject({ status: 'DONE', result: expected });
    expect(ended.code).toBe(0);
    expect(await untilGone(folder)).toEqual(new Map());
    await expectNothingTwice(folder);
  },
);
