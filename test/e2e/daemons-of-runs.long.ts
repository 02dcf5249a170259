/** Daemons that scripts start, and the ends of a run. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processesWith, until } from '../runner/testbed.ts';
import { project } from '../support/project.ts';
import { begin, redex } from './command.ts';

const WORKFLOW = `
import { script, task, v } from 'redex';

export const main = task('e2e.main', { params: v.object({ seconds: v.string(), stay: v.number() }) }, ({ seconds, stay }) =>
  script(\`
    cd /
    setsid -f sleep \${seconds} > /dev/null 2>&1
    env -i "$(command -v setsid)" -f "$(command -v sleep)" \${seconds} > /dev/null 2>&1
    sleep \${stay}
    echo done\`, { executor: 'batch' }),
);
`;

let folder: string;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  folder = await project({ 'workflow.ts': WORKFLOW }, (remove) => cleanups.push(remove));
});

afterAll(() => Promise.all(cleanups.map((clean) => clean())));

let count = 0;

function command(stay: number): { readonly seconds: string; readonly words: string[] } {
  const seconds = `${process.pid}.${count++}625`;
  return { seconds, words: ['run', 'main', '--seconds', seconds, '--stay', String(stay)] };
}

/** The command's own words hold the number, too. */
async function daemons(seconds: string): Promise<number> {
  const [all, commands] = await Promise.all([
    processesWith(`sleep\0${seconds}`),
    processesWith(`--seconds\0${seconds}`),
  ]);
  return all.filter((pid) => !commands.includes(pid)).length;
}

describe('no daemon is left', { timeout: 240_000 }, () => {
  test('when the run is done', async () => {
    const { seconds, words } = command(0.5);
    const { child, ended } = begin(folder, words);
    await until(async () => (await daemons(seconds)) === 2 || child.exitCode !== null);
    const { code, stdout } = await ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining("'done\\n'") as string]);
    expect(await daemons(seconds)).toBe(0);
  });

  test.each(['SIGINT', 'SIGHUP', 'SIGKILL'] as const)('when redex is ended by %s', async (signal) => {
    const { seconds, words } = command(100);
    const { child, ended } = begin(folder, words);
    await until(async () => (await daemons(seconds)) === 2 || child.exitCode !== null);
    child.kill(signal);
    await ended;
    await until(async () => (await daemons(seconds)) === 0);
    const [, run = ''] = /(\w+) .*(?:STOPPED|INTERRUPTED)/.exec((await redex(folder, 'log')).stdout) ?? [];
    expect(await redex(folder, 'cancel', run)).toMatchObject({ code: 0 });
  });

  test('when the run is cancelled', async () => {
    const { seconds, words } = command(100);
    const { child, ended } = begin(folder, words);
    await until(async () => (await daemons(seconds)) === 2 || child.exitCode !== null);
    const [, run = ''] = /(\w+) .*RUNNING/.exec((await redex(folder, 'log')).stdout) ?? [];
    await redex(folder, 'cancel', run);
    await ended;
    await until(async () => (await daemons(seconds)) === 0);
  });
});
