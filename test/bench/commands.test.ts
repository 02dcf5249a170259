/** Measurements of command lines: that they are told apart, and that a wrong result is seen. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Found, LocalEngine } from '../../bench/engines.ts';
import { largeRun } from '../../bench/large.ts';
import { rowsOf } from '../../bench/local.ts';
import type { Figures } from '../../bench/measurement.ts';
import { timed } from '../../bench/process.ts';
import { sumOfSquares } from '../../bench/rerun.ts';

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

async function rowsIn(engines: readonly Found[]): Promise<Figures[]> {
  const rows: Figures[] = [];
  for await (const row of rowsOf(KIND, engines, 10, 1)) rows.push(row);
  return rows;
}

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
    const busy = 'const end = Date.now() + 300; while (Date.now() < end);';
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
