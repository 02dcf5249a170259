import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TerminateJobCommand } from '@aws-sdk/client-batch';
import { describe, expect, test } from 'vitest';
import { processesWith } from '../runner/testbed.ts';
import { afterTest, submit, temporaryFolder, testCloud, until, untilStatus } from './fixture.ts';

let count = 0;

/** The shell text that starts a daemon which sleeps that long, and a wait for it to be there. */
function daemon(words = ''): { readonly seconds: string; readonly text: string; there(): Promise<unknown> } {
  const seconds = `${process.pid}.${count++}25`;
  return {
    seconds,
    text: `${words} setsid -f sleep ${seconds} > /dev/null 2>&1 < /dev/null`,
    there: () => until(async () => (await processesWith(seconds)).length > 0 || undefined),
  };
}

const gone = (seconds: string) => until(async () => (await processesWith(seconds)).length === 0 || undefined);

describe('a daemon that a job has started', () => {
  test('ends with its job', async () => {
    const { batch } = await testCloud();
    const { text, seconds, there } = daemon();
    const id = await submit(batch, `${text}; sleep 0.3`);
    await there();
    expect((await untilStatus(batch, id)).status).toBe('SUCCEEDED');
    expect(await processesWith(seconds)).toEqual([]);
  });

  test('ends with a job that is terminated, and does not end by itself', async () => {
    const { batch } = await testCloud({ killGraceMs: 100 });
    const { text, seconds, there } = daemon();
    const id = await submit(batch, `trap "" TERM; ${text}; while :; do sleep 1; done`);
    await there();
    await batch.send(new TerminateJobCommand({ jobId: id, reason: 'enough' }));
    await untilStatus(batch, id);
    await gone(seconds);
  });

  test.each([
    ['environment of the job', ''],
    ['mark that scripts are given', 'env -u AWS_BATCH_JOB_ID REDEX_JOB=$AWS_BATCH_JOB_ID/1'],
  ])('ends with a job that is killed by somebody else, known by the %s', async (_, words) => {
    const { batch } = await testCloud();
    const { text, seconds } = daemon(words);
    await untilStatus(batch, await submit(batch, `${text}; sleep 0.2; kill -9 $$`));
    await gone(seconds);
  });

  test('ends with a job that has to be killed, also where the environment was emptied', async () => {
    const { batch } = await testCloud({ killGraceMs: 100 });
    const { text, seconds, there } = daemon('env -i PATH="$PATH"');
    const id = await submit(batch, `cd /; trap "" TERM; ${text}; while :; do sleep 1; done`);
    await there();
    await batch.send(new TerminateJobCommand({ jobId: id, reason: 'enough' }));
    await untilStatus(batch, id);
    await gone(seconds);
  });

  test('ends when the cloud is closed', async () => {
    const { batch, cloud } = await testCloud();
    const { text, seconds, there } = daemon();
    await submit(batch, `trap "" TERM; ${text}; while :; do sleep 1; done`);
    await there();
    await cloud.close();
    await gone(seconds);
  });

  test('leaves the daemons of other jobs alone', async () => {
    const { batch } = await testCloud();
    const [mine, other] = [daemon(), daemon()];
    const file = join(temporaryFolder(), 'go');
    await submit(batch, `${other.text}; until test -e ${file}; do sleep 0.05; done`);
    await other.there();
    await untilStatus(batch, await submit(batch, mine.text));
    expect(await processesWith(mine.seconds)).toEqual([]);
    expect(await processesWith(other.seconds)).toHaveLength(1);
    expect(existsSync(file)).toBe(false);
  });
});

describe('where there is no Perl', () => {
  test('jobs run all the same, and their daemons are known by the mark', async () => {
    const path = process.env.PATH;
    afterTest(() => {
      process.env.PATH = path;
    });
    process.env.PATH = '/nowhere';
    const { batch } = await testCloud();
    process.env.PATH = path;
    const { text, seconds, there } = daemon();
    const id = await submit(batch, `export PATH='${path}'; ${text}; sleep 0.3`);
    await there();
    expect((await untilStatus(batch, id)).status).toBe('SUCCEEDED');
    expect(await processesWith(seconds)).toEqual([]);
  });
});
