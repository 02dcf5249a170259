/** Measurements of command lines: that they are told apart, and that a wrong result is seen. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FoundEngine, LocalEngine } from '../../bench/engines.ts';
import { type RunFiles, smallFiles } from '../../bench/files.ts';
import { largeRun } from '../../bench/large.ts';
import { rowsOf } from '../../bench/local.ts';
import type { Figures } from '../../bench/measurement.ts';
import { timed } from '../../bench/process.ts';
import { sumOfSquares } from '../../bench/rerun.ts';
import { firstTables } from '../../bench/start.ts';
import { all } from './rows.ts';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'redex-test-'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

/** Says what it is given, after so long. */
function engineOf(name: string, seconds: number, value: (count: number) => number): LocalEngine {
  return {
    name,
    workflows: new Set(['inline']),
    run: (_folder, _workflow, count) =>
      Promise.resolve({
        value: value(count),
        ran: { stdout: '', stderr: '', seconds: 1 + seconds * count, cpuSeconds: 1, peakMB: { node: 1 } },
      }),
  };
}

const KIND = {
  workflow: 'inline',
  share: { redex: 1, others: 1 },
  aims: { cold: 1 / 50 },
  value: (count: number) => count,
};

const rowsIn = (engines: readonly FoundEngine[]): Promise<Figures[]> => all(rowsOf(KIND, engines, 10, 1));

describe('local', () => {
  test('what a job costs is the difference to the run of one, and is compared with redex’s', async () => {
    const engines = [engineOf('redex', 0.001, (n) => n), engineOf('redun', 0.1, (n) => n)];
    const [own, , other] = await rowsIn(engines);
    expect(own?.['ms/job']).toBeCloseTo(1);
    expect(other?.['times redex’s']).toBeCloseTo(100);
    expect(other?.aim).toBe('50 times or more');
  });

  test('an engine that is not there is skipped in a line', async () => {
    const rows = await rowsIn([engineOf('redex', 0.001, (n) => n), { name: 'redun', skipped: 'no Python' }]);
    expect(rows.at(-1)).toMatchObject({ engine: 'redun', 'run s': 'skipped: no Python' });
  });

  test('fails when an engine gives another value than it should', async () => {
    await expect(rowsIn([engineOf('redun', 0.1, () => 7)])).rejects.toThrow('inline of redun gave 7, not 1');
  });
});

describe('start', () => {
  test('says when a command showed its first job, and fails when it never did', async () => {
    const shows = (text: string): LocalEngine => ({
      ...engineOf('redex', 0, () => 0),
      first: { words: ['echo', 'a job'], shows: text },
    });
    const rows = await all(firstTables([shows('job')], 1));
    expect(rows).toMatchObject([{ what: 'redex, the first job on the screen' }]);
    await expect(all(firstTables([shows('table')], 1))).rejects.toThrow('never showed table: a job');
  });
});

describe('files', () => {
  test('are looked at beside sha256sum, and a run that saw too few is seen', async () => {
    const seen =
      (less: number): RunFiles =>
      async (_folder, _workflow, ...flags) => {
        const count = Number(flags.at(-1));
        return { value: 2 * count - 1 - less, ran: await timed(['true'], { cwd }) };
      };
    const folder = await mkdtemp(join(cwd, 'files-'));
    expect(await all(smallFiles(folder, 3, seen(0)))).toMatchObject([
      { what: 'sha256sum', files: 3 },
      { what: 'redex, cold' },
      { what: 'redex, unchanged' },
    ]);
    const other = await mkdtemp(join(cwd, 'files-'));
    const wrong = all(smallFiles(other, 3, seen(1)));
    await expect(wrong).rejects.toThrow('the run of 1 files came to 0, not 1');
  });
});

describe('large and rerun', () => {
  test('fail when the value is another than it should be', async () => {
    const kind = { what: 'a grid', workflow: 'grid', count: 3 } as const;
    await expect(
      largeRun(
        engineOf('redex', 0, () => 8),
        kind,
      ),
    ).rejects.toThrow('a grid: the value is 8, not 9');
    expect(
      await largeRun(
        engineOf('redex', 0, () => 9),
        kind,
      ),
    ).toMatchObject({ what: 'a grid', s: 1 });
    expect(sumOfSquares(4)).toBe(14);
  });
});

describe('a command that is timed', () => {
  test('has what its children used of the processor', async () => {
    const busy = 'while (process.cpuUsage().user < 200_000);';
    const { cpuSeconds, stdout } = await timed(['bash', '-c', `"$0" -e '${busy}' && echo done`, process.execPath], {
      cwd,
    });
    expect(stdout).toBe('done\n');
    expect(cpuSeconds).toBeGreaterThan(0.1);
  });

  test('fails with what it wrote when it fails, and when it does not end', async () => {
    await expect(timed(['bash', '-c', 'echo no >&2; exit 3'], { cwd })).rejects.toThrow(/ended with 3: no$/);
    await expect(timed(['sleep', '60'], { cwd, limitMs: 100 })).rejects.toThrow('did not end within 0.1 s');
  });
});
