import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putSpecs } from '../../core/engine/manifest.ts';
import { keys } from '../../core/engine/objects.ts';
import { File } from '../../core/values/classes.ts';
import { openTestbed, processesWith, type Running, type Testbed, until } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

const stdout = new File('-');

/** Starts a script that says `ready` when it runs, then sleeps so long that only a signal ends it. */
async function startSleeping(seconds: string, text = '', processes = 2): Promise<Running> {
  const spec = await testbed.scriptSpec({
    text: `${text}echo ready\nsleep ${seconds} &\nsleep ${seconds}\n`,
    outputs: new File(`never-${seconds}`).stage('x'),
  });
  const running = await testbed.start(spec);
  await until(async () => running.log().includes('ready') && (await processesWith(seconds)).length === processes);
  return running;
}

describe('a claim', () => {
  it('that is refused touches nothing and ends with code 97', async () => {
    const spec = await testbed.scriptSpec({ text: 'echo x > x\n', outputs: new File('refused').stage('x') });
    await testbed.attempts.claim(spec.run, spec.eval, 1, 'somebody');
    const before = await readdir(testbed.work);
    for (const holder of ['job-a', 'job-b']) {
      const ended = await (await testbed.start(spec, { holder })).ended;
      expect(ended).toMatchObject({ exitCode: 97, outcome: undefined });
    }
    expect(existsSync(join(testbed.files, 'refused'))).toBe(false);
    expect(await readdir(testbed.work)).toEqual(before);
  });

  it('that two runners race for is given to one, and only that one stages out', async () => {
    for (let round = 0; round < 3; round++) {
      const place = new File(`raced-${round}`);
      const spec = await testbed.scriptSpec({
        text: `echo $$ > x; echo ran >> ${testbed.files}/count-${round}\n`,
        outputs: place.stage('x'),
      });
      const both = await Promise.all([testbed.start(spec, { holder: 'a' }), testbed.start(spec, { holder: 'b' })]);
      const codes = (await Promise.all(both.map(({ ended }) => ended))).map(({ exitCode }) => exitCode);
      expect(codes.sort()).toEqual([0, 97]);
      expect(await testbed.read(`count-${round}`)).toBe('ran\n');
    }
  });

  it('that was taken over while the script ran keeps it from staging out', async () => {
    const spec = await testbed.scriptSpec({
      text: `echo x > x; echo ready; until test -e ${testbed.files}/go; do sleep 0.02; done\n`,
      outputs: new File('taken-over').stage('x'),
    });
    const running = await testbed.start(spec);
    await until(() => running.log().includes('ready'));
    await testbed.attempts.claim(spec.run, spec.eval, 2, 'the next');
    await testbed.write('go', '');
    expect(await running.ended).toMatchObject({ exitCode: 97, outcome: undefined });
    expect(existsSync(join(testbed.files, 'taken-over'))).toBe(false);
  });

  it('is for the job of an array that its index names', async () => {
    const jobs = await Promise.all(
      [0, 1, 2].map((at) => testbed.scriptSpec({ text: `echo job ${at}\n`, outputs: stdout })),
    );
    const manifest = keys.spec(await putSpecs(testbed.objects, jobs));
    const spec = jobs[2] as (typeof jobs)[0];
    const ended = await (
      await testbed.start(spec, {
        holder: 'parent',
        environment: { REDEX_SPEC: manifest, AWS_BATCH_JOB_ARRAY_INDEX: '2' },
      })
    ).ended;
    expect(ended.value).toBe('job 2\n');
    expect((await testbed.attempts.read(spec.run, [spec.eval])).get(spec.eval)?.holder).toBe('parent:2');
  });
});

describe('a job that is ended from outside', () => {
  it('passes SIGTERM on to the script and all it started, and records nothing', async () => {
    const running = await startSleeping('3218.25', 'trap "echo told; exit 9" TERM\n');
    process.kill(running.child.pid as number, 'SIGTERM');
    const ended = await running.ended;
    expect(ended).toMatchObject({ exitCode: 143, outcome: undefined });
    expect(ended.log).toContain('told');
    expect(await processesWith('3218.25')).toEqual([]);
    expect(existsSync(join(testbed.files, 'never-3218.25'))).toBe(false);
  });

  it('leaves no process when its parent is gone: the pipe ends', async () => {
    const running = await startSleeping('3219.25', 'trap "" TERM HUP\n');
    running.child.stdin?.destroy();
    await running.ended;
    await until(async () => (await processesWith('3219.25')).length === 0);
    expect(await running.ended).toMatchObject({ signal: 'SIGKILL', outcome: undefined });
  });

  it('leaves no process that made itself a group of its own, however it is ended', async () => {
    const text = 'timeout 3222 sleep 3221.25 & setsid sleep 3221.25 &\n';
    for (const end of ['terminate', 'abandon', 'finish']) {
      const running =
        end === 'finish'
          ? await testbed.start(await testbed.scriptSpec({ text: `${text}sleep 0.7\n` }))
          : await startSleeping('3221.25', text, 5);
      if (end === 'terminate') process.kill(running.child.pid as number, 'SIGTERM');
      if (end === 'abandon') running.child.stdin?.destroy();
      await running.ended;
      await until(async () => (await processesWith('3221.25')).length === 0);
      expect(await processesWith('3221.25')).toEqual([]);
    }
  });

  it('leaves no process when nobody gave it a group of its own', async () => {
    const spec = await testbed.scriptSpec({ text: 'echo ready; sleep 3220.25 & sleep 3220.25\n' });
    const running = await testbed.start(spec, { detached: false });
    await until(async () => (await processesWith('3220.25')).length === 2);
    process.kill(running.child.pid as number, 'SIGTERM');
    expect(await running.ended).toMatchObject({ exitCode: 143, outcome: undefined });
    expect(await processesWith('3220.25')).toEqual([]);
  });
});

describe("trouble that is not the job's", () => {
  it('is told by another exit code, and nothing is recorded', async () => {
    const spec = await testbed.scriptSpec({ text: 'true\n' });
    const ended = await (await testbed.start(spec, { environment: { REDEX_SPEC: 'specs/none' } })).ended;
    expect(ended).toMatchObject({ exitCode: 70, outcome: undefined });
    expect(ended.log).toContain('there is no job spec specs/none');
  });

  it('names every setting that is missing', async () => {
    const spec = await testbed.scriptSpec({ text: 'true\n' });
    const ended = await (await testbed.start(spec, { environment: { REDEX_STORE: '', AWS_BATCH_JOB_ID: '' } })).ended;
    expect(ended.exitCode).not.toBe(0);
    expect(ended.log).toMatch(/REDEX_STORE.*AWS_BATCH_JOB_ID/);
  });
});
