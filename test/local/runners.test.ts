/** Runners of the local Batch that take one job after another: what a job of its own process has, each of theirs has, too. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { putSpecs } from '../../core/engine/manifest.ts';
import { keys } from '../../core/engine/objects.ts';
import { stateOf } from '../../core/proc.ts';
import { File } from '../../core/values/classes.ts';
import { buildRunner } from '../../docker/runner/build.ts';
import type { Execution, Exit } from '../../local/batch/execution.ts';
import { reapingRunner } from '../../local/batch/reaper.ts';
import { type JobRunners, jobRunners } from '../../local/batch/runners.ts';
import { openTestbed, processesWith, type Testbed, until } from '../runner/testbed.ts';

let testbed: Testbed;
let command: string[];
let runners: JobRunners;
let count = 0;

beforeAll(async () => {
  testbed = await openTestbed();
  const { main } = await buildRunner(join(testbed.store, '..', 'runner'));
  command = await reapingRunner([process.execPath, main], process.env);
  runners = jobRunners();
});

afterAll(async () => {
  runners.close();
  await testbed.remove();
});

interface Started extends Execution {
  readonly log: string;
  /** What its script wrote to its standard output. */
  value(): Promise<unknown>;
}

async function start(text: string, { own = {}, sharing = true } = {}): Promise<Started> {
  const job = `warm-${process.pid}-${count++}`;
  const spec = await testbed.scriptSpec({ text, outputs: new File('-') });
  const shared = { PATH: process.env.PATH, REDEX_STORE: testbed.store, REDEX_FILES_ROOT: testbed.files };
  const variables = {
    ...shared,
    REDEX_SPEC: keys.spec(await putSpecs(testbed.objects, [spec])),
    REDEX_WORK: testbed.work,
    REDEX_PARENT_PIPE: '1',
    AWS_BATCH_JOB_ID: job,
    ...own,
  };
  const log = join(testbed.work, `${job}.log`);
  const launch = { job, command, variables, folder: testbed.work, log, dockerName: undefined };
  const started = await runners.start({ ...launch, shared: sharing ? shared : undefined });
  if ('failed' in started) throw new Error(started.failed);
  const value = async () => {
    const outcome = (await testbed.attempts.read(spec.run, [spec.eval])).get(spec.eval)?.outcome;
    return outcome?.ok ? outcome.expression.at(-1) : undefined;
  };
  return { ...started, log, value };
}

async function run(text: string, options = {}): Promise<{ pid: number; exit: Exit }> {
  const { pid, ended } = await start(text, options);
  return { pid, exit: await ended };
}

it('serve jobs one after another, also after one that failed', async () => {
  const first = await run('echo 1');
  expect(first.exit).toEqual({ exitCode: 0 });
  expect(await run('exit 3')).toEqual({ pid: first.pid, exit: { exitCode: 1 } });
  expect(await run('echo 2')).toEqual(first);
});

it('are as many as jobs run at once', async () => {
  const both = await Promise.all([start('sleep 0.2'), start('sleep 0.2')]);
  expect(new Set(both.map(({ pid }) => pid)).size).toBe(2);
  for (const { ended } of both) expect(await ended).toEqual({ exitCode: 0 });
});

it('give a job its own variables, folder, group and log, and nothing of the one before', async () => {
  const told =
    'echo "$REDEX_VCPUS"; echo "$PWD"; echo "$REDEX_JOB"; ps -o pgid= -p $$ | tr -d " "; ls -A; echo said >&2';
  const [one, two] = [await start(told, { own: { REDEX_VCPUS: '7' } }), await start('echo "$REDEX_VCPUS"')];
  await Promise.all([one.ended, two.ended]);
  const next = await start(told);
  await next.ended;
  const lines = async (started: Started) => String(await started.value()).split('\n');
  const [before, after] = [await lines(one), await lines(next)];
  expect([before[0], after[0], await two.value()]).toEqual(['7', '', '\n']);
  for (const at of [1, 2, 3]) expect(before[at]).not.toBe(after[at]);
  expect(before[3]).not.toBe(String(one.pid));
  expect(readFileSync(next.log, 'utf8').match(/said/g)).toHaveLength(1);
});

it('are not used again when a job has left something running, which ends with it', async () => {
  const seconds = `${process.pid}.25`;
  const leaving = await start(`setsid -f env -i sleep ${seconds} >/dev/null 2>&1; sleep 0.1`);
  expect(await leaving.ended).toEqual({ exitCode: 0 });
  expect(await processesWith(seconds)).toEqual([]);
  expect((await run('true')).pid).not.toBe(leaving.pid);
});

it('are not used again when a job was told to end', async () => {
  const stopped = await start('sleep 100');
  stopped.stop(10_000);
  expect(await stopped.ended).toEqual({ exitCode: 143 });
  expect(await run('true')).toEqual({ pid: expect.not.toSatisfy((pid) => pid === stopped.pid), exit: { exitCode: 0 } });
});

it('end with a job that is killed, and what it has started, too', async () => {
  const seconds = `${process.pid}.35`;
  const killed = await start(`sleep ${seconds}`);
  await until(async () => (await processesWith(seconds)).length > 0);
  killed.kill();
  expect(await killed.ended).toEqual({ exitCode: 137 });
  await until(async () => (await processesWith(seconds)).length === 0);
});

it('that end while they have nothing to do cost no job', async () => {
  const { pid } = await run('true');
  process.kill(pid, 'SIGKILL');
  expect((await run('true')).exit).toEqual({ exitCode: 0 });
});

it('take no job that may not share a process', async () => {
  const { pid } = await run('true');
  const own = await run('true', { sharing: false, own: { REDEX_SECRET_TOKEN: 'of nobody else' } });
  expect(own.exit).toEqual({ exitCode: 0 });
  expect(own.pid).not.toBe(pid);
  expect(stateOf(own.pid)).toBeUndefined();
});

it('end when they are told that there are no more jobs', async () => {
  const { pid } = await run('true');
  runners.close();
  await until(() => stateOf(pid) === undefined);
  runners = jobRunners();
});
