/** The seed's workflow, killed and carried on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RUN, writeInputs } from '../workflow/inputs.ts';
import { makeProject, type Project } from '../workflow/project.ts';
import { counts, redex, runEnd } from './command.ts';
import { expectNothingTwice, startsOf } from './execution.ts';
import { moments, runWithKills } from './kills.ts';
import { untilGone } from './leftovers.ts';

const SEED = 20_261_122;
const WORDS = ['run', ...RUN, '--json'];

let undisturbed: Project;
let killed: Project;

beforeAll(async () => {
  [undisturbed, killed] = [await makeProject(), await makeProject()];
  for (const { folder } of [undisturbed, killed]) await writeInputs(folder);
});

afterAll(() => Promise.all([undisturbed.remove(), killed.remove()]));

test('killed at five random moments, the run carries on and ends as if nothing had been', {
  timeout: 240_000,
}, async () => {
  const expected = runEnd(await redex(undisturbed.folder, ...WORDS));
  expect(expected.status).toBe('DONE');

  const { folder } = killed;
  const end = runEnd(await runWithKills(folder, WORDS, moments(SEED, 5, 40)));
  expect(end).toMatchObject({ status: 'DONE', result: expected.result });
  expect(counts(end, 'done')).toEqual(counts(expected, 'done'));
  const runs = JSON.parse((await redex(folder, 'log', '--json')).stdout) as readonly { readonly run: string }[];
  expect(runs.map(({ run }) => run)).toEqual([end.run]);
  await expectNothingTwice(folder);
  expect(await untilGone(folder)).toEqual(new Map());
});

test('all of it is reused by the next run, which starts no job', { timeout: 240_000 }, async () => {
  const before = startsOf(killed.folder);
  const end = runEnd(await redex(killed.folder, ...WORDS));
  expect(counts(end, 'done')).toEqual({});
  expect(startsOf(killed.folder)).toBe(before);
});
