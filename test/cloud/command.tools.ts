/** The command line, on a stack: as on a laptop, by the API, the bucket and CloudFormation alone. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begin, type Ended, type RunEnd, redex, runEnd } from '../e2e/command.ts';
import { hasMoto } from '../support/moto.ts';
import { type Deployed, openDeployed } from './deployed.ts';
import { COMMAND_LINE, isGranted, unusedGrants } from './grants.ts';
import { BUCKET, type CloudWorld } from './world.ts';

describe.skipIf(!hasMoto())('redex on a stack', { timeout: 240_000 }, () => {
  let deployed: Deployed;
  let world: CloudWorld;

  beforeAll(async () => {
    deployed = await openDeployed(afterAll);
    ({ world } = deployed);
  });

  afterAll(async () => {
    await deployed?.close();
  });

  /** The stack goes on while the command waits. */
  const onAws = async (...words: string[]): Promise<Ended> => {
    const { ended } = begin(deployed.folder, [...words, '--on-aws'], world.environment);
    let isOver = false;
    const over = ended.finally(() => (isOver = true));
    while (!isOver) {
      await world.settle();
      await new Promise((done) => setTimeout(done, 100));
    }
    return over;
  };
  /** Where the stack is taken forward already. */
  const beside = (...words: string[]) => begin(deployed.folder, [...words, '--on-aws'], world.environment).ended;
  const ok = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await onAws(...words);
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
    return stdout;
  };
  const counts = ({ tally }: RunEnd) =>
    Object.fromEntries(Object.entries(tally).map(([task, { done, cached, failed }]) => [task, [done, cached, failed]]));

  it('runs what was deployed, and prints what a laptop prints', async () => {
    const there = runEnd(await onAws('run', 'many', '--to', '3', '--json'));
    const here = runEnd(await redex(deployed.folder, 'run', 'many', '--to', '3', '--json'));
    expect(there).toMatchObject({ status: 'DONE', result: here.result });
    expect(counts(there)).toEqual(counts(here));
    expect(Object.keys(there).sort()).toEqual(Object.keys(here).sort());

    const told = (text: string) =>
      text.replaceAll(/\d[\d:.T+-]*( seconds|Z)?/g, '#').replaceAll(/[0-9a-z]{16}/g, 'RUN');
    const [log, own] = [await ok('log', there.run), (await redex(deployed.folder, 'log', here.run)).stdout];
    expect(
      told(log)
        .split(/\s+/)
        .filter((word) => /^[A-Z]+$/.test(word)),
    ).toEqual(
      told(own)
        .split(/\s+/)
        .filter((word) => /^[A-Z]+$/.test(word)),
    );
    expect(await ok('log')).toContain(there.run);
    expect(await ok('status', there.run)).toContain('[0, 0.5, 1]');
    expect(await ok('run', 'many', '--to', '3')).toContain('[0, 0.5, 1]');
    expect(world.gateway.misSigned).toEqual([]);
  });

  it('runs a file that was edited, by whoever may deploy, and leaves what is deployed as it is', async () => {
    const file = join(deployed.folder, 'workflows/cloud/edited.ts');
    const text = readFileSync(join(deployed.folder, 'workflows/cloud/workflow.ts'), 'utf8');
    await writeFile(file, text.replaceAll('n / 2', 'n / 4'));
    expect(await ok('run', file, 'many', '--to', '3')).toContain('[0, 0.25, 0.5]');
    expect(await ok('run', 'many', '--to', '3')).toContain('[0, 0.5, 1]');
  });

  it('says what a run would do, and starts nothing', async () => {
    const jobs = world.machines.count;
    expect(await ok('run', 'many', '--to', '5', '--dry-run')).toContain('3 cached, 3 would run');
    expect(await ok('run', 'many', '--to', '3', '--dry-run')).toContain('every job is cached');
    expect(world.machines.count).toBe(jobs);
  });

  it('tells what went wrong, prints what a job wrote, and takes the run up again', async () => {
    await world.put('gate.txt', 'shut');
    const failed = await onAws('run', 'flaky', '--gate', `s3://${BUCKET}/gate.txt`, '--json');
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('exit code 1') });
    const { run } = runEnd(failed);
    const { jobs } = JSON.parse(await ok('log', run, '--json')) as {
      jobs: { id: string; task: string }[];
    };
    const { id = '' } = jobs.find(({ task }) => task === 'cloud.talks') ?? {};
    expect(await ok('logs', id, '--run', run)).toBe('first line\nsecond line\n');
    expect(await onAws('retry', run)).toMatchObject({ code: 1 });
    expect(await onAws('cancel', run)).toMatchObject({ code: 2, stderr: expect.stringContaining('is over already') });
  });

  it('detaches by Ctrl-C, and the run goes on', async () => {
    const { child, ended } = begin(deployed.folder, ['run', 'slow', '--stack', 'redex-dev'], world.environment);
    const settled = world.settle();
    while (world.machines.running === 0) await new Promise((done) => setTimeout(done, 100));
    expect((await beside('status')).stdout).toContain('RUNNING');
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    const [, run = ''] =
      /the run goes on in the stack redex-dev\. .*redex resume (\w+) --stack redex-dev/.exec(stderr) ?? [];
    expect(world.machines.running).toBe(1);
    const resumed = beside('resume', run, '--json');
    const cancelled = onAws('cancel', run, '--reason', 'enough');
    await settled;
    expect(await cancelled).toMatchObject({ code: 0 });
    expect(runEnd(await resumed)).toMatchObject({ run, status: 'CANCELLED' });
    expect(await ok('status', run)).toContain('CANCELLED');
  });

  it('says what is wrong, and what to do', async () => {
    expect(await onAws('run', 'many')).toMatchObject({ code: 2, stderr: expect.stringContaining('needs --to') });
    expect(await onAws('run', 'nothing')).toMatchObject({ code: 2, stderr: expect.stringContaining('cloud.many') });
    const local = await onAws('run', 'flaky', '--gate', 'in/samples.txt');
    expect(local).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be reached from here') });
    const elsewhere = begin(deployed.folder, ['log', '--stack', 'redex-prod'], world.environment);
    expect(await elsewhere.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('no stack redex-prod') });
    const stranger = begin(deployed.folder, ['log'], {
      ...world.environment,
      REDEX_STACK: 'redex-dev',
      AWS_SECRET_ACCESS_KEY: 'wrong',
    });
    expect(await stranger.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('does not let you call') });
  });

  it('has functions ask for what their roles grant, and for all of it where nobody else asks them', () => {
    const refused = world.needs.filter((need) => !isGranted(world.template, need));
    expect([...new Set(refused.map(({ who, action, resource }) => `${who}: ${action} on ${resource}`))]).toEqual([]);
    const unused = unusedGrants(world.template, world.needs).filter(({ who }) => COMMAND_LINE.includes(who));
    expect(unused.map(({ who, action }) => `${who}: ${action}`)).toEqual([]);
  });
});
