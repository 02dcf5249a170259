/** What ran on after its caller had gone. */

import { describe, expect, it } from 'vitest';
import type { JobReport } from '../../core/engine/executor.ts';
import { round } from '../../core/engine/round.ts';
import { sweep } from '../../core/engine/sweep.ts';
import { catchError, task } from '../../core/index.ts';
import type { RunId } from '../../core/values/ids.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { plain, play, playJobs, playWorld, start } from '../support/play.ts';

const MINUTE = 60_000;
const batch = { version: '1', executor: 'batch' };
const heavy = task('u.heavy', batch, (n: number) => n * 10);
const fragile = task('u.fragile', batch, (n: number): number => {
  throw Object.assign(new Error(`no ${n}`), { stack: undefined });
});
const zero = task('u.zero', { version: '1' }, (_error: Error) => 0);

describe('work in flight that nobody wants any more', () => {
  // In the order in which they are submitted: the third, the first, the second.
  const program = [
    catchError([fragile(1), heavy.options({ memory: 2 })(2)], 'Error', zero),
    heavy.options({ memory: 3 })(3),
  ];

  /** The list of the catch fails, and with it goes what its second element was wanted for. */
  async function fail(world: MemoryWorld, run: RunId, job: string): Promise<void> {
    const [failed] = await playJobs(world, (id) => id === job);
    await round(world, run, [failed as JobReport]);
  }

  it('is not tried again when its machine is lost', async () => {
    const world = playWorld();
    const run = await start(world, program);
    await round(world, run);
    await fail(world, run, 'job-2');
    const lost = world.batch.report('job-3', { status: 'FAILED', statusReason: 'Host EC2 (instance i-1) terminated.' });
    await round(world, run, [lost]);
    expect(world.batch.jobs).toHaveLength(3);
    const summary = await play(world, run);
    expect(plain(summary.result as never)).toEqual([0, 30]);
    expect(summary.tally['u.heavy']).toMatchObject({ done: 1, cancelled: 1, pending: 0, running: 0 });
  });

  it('is not sent again when its request never arrived', async () => {
    const world = playWorld();
    world.batch.answerNext({ kind: 'accepted', id: 'job-1' });
    world.batch.answerNext({ kind: 'accepted', id: 'job-2' });
    world.batch.answerNext({ kind: 'unknown', reason: 'time-out' });
    const run = await start(world, program);
    await round(world, run);
    await fail(world, run, 'job-2');
    world.clock.advance(10 * MINUTE);
    await sweep(world);
    expect(world.batch.jobs).toHaveLength(2);
    expect(plain((await play(world, run)).result as never)).toEqual([0, 30]);
  });

  it('is left out when an array that never arrived is sent again', async () => {
    const world = playWorld();
    const two = [catchError([fragile.options({ memory: 9 })(1), heavy(2)], 'Error', zero), heavy(3)];
    world.batch.answerNext({ kind: 'unknown', reason: 'time-out' });
    const run = await start(world, two);
    await round(world, run);
    await fail(world, run, 'job-1');
    world.clock.advance(10 * MINUTE);
    await sweep(world);
    expect(world.batch.jobs.map(({ request }) => request.size)).toEqual([1, 1]);
    expect(plain((await play(world, run)).result as never)).toEqual([0, 30]);
  });
});
