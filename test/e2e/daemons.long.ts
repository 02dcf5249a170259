import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putSpecs } from '../../core/engine/manifest.ts';
import { keys } from '../../core/engine/objects.ts';
import { buildRunner } from '../../docker/runner/build.ts';
import { type Execution, startExecution } from '../../local/batch/execution.ts';
import { reapingRunner } from '../../local/batch/reaper.ts';
import { openTestbed, processesWith, type Testbed, until } from '../runner/testbed.ts';

const JOBS = 100;
const AT_ONCE = 5;
const LATER_MS_MAX = 800;
const GRACE_MS = 300;

/** Ways to make a daemon that sleeps for so long. */
const DAEMONS: readonly ((seconds: string) => string)[] = [
  (seconds) => `setsid -f sleep ${seconds} > /dev/null 2>&1`,
  (seconds) => `( ( setsid sleep ${seconds} & ) & ) > /dev/null 2>&1`,
  (seconds) => `nohup sleep ${seconds} > /dev/null 2>&1 & disown`,
  (seconds) => `(cd / && setsid -f setsid -f sleep ${seconds})`,
  (seconds) => `env -i "$(command -v setsid)" -f "$(command -v sleep)" ${seconds} > /dev/null 2>&1`,
];

/** How a job is ended: told to, which it may mind or not; killed by its Batch; or its runner is killed by somebody else. */
const ENDS = ['stop', 'stop a stubborn one', 'kill', 'murder'] as const;

interface Moment {
  readonly daemon: number;
  readonly end: (typeof ENDS)[number];
  readonly laterMs: number;
}

const moment: fc.Arbitrary<Moment> = fc.record({
  daemon: fc.nat(DAEMONS.length - 1),
  end: fc.constantFrom(...ENDS),
  laterMs: fc.nat(LATER_MS_MAX),
});

let testbed: Testbed;
let runner: string[];

beforeAll(async () => {
  testbed = await openTestbed();
  const { main } = await buildRunner(join(testbed.store, '..', 'runner'));
  runner = await reapingRunner([process.execPath, main], process.env);
});

afterAll(() => testbed.remove());

async function start(job: string, text: string): Promise<Execution> {
  const spec = await testbed.scriptSpec({ text });
  const variables = {
    PATH: process.env.PATH,
    REDEX_SPEC: keys.spec(await putSpecs(testbed.objects, [spec])),
    REDEX_STORE: testbed.store,
    REDEX_FILES_ROOT: testbed.files,
    REDEX_WORK: testbed.work,
    REDEX_PARENT_PIPE: '1',
    AWS_BATCH_JOB_ID: job,
    AWS_BATCH_JOB_ATTEMPT: '1',
  };
  const log = join(testbed.work, `${job}.log`);
  const started = await startExecution({
    job,
    command: runner,
    variables,
    folder: testbed.work,
    log,
    dockerName: undefined,
  });
  if ('failed' in started) throw new Error(started.failed);
  return started;
}

/** The links that lead into the jobs' folders. */
async function shortNames(): Promise<string[]> {
  const names = (await readdir('/tmp')).filter((name) => name.startsWith('redex-'));
  const links = await Promise.all(names.map((name) => readlink(join('/tmp', name, 'in')).catch(() => '')));
  return links.filter((link) => link.startsWith(testbed.work));
}

/** Gives the processes that are left, and whether there was a daemon at all. */
async function cancelledAt({ daemon, end, laterMs }: Moment, at: number): Promise<{ made: boolean; left: number[] }> {
  const seconds = `${process.pid}.${at}75`;
  // An emptied environment is a way out where nobody can look before the runner is gone.
  const way = DAEMONS[end === 'murder' && daemon === DAEMONS.length - 1 ? 0 : daemon];
  // Some are being made at any moment.
  const making = `for n in 1 2 3 4 5 6; do ${way?.(seconds)}\nsleep 0.05; done\nsleep 3500\n`;
  const text = end === 'stop' ? making : `trap "" TERM\n${making}`;
  const execution = await start(`job-${process.pid}-${at}`, text);
  await until(async () => (await processesWith(seconds)).length > 1);
  await sleep(laterMs);
  const made = (await processesWith(seconds)).length > 0;
  if (end === 'kill') execution.kill();
  else if (end === 'murder') process.kill(execution.pid, 'SIGKILL');
  else execution.stop(GRACE_MS);
  await execution.ended;
  for (let look = 0; look < 50 && (await processesWith(seconds)).length > 0; look++) await sleep(20);
  return { made, left: await processesWith(seconds) };
}

describe('of jobs that make daemons', () => {
  it(`no process is left of ${JOBS} that are ended at random moments`, async () => {
    const moments = fc.sample(fc.noBias(moment), { seed: 7, numRuns: JOBS }).map((each, at) => [each, at] as const);
    const workers = Array.from({ length: AT_ONCE }, async () => {
      for (let next = moments.shift(); next; next = moments.shift()) {
        const [when, at] = next;
        expect(await cancelledAt(when, at), JSON.stringify(when)).toEqual({ made: true, left: [] });
      }
    });
    await Promise.all(workers);
    expect(await shortNames()).toEqual([]);
  }, 300_000);
});
