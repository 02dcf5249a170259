import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployBundle } from '../../core/engine/deployed.ts';
import { engineSettings, type Variables } from '../../core/environment.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, RunId } from '../../core/values/ids.ts';
import { currentBundle, world } from '../../functions/world.ts';
import { startDynamo, type TestDynamo, tableNames } from '../support/dynamo.ts';
import { scratchFolder } from '../support/project.ts';

let dynamo: TestDynamo;

beforeAll(async () => {
  dynamo = await startDynamo();
});

afterAll(() => dynamo.stop());

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The environment of a stack; what is for the SDK is set in this process's own, where that looks. */
function environmentOf(variables: Readonly<Record<string, string>>): Variables {
  const ofTheSdk = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
  };
  for (const [name, value] of Object.entries(ofTheSdk)) vi.stubEnv(name, value);
  return {
    REDEX_STACK: 'test',
    REDEX_TABLE_RUNS: tableNames.runs,
    REDEX_TABLE_CACHE: tableNames.cache,
    REDEX_TABLE_ATTEMPTS: tableNames.attempts,
    REDEX_EVENTS: 'https://sqs.example/1/events',
    ...variables,
  };
}

const run = 'run1' as RunId;
const hash = digest('test', 'eval') as EvalHash;

describe('the world of the handlers', () => {
  it('keeps journals in DynamoDB, objects and claims in the folder that was named', async () => {
    const store = await scratchFolder();
    const opened = world(environmentOf({ REDEX_STORE: store, REDEX_SENDER: 'owner' }));
    const { journal, objects, attempts, stack, sender } = opened;
    expect([stack, sender]).toEqual(['test', { id: 'owner', exclusive: true }]);
    await journal.append({ run, sequence: 1, nonce: 'aa', at: 0, facts: [] });
    expect(await journal.readAfter(run, 0)).toHaveLength(1);
    await objects.put('values/x', new Uint8Array([1]));
    await attempts.claim(run, hash, 1, 'job');
    expect(await readdir(store)).toEqual(['attempts', 'values']);
  });

  it('keeps claims in DynamoDB where the store is a bucket, and shares the right to send', async () => {
    const { attempts, sender } = world(environmentOf({ REDEX_STORE: 's3://bucket/prefix' }));
    expect(sender.exclusive).toBe(false);
    expect(await attempts.claim(run, hash, 1, 'job')).toBe('claimed');
  });

  it('has no local files where the store is a bucket, and those of a laptop where it is a folder', async () => {
    const leaf = { kind: 'file', location: '/proc/self/environ' } as const;
    const cloud = environmentOf({ REDEX_STORE: 's3://bucket/prefix', REDEX_DATA_BUCKETS: 'data-*, other' });
    expect(await world(cloud).files.observe([leaf])).toEqual([{ unseen: expect.anything() }]);
    expect(engineSettings(cloud).dataBuckets).toEqual(['data-*', 'other']);
    const laptop = environmentOf({ REDEX_STORE: await scratchFolder(), REDEX_FILES_ROOT: await scratchFolder() });
    expect(await world(laptop).files.observe([leaf])).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  it('stays the same for as long as its environment does, and is another in another', () => {
    const environment = environmentOf({ REDEX_STORE: '/somewhere' });
    expect(world(environment)).toBe(world(environment));
    expect(world(environmentOf({ REDEX_STORE: '/elsewhere' }))).not.toBe(world(environment));
  });

  it('finds the services of a local cloud where it is told, and nothing of that on AWS', () => {
    const environment = environmentOf({ REDEX_STORE: '/somewhere', AWS_ENDPOINT_URL_BATCH: 'http://127.0.0.1:9' });
    expect(engineSettings({ ...environment, REDEX_LOCAL: '1' }).endpoints).toMatchObject({
      batch: 'http://127.0.0.1:9',
    });
    expect(engineSettings(environment).endpoints).toBeUndefined();
  });

  it('knows the bundle that was deployed last, also while it lives', async () => {
    const environment = environmentOf({ REDEX_STORE: await scratchFolder() });
    expect(await currentBundle(environment)).toBeUndefined();
    for (const name of ['one', 'other']) {
      await deployBundle(world(environment).objects, digest('test', name));
      expect(await currentBundle(environment)).toBe(digest('test', name));
    }
  });

  it('says what the environment lacks, whenever it is asked for', () => {
    const environment = { REDEX_STACK: '' };
    for (const _ of [1, 2]) expect(() => world(environment)).toThrow('the environment is not set up: REDEX_STACK');
  });
});
