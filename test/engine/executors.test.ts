/** Executors of more than one kind in one world: what a new one takes is a folder, and a line where the world is put together. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderAttempts } from '../../core/disk/attempts.ts';
import { folderObjects } from '../../core/disk/objects.ts';
import type { JobReport } from '../../core/engine/executor.ts';
import { readHistory } from '../../core/engine/history.ts';
import { loadLarge } from '../../core/engine/objects.ts';
import type { Host, World } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import { script, task } from '../../core/index.ts';
import { present } from '../../core/values/present.ts';
import type { Program } from '../../core/values/program.ts';
import { buildRunner } from '../../docker/runner/build.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { plain, playJobs, playWorld, start } from '../support/play.ts';
import { type ProcessExecutor, processExecutor } from '../support/process-executor/executor.ts';

const EXECUTORS = { here: { type: 'process' }, batch: { type: 'batch' }, nowhere: { type: 'abacus' } };

const square = (n: number) => script(`echo -n $(( ${n} * ${n} ))`, { executor: 'here' });
const double = task('kinds.double', { version: '1', executor: 'batch' }, (text: string) => 2 * Number(text));
const far = task('kinds.far', { version: '1', executor: 'nowhere' }, (n: number) => n);

/** Of a deployment whose configuration names executors of kinds that redex does not come with. */
function withExecutors(host: Host, executors: Program['executors']): Host {
  return { ...host, program: async (bundle) => ({ ...(await host.program(bundle)), executors }) };
}

describe('a kind of executor', () => {
  const folder = mkdtempSync(join(tmpdir(), 'redex-process-'));
  const news: JobReport[] = [];
  let executor: ProcessExecutor;

  beforeAll(async () => {
    const { main } = await buildRunner(join(folder, 'runner'));
    const { PATH = '' } = process.env;
    const variables = { PATH, REDEX_STORE: join(folder, 'store'), REDEX_FILES_ROOT: folder, REDEX_WORK: folder };
    executor = processExecutor({ runner: [process.execPath, main], variables }, (report) => news.push(report));
  }, 60_000);

  afterAll(async () => {
    await executor.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function kindsWorld(): World & Pick<MemoryWorld, 'batch'> {
    const memory = playWorld();
    return {
      ...memory,
      host: withExecutors(memory.host, EXECUTORS),
      objects: folderObjects(join(folder, 'store')),
      attempts: folderAttempts(join(folder, 'store')),
      executors: { ...memory.executors, process: executor },
    };
  }

  async function ended(expression: unknown) {
    const world = kindsWorld();
    const run = await start(world, expression);
    let { status } = await round(world, run);
    for (const end = Date.now() + 60_000; status === 'RUNNING' && Date.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const reports = [...news.splice(0), ...(await playJobs(world))];
      if (reports.length > 0) ({ status } = await round(world, run, reports));
    }
    return { world, run, summary: present(await world.summaries.get(run), 'summary') };
  }

  it('is chosen by the type of the executor that a task names, beside those of other kinds', {
    timeout: 90_000,
  }, async () => {
    const { world, run, summary } = await ended([square(3), square(4), double(square(5)), double('7')]);
    expect(summary.status).toBe('DONE');
    const value = plain(await loadLarge(world.objects, present(summary.result, 'result')));
    expect(value).toEqual(['9', '16', 50, 14]);
    const { jobs = [] } = (await readHistory(world, run)) ?? {};
    // An array of three, and jobs by themselves.
    expect(jobs.map(({ executorId }) => executorId).sort()).toEqual([
      'job-1',
      'job-2',
      'process-1/0',
      'process-1/1',
      'process-1/2',
    ]);
  });

  it('that the deployment has no executor of fails its jobs, and the error says which kinds there are', async () => {
    const { summary } = await ended(far(1));
    expect(summary.status).toBe('FAILED');
    expect(summary.traceback).toMatch(
      /SubmissionRefused: .*no executor of kind 'abacus' here; this deployment has batch, process/,
    );
  });
});
