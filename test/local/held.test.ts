/** Runs that are held: what another process left of them stands still in an open cloud. */

import { setTimeout as sleep } from 'node:timers/promises';
import { TerminateJobCommand } from '@aws-sdk/client-batch';
import { expect, test } from 'vitest';
import { folderHeldRuns } from '../../core/disk/held.ts';
import type { RunId } from '../../core/values/ids.ts';
import { describeJob, submit, type TestCloud, testCloud, untilStatus, wake } from './fixture.ts';

const HELD = 'held1' as RunId;
const OTHER = 'other1' as RunId;
const WAIT_MS = 300;

function jobOf(run: RunId, more: object = {}) {
  return { jobName: `redex_local_${run}_s1`, vcpus: 64, ...more };
}

/** One job running, an array waiting behind it, a wake-up on its way; then the run is held and the cloud closed. */
async function left(): Promise<{ folder: string; running: string; waiting: string }> {
  const first = await testCloud();
  const running = await submit(first.batch, 'sleep 100', jobOf(HELD));
  const waiting = await submit(first.batch, 'true', jobOf(HELD, { arrayProperties: { size: 2 } }));
  await untilStatus(first.batch, running, 'RUNNING');
  await wake(first, HELD);
  first.cloud.hold(HELD);
  await first.cloud.close();
  return { folder: first.folder, running, waiting };
}

function told({ events }: TestCloud): string[] {
  return events.map(({ detail }) =>
    detail.jobName ? `${detail.jobName} ${detail.status}` : `${(detail as { run?: string }).run} woken`,
  );
}

test('nothing of a run that is held is started or told, other runs go on, and all of it is made up for when it is released', async () => {
  const { folder, waiting } = await left();
  const second = await testCloud({ folder, wakeUpDelayMs: 0 });
  const other = await submit(second.batch, 'true', jobOf(OTHER));
  expect(await untilStatus(second.batch, other)).toMatchObject({ status: 'SUCCEEDED' });
  await wake(second, HELD);
  await wake(second, OTHER);
  await second.cloud.idle();
  await sleep(WAIT_MS);
  expect(new Set(told(second).map((line) => line.split(' ')[0]))).toEqual(new Set([`redex_local_${OTHER}_s1`, OTHER]));
  expect(await describeJob(second.batch, `${waiting}:0`)).toMatchObject({ status: 'RUNNABLE' });

  await second.cloud.release(HELD);
  expect(await untilStatus(second.batch, waiting)).toMatchObject({ status: 'SUCCEEDED' });
  await second.cloud.idle();
  expect(folderHeldRuns(`${folder}/store`).has(HELD)).toBe(false);
  const name = `redex_local_${HELD}_s1`;
  const ends = told(second).filter((line) => line === `${name} FAILED` || line === `${name} SUCCEEDED`);
  // The job that was interrupted; the array and its children.
  expect(ends.sort()).toEqual([`${name} FAILED`, ...new Array(3).fill(`${name} SUCCEEDED`)]);
  expect(told(second)).toContain(`${HELD} woken`);
  expect(told(second).filter((line) => line.startsWith('redex_local_other'))).toHaveLength(4);
});

test('jobs of a run that is held can be ended, and stay ended when it is released', async () => {
  const { folder, running, waiting } = await left();
  const second = await testCloud({ folder });
  for (const jobId of [running, waiting]) await second.batch.send(new TerminateJobCommand({ jobId, reason: 'a test' }));
  expect(await describeJob(second.batch, waiting)).toMatchObject({ status: 'FAILED' });
  expect(told(second)).toEqual([]);
  await second.cloud.release(HELD);
  expect(await untilStatus(second.batch, running)).toMatchObject({ status: 'FAILED' });
  await second.cloud.idle();
  expect(told(second).filter((line) => line.includes('STARTING'))).toEqual([]);
});
