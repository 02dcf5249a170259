/** What is told of one job: its attempts, what it was given, and the files on both sides of it. */

import { describe, expect, it } from 'vitest';
import { readHistory } from '../../core/engine/history.ts';
import { type JobRecord, readJob } from '../../core/engine/job-record.ts';
import { round } from '../../core/engine/round.ts';
import { file, task } from '../../core/index.ts';
import type { File } from '../../core/values/classes.ts';
import type { RunId } from '../../core/values/ids.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { play, playJobs, playWorld, start } from '../support/play.ts';

const heavy = task('j.heavy', { version: '1', executor: 'batch', memory: 2, vcpus: 3 }, (n: number) => n);
const copies = task('j.copies', { version: '1', executor: 'batch' }, (from: File) => [from, from.location.length]);
const broken = task('j.broken', { version: '1' }, (): number => {
  throw new RangeError('no luck');
});

async function jobOf(world: MemoryWorld, run: RunId, name: string): Promise<JobRecord> {
  const { jobs = [] } = (await readHistory(world, run)) ?? {};
  const { id = '' } = jobs.find(({ task: each }) => each === name) ?? {};
  const { job } = (await readJob(world, run, id)) ?? {};
  if (!job) throw new Error(`no job of ${name}`);
  return job;
}

describe('a job', () => {
  it('has each attempt with what it was given, and why it ended', async () => {
    const world = playWorld();
    const run = await start(world, heavy(1));
    await round(world, run);
    const [{ reports } = { reports: new Map() }] = world.batch.jobs;
    const [id = ''] = reports.keys();
    const killed = { status: 'FAILED', containerReason: 'OutOfMemoryError: killed', exitCode: 137 } as const;
    await round(world, run, [world.batch.report(id, killed)]);
    expect((await jobOf(world, run, 'j.heavy')).attempts).toMatchObject([
      { attempt: 1, status: 'FAILED', cause: 'out-of-memory', executor: 'batch', executorId: id },
      { attempt: 2, status: 'RUNNING', resources: { vcpus: 3, memory: 4 } },
    ]);
    await play(world, run);
    const job = await jobOf(world, run, 'j.heavy');
    expect(job).toMatchObject({ status: 'DONE', attempt: 2, inputs: [], outputs: [] });
    expect(job.attempts).toMatchObject([
      { attempt: 1, error: expect.stringContaining('OutOfMemory'), resources: { vcpus: 3, memory: 2 } },
      { attempt: 2, status: 'DONE', executorId: expect.not.stringContaining(id) },
    ]);
  });

  it('of an array has its own id there', async () => {
    const world = playWorld();
    const run = await start(world, [heavy(1), heavy(2), heavy(3)]);
    await round(world, run);
    const { jobs = [] } = (await readHistory(world, run)) ?? {};
    const records = await Promise.all(jobs.map(({ id }) => readJob(world, run, id)));
    const ids = records.map((record) => record?.job?.attempts[0]?.executorId);
    expect(ids.map((id) => id?.replace(/^.*:/, ':'))).toEqual([':0', ':1', ':2']);
    expect(await playJobs(world)).toHaveLength(3);
  });

  it('has the files that it was given and those that it gave, with their versions', async () => {
    const world = playWorld();
    world.files.versions.set('in.txt', 'v7');
    const run = await start(world, copies(file('in.txt') as unknown as File));
    await play(world, run);
    expect(await jobOf(world, run, 'j.copies')).toMatchObject({
      inputs: [{ kind: 'file', location: 'in.txt', version: 'v7' }],
      outputs: [{ kind: 'file', location: 'in.txt', version: 'v7' }],
    });
  });

  it('that ran in the engine has attempts without an executor', async () => {
    const world = playWorld();
    const run = await start(world, broken());
    await play(world, run);
    expect((await jobOf(world, run, 'j.broken')).attempts).toEqual([
      { attempt: 1, status: 'FAILED', cause: 'program', error: 'RangeError: no luck', measured: expect.anything() },
    ]);
  });

  it('is not there where the run has none of its id, or is not there itself', async () => {
    const world = playWorld();
    const run = await start(world, 1);
    expect(await readJob(world, run, 'none')).toEqual({ job: undefined });
    expect(await readJob(world, 'none' as RunId, 'none')).toBeUndefined();
  });
});
