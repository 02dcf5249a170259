import { describe, expect, it } from 'vitest';
import type { DescribedJob } from '../../core/aws/batch/jobs.ts';
import { round } from '../../core/engine/round.ts';
import { errorLine } from '../../core/graph/errors.ts';
import { task } from '../../core/index.ts';
import { CAUSES } from '../../core/values/causes.ts';
import { adviceOn } from '../../core/values/errors.ts';
import type { RunId } from '../../core/values/ids.ts';
import { type MemoryWorld, withBatch } from '../support/memory-world.ts';
import { playWorld, start } from '../support/play.ts';

type Said = Pick<DescribedJob, 'statusReason' | 'containerReason' | 'exitCode'>;

const EXITED = 'Essential container in task exited';
const LIMIT = 'Canceled by JobStateTimeLimit action due to reason:';

describe('a job that ended without a result', () => {
  const demo = task('demo.task', { version: '1', executor: 'batch' }, (n: number) => n);
  const attempts = { 'out-of-memory': 1, image: 1 };
  const once = task('demo.once', { version: '1', executor: 'batch', attempts }, (n: number) => n);

  async function ended(said: Said, status: 'FAILED' | 'SUCCEEDED' = 'FAILED', call: unknown = demo(1)) {
    const world = playWorld();
    const run = await start(world, call);
    await round(world, run);
    await round(world, run, [world.batch.report('job-1', { status, ...said })]);
    return { world, run };
  }

  /** The error of the attempt that ended so. */
  async function told(said: Said, status: 'FAILED' | 'SUCCEEDED' = 'FAILED'): Promise<string> {
    const { world, run } = await ended(said, status);
    const facts = (await world.journal.readAfter(run, 0)).flatMap((entry) => entry.facts);
    const failed = facts.find((fact) => fact.type === 'failed');
    return failed?.type === 'failed' ? errorLine(failed.error) : '';
  }

  it('is told with what its exit code means', async () => {
    expect(await told({ exitCode: 127 })).toContain('exit code 127 (a command was not found');
    expect(await told({ exitCode: 137 })).toContain('exit code 137 (SIGKILL: killed from outside');
    expect(await told({ exitCode: 139 })).toContain('exit code 139 (SIGSEGV: a program crashed');
  });

  it('for want of a secret is caught by a name of its own', async () => {
    const containerReason = 'ResourceInitializationError: unable to retrieve secret';
    expect(await told({ containerReason })).toBe(
      `SecretError: demo.task: job job-1 ended FAILED without a result (${containerReason})`,
    );
  });

  it('for want of memory by its own, too, and a guess is called one', async () => {
    expect(await told({ statusReason: EXITED, exitCode: 137 })).toMatch(
      /^OutOfMemory: .*\(Essential container in task exited; memory has probably run out, exit code 137/,
    );
  });

  it('is told without a guess where the code says nothing', async () => {
    expect(await told({ exitCode: 1 })).toBe(
      'JobFailed: demo.task: job job-1 ended FAILED without a result (no reason given, exit code 1)',
    );
  });

  it.each<[string, Said, string]>([
    ['time', { statusReason: 'Job attempt duration exceeded timeout' }, '`timeoutSeconds`'],
    ['memory', { containerReason: 'OutOfMemoryError: Container killed due to memory usage' }, '`memory`'],
    ['an image', { containerReason: 'CannotPullContainerError: pull access denied' }, 'image'],
    ['a secret', { containerReason: 'ResourceInitializationError: unable to retrieve secret' }, 'secret'],
    ['somebody who ended it', { statusReason: 'stopped by hand' }, '`redex retry`'],
    ['its own reasons', { exitCode: 1 }, '`redex logs`'],
  ])('for %s ends the traceback with what to do', async (_what, said, part) => {
    const { world, run } = await ended(said, 'FAILED', once(1));
    const { traceback = '' } = (await world.summaries.get(run)) ?? {};
    const [last = ''] = traceback.split('\n').slice(-1);
    expect(last).toMatch(/^What to do: /);
    expect(last).toContain(part);
  });

  it('is advised once where the exit code has the advice with it', async () => {
    const { world, run } = await ended({ statusReason: EXITED, exitCode: 137 }, 'FAILED', once(1));
    const { traceback = '' } = (await world.summaries.get(run)) ?? {};
    expect(traceback.match(/ask for more/g)).toHaveLength(1);
  });

  it('has an error with advice, whatever the cause', () => {
    for (const { error } of Object.values(CAUSES)) expect(adviceOn(error)).toMatch(/^[a-z].*[^.]$/);
    expect(adviceOn('Red')).toBeUndefined();
  });

  it('though it went well is told by the same name as a lost machine', async () => {
    expect(await told({ statusReason: EXITED, exitCode: 0 }, 'SUCCEEDED')).toBe(
      'MachineLost: demo.task: job job-1 ended SUCCEEDED without a result (Essential container in task exited, exit code 0)',
    );
  });
});

describe('after an attempt that ended without a result', () => {
  const heavy = task('causes.heavy', { version: '1', executor: 'batch', memory: 2 }, (n: number) => n);
  const plain = task('causes.plain', { version: '1', executor: 'batch' }, (n: number) => n);
  const spot = { type: 'batch', queue: 'spot', fallbackQueue: 'on-demand' } as const;

  /** Queues and memory of the attempts, when each of them ends as said. */
  async function attempts(
    world: MemoryWorld,
    ends: readonly Said[],
    call: unknown = heavy(1),
  ): Promise<(readonly [string | undefined, number])[]> {
    const run: RunId = await start(world, call);
    await round(world, run);
    for (const said of ends) {
      const { id } = world.batch.jobs.at(-1) ?? { id: '' };
      await round(world, run, [world.batch.report(id, { status: 'FAILED', ...said })]);
    }
    return world.batch.jobs.map(({ request: { resources } }) => [resources.queue, resources.memory]);
  }

  it.each([
    { statusReason: 'Timeout waiting for network interface provisioning to complete.' },
    { statusReason: `${LIMIT} CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY` },
    { statusReason: 'Your Spot Task was interrupted.' },
  ])('for want of a machine, the next go to the queue to fall back on: %j', async (said) => {
    const world = playWorld({ executors: { batch: spot } });
    expect(await attempts(world, [said, said])).toEqual([
      ['spot', 2],
      ['on-demand', 2],
      ['on-demand', 2],
    ]);
  });

  it('for want of a machine, the next go to the same queue where no other is given, five attempts in all', async () => {
    const world = playWorld({ executors: { batch: { type: 'batch', queue: 'spot' } } });
    const said = { statusReason: 'Timeout waiting for network interface provisioning to complete.' };
    expect(
      await attempts(
        world,
        Array.from({ length: 5 }, () => said),
      ),
    ).toEqual(Array.from({ length: 5 }, () => ['spot', 2]));
  });

  it('for want of memory, the next has more of it, on the same queue', async () => {
    const world = playWorld({ executors: { batch: spot } });
    expect(await attempts(world, [{ statusReason: EXITED, exitCode: 137 }])).toEqual([
      ['spot', 2],
      ['spot', 4],
    ]);
  });

  it('for want of memory, the next has more of it also where nobody said how much', async () => {
    const world = playWorld();
    const killed = { statusReason: EXITED, exitCode: 137 };
    expect(await attempts(world, [killed, killed], plain(1))).toEqual([
      [undefined, 4],
      [undefined, 8],
      [undefined, 16],
    ]);
  });

  it('that a person terminated there is no other, however often its program may be tried', async () => {
    const world = playWorld({ executors: { batch: { ...spot, attempts: { program: 3 } } } });
    expect(await attempts(world, [{ statusReason: 'wrong reference, sorry', exitCode: 143 }])).toEqual([['spot', 2]]);
    const [summary] = await world.summaries.list({});
    expect(summary?.traceback).toContain('JobTerminated');
  });

  it('whose claim was not acknowledged, it is looked for on the queue that it was sent to', async () => {
    const world = playWorld({ executors: { batch: spot } });
    const asked: (string | undefined)[] = [];
    const { find } = world.batch;
    const watched = withBatch(world, {
      find: (name, queue) => {
        asked.push(queue);
        return find(name, queue);
      },
    });
    const run = await start(watched, heavy(1));
    await round(watched, run);
    const lost = watched.batch.report('job-1', { status: 'FAILED', statusReason: 'Your Spot Task was interrupted.' });
    world.batch.answerNext({ kind: 'unknown', reason: 'time-out' }, { accepted: true });
    await round(watched, run, [lost]);
    await watched.clock.sleep(3600_000);
    await round(watched, run);
    expect(asked).toEqual(['on-demand']);
  });
});
