import { closeSync, openSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { File } from '../../core/values/classes.ts';
import { openTestbed, processesWith, type Testbed, until } from './testbed.ts';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(() => testbed.remove());

/** Ways to leave a job's parent, group and session before anybody looks. */
const DAEMONS = {
  'setsid -f': (sleep: string) => `setsid -f ${sleep} > /dev/null 2>&1`,
  'a double fork': (sleep: string) => `( ( setsid ${sleep} & ) & ) > /dev/null 2>&1`,
  'nohup and disown': (sleep: string) => `nohup ${sleep} > /dev/null 2>&1 & disown`,
  'a chain of sessions': (sleep: string) => `setsid -f setsid -f setsid -f ${sleep} > /dev/null 2>&1`,
  'a daemon in another directory': (sleep: string) => `(cd / && setsid -f ${sleep} > /dev/null 2>&1)`,
  'a daemon that holds the pipes open': (sleep: string) => `setsid -f ${sleep}`,
};

describe('a process that leaves its job', () => {
  for (const [at, [way, daemon]] of Object.entries(DAEMONS).entries()) {
    it(`by ${way} ends when the script has ended`, async () => {
      const seconds = `3${at}10.125`;
      const ended = await testbed.run({ text: `${daemon(`sleep ${seconds}`)}\necho done\n`, outputs: new File('-') });
      expect(ended).toMatchObject({ exitCode: 0, value: 'done\n' });
      expect(await processesWith(seconds)).toEqual([]);
    });

    it(`by ${way} ends with a job that is told to end, and with one whose parent is gone`, async () => {
      for (const end of ['terminate', 'abandon']) {
        const seconds = `3${at}20.125`;
        const spec = await testbed.scriptSpec({ text: `${daemon(`sleep ${seconds}`)}\necho ready\nsleep 3333\n` });
        const running = await testbed.start(spec);
        await until(async () => running.log().includes('ready') && (await processesWith(seconds)).length > 0);
        if (end === 'terminate') process.kill(running.child.pid as number, 'SIGTERM');
        else running.child.stdin?.destroy();
        await running.ended;
        await until(async () => (await processesWith(seconds)).length === 0);
      }
    });
  }
});

describe('a script that signals its own process group', () => {
  it.each(['TERM', 'INT', 'KILL'])('by SIG%s ends by itself, and not its runner', async (signal) => {
    const ended = await testbed.run({ text: `sleep 3350.125 &\necho said >&2; kill -${signal} 0; sleep 5` });
    expect(ended).toMatchObject({ exitCode: 1, error: { message: expect.stringContaining('said') as string } });
    expect(await processesWith('3350.125')).toEqual([]);
  });

  it('may spare itself, and goes on', async () => {
    const text = `trap 'trap "" TERM; kill 0; wait; echo tidied > x' EXIT\nsleep 3351.125 &\n`;
    const ended = await testbed.run({ text, outputs: new File('tidied').stage('x') });
    expect(ended).toMatchObject({ exitCode: 0, outcome: { ok: true } });
    expect(await testbed.read('tidied')).toBe('tidied\n');
  });
});

describe('a pipe that somebody else holds open', () => {
  it('does not keep the job from its end', async () => {
    const spec = await testbed.scriptSpec({
      text: `echo "pid $$ end"; until test -e ${testbed.files}/go; do sleep 0.02; done; echo last`,
      outputs: new File('-'),
    });
    const running = await testbed.start(spec);
    await until(() => / end/.test(running.log()));
    const held = openSync(`/proc/${/pid (\d+)/.exec(running.log())?.[1]}/fd/1`, 'w');
    await testbed.write('go', '');
    const ended = await running.ended;
    closeSync(held);
    expect(ended).toMatchObject({ exitCode: 0, value: expect.stringMatching(/last\n$/) as string });
  });
});
