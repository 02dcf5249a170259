/** Traces in WfFormat as workflows: what is made of them, and that a result that is wrong is seen. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseInstance, traceRows, translate } from '../../bench/wfcommons.ts';
import { all } from './rows.ts';

const TASKS = [
  { name: 'join', id: 'b', parents: ['a'], children: [], inputFiles: ['made', 'given'], outputFiles: ['end'] },
  { name: 'cut it', id: 'a', parents: [], children: ['b'], inputFiles: ['given'], outputFiles: ['made'] },
];
const TRACE = {
  name: 'two',
  schemaVersion: '1.5',
  workflow: {
    specification: {
      tasks: TASKS,
      files: [
        { id: 'given', sizeInBytes: 100 },
        { id: 'made', sizeInBytes: 40 },
        { id: 'end', sizeInBytes: 5 },
      ],
    },
    execution: {
      makespanInSeconds: 30,
      executedAt: '2026-12-01T00:00:00Z',
      tasks: [
        { id: 'a', runtimeInSeconds: 20 },
        { id: 'b', runtimeInSeconds: 10 },
      ],
    },
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'redex-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a trace', () => {
  test('becomes a workflow with its tasks, in an order that its parents allow, and a share of its times and sizes', () => {
    const { source, inputs, outputs, value } = translate(parseInstance(JSON.stringify(TRACE)), 0.1);
    expect(source).toContain(`const t0 = f_cut_it("a", [file('in/f0')], [["out/f0",4]], 2, []);`);
    expect(source).toContain(`const t1 = f_join("b", [t0[0],file('in/f0')], [["out/f1",1]], 1, [t0]);`);
    expect([...inputs]).toEqual([['in/f0', 10]]);
    expect([...outputs]).toEqual([
      ['out/f0', 4],
      ['out/f1', 1],
    ]);
    expect(value).toBe(1);
  });

  test('is refused when it is of another version, or its tasks wait for each other', () => {
    expect(() => parseInstance(JSON.stringify({ ...TRACE, schemaVersion: '1.0' }))).toThrow();
    const tasks = TASKS.map((task) => ({ ...task, parents: ['b'] }));
    const round = { ...TRACE, workflow: { ...TRACE.workflow, specification: { tasks } } };
    expect(() => translate(parseInstance(JSON.stringify(round)), 1)).toThrow('wait for each other');
  });

  test('fails when the run came to another number of files, or wrote others', async () => {
    const path = join(folder, 'two.json');
    await writeFile(path, JSON.stringify(TRACE));
    const ran = { stdout: '', stderr: '', seconds: 1, cpuSeconds: 1, peakMB: {} };
    const came = (value: number) => all(traceRows(path, 0.1, () => Promise.resolve({ value, ran })));
    await expect(came(2)).rejects.toThrow('two came to 2 files, not 1');
    await expect(came(1)).rejects.toThrow(/ENOENT.*out\/f0/);
  });

  test('runs as a workflow of the command line', async () => {
    const path = join(folder, 'real.json');
    await writeFile(path, JSON.stringify(TRACE));
    const rows = await all(traceRows(path, 0.001));
    expect(rows).toMatchObject([{ trace: 'real.json, cold', tasks: 2, files: 3 }, { trace: 'real.json, unchanged' }]);
  });
});
