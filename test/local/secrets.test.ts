import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RegisterJobDefinitionCommand } from '@aws-sdk/client-batch';
import { describe, expect, test } from 'vitest';
import { reasonText } from '../../core/aws/batch/reasons.ts';
import { afterTest, logLines, submit, type TestCloud, testCloud, until, untilStatus } from './fixture.ts';

const VALUE = 'tok-5ECRET';

/** Runs a job whose definition has the one secret; gives what it printed and how it ended. */
async function jobWith({ batch, folder, cloud }: TestCloud, valueFrom: string) {
  const id = await submitWith(batch, valueFrom, 'printf "%s." "$REDEX_SECRET_KEY"');
  const job = await untilStatus(batch, id);
  await cloud.idle();
  const log = () => readFileSync(join(folder, 'batch/logs', `${id}.log`), 'utf8');
  return { job, log };
}

async function submitWith(batch: TestCloud['batch'], valueFrom: string, script: string): Promise<string> {
  const { jobDefinitionArn } = await batch.send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName: `with-${Math.random().toString(36).slice(2)}`,
      type: 'container',
      containerProperties: { secrets: [{ name: 'REDEX_SECRET_KEY', valueFrom }] },
    }),
  );
  return await submit(batch, script, { jobDefinition: jobDefinitionArn });
}

/** The variable is there when the cloud starts, as in the shell of who typed the command. */
async function cloudWith(value: string | undefined): Promise<TestCloud> {
  if (value !== undefined) process.env.TEST_SECRET = value;
  afterTest(() => {
    delete process.env.TEST_SECRET;
  });
  return await testCloud();
}

describe('the local Batch', () => {
  test('gives a job its secrets from the environment and from files, and writes down where they are only', async () => {
    const cloud = await cloudWith(VALUE);
    writeFileSync(join(cloud.folder, '../key'), `${VALUE}\nsecond\n`);
    const fromVariable = await jobWith(cloud, 'env:TEST_SECRET');
    expect(fromVariable.log()).toBe(`${VALUE}.`);
    expect(fromVariable.job.container?.secrets).toEqual([{ name: 'REDEX_SECRET_KEY', valueFrom: 'env:TEST_SECRET' }]);
    expect((await jobWith(cloud, 'file:key')).log()).toBe(`${VALUE}\nsecond.`);
    expect(JSON.stringify([cloud.events, logLines(cloud.folder)])).not.toContain('5ECRET');
  });

  test('leaves nothing where a job with secrets worked, whatever ends it', async () => {
    const { batch, folder, cloud } = await cloudWith(VALUE);
    const work = join(folder, 'work');
    const text = 'trap "" TERM; mkdir -p "$REDEX_WORK/x"; echo "$REDEX_SECRET_KEY" > "$REDEX_WORK/x/netrc"';
    await submitWith(batch, 'env:TEST_SECRET', `${text}; kill -9 $$`);
    const stubborn = await submitWith(batch, 'env:TEST_SECRET', `${text}; while :; do sleep 0.1; done`);
    await until(() => existsSync(join(work, stubborn, 'x/netrc')) || undefined);
    await cloud.close();
    expect(readdirSync(work)).toEqual([]);
  });

  test('fails a job whose secret is not to be had before it starts, and says which and what to do', async () => {
    const cloud = await cloudWith(undefined);
    const [odd, large] = ['odd', 'large'].map((name) => join(cloud.folder, '..', name)) as [string, string];
    writeFileSync(odd, Buffer.from([0xff, 0xfe, 0x00]));
    writeFileSync(large, 'x'.repeat(70_000));
    const arn = 'arn:aws:ssm:us-west-2:123456789012:parameter/key';
    const said = async (valueFrom: string) => {
      const { job } = await jobWith(cloud, valueFrom);
      expect(job).toMatchObject({ status: 'FAILED', statusReason: 'Task failed to start', attempts: [] });
      return job.container?.reason;
    };
    const missing = (why: string) => reasonText('secret-missing', `KEY: ${why}`);
    expect(await said('env:TEST_SECRET')).toBe(
      missing('the environment variable TEST_SECRET is not set where redex was started: set it, and try again'),
    );
    expect(await said('file:/no/such/key')).toBe(
      missing('the file /no/such/key cannot be read (ENOENT): put it there, and try again'),
    );
    expect(await said(`file:${odd}`)).toBe(missing(`the file ${odd} holds no text`));
    expect(await said(`file:${large}`)).toBe(missing(`the file ${large} has more than 64 KiB`));
    expect(await said(arn)).toContain(`KEY: ${arn} is not asked for by a local run: say where it is here by { env:`);
  });
});
