import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployBundle } from '../../core/engine/deployed.ts';
import { engineSettings } from '../../core/environment.ts';
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

function setUp(variables: Readonly<Record<string, string>>): void {
  const settings = {
    REDEX_STACK: 'test',
    REDEX_TABLE_RUNS: tableNames.runs,
    REDEX_TABLE_CACHE: tableNames.cache,
    REDEX_TABLE_ATTEMPTS: tableNames.attempts,
    REDEX_EVENTS: 'https://sqs.example/1/events',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    ...variables,
  };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
}

const run = 'run1' as RunId;
const hash = digest('test', 'eval') as EvalHash;

describe('the world of the handlers', () => {
  it('keeps journals in DynamoDB, objects and claims in the folder that was named', async () => {
    const store = await scratchFolder();
    setUp({ REDEX_STORE: store, REDEX_SENDER: 'owner' });
    const { journal, objects, attempts, stack, sender } = world();
    expect([stack, sender]).toEqual(['test', { id: 'owner', exclusive: true }]);
    await journal.append({ run, sequence: 1, nonce: 'aa', at: 0, facts: [] });
    expect(await journal.readAfter(run, 0)).toHaveLength(1);
    await objects.put('values/x', new Uint8Array([1]));
    await attempts.claim(run, hash, 1, 'job');
    expect(await readdir(store)).toEqual(['attempts', 'values']);
  });

  it('keeps claims in DynamoDB where the store is a bucket, and shares the right to send', async () => {
    setUp({ REDEX_STORE: 's3://bucket/prefix' });
    const { attempts, sender } = world();
    expect(sender.exclusive).toBe(false);
    expect(await attempts.claim(run, hash, 1, 'job')).toBe('claimed');
  });

  it('has no local files where the store is a bucket, and those of a laptop where it is a folder', async () => {
    const leaf = { kind: 'file', location: '/proc/self/environ' } as const;
    setUp({ REDEX_STORE: 's3://bucket/prefix', REDEX_DATA_BUCKETS: 'data-*, other' });
    expect(await world().files.observe([leaf])).toEqual([{ unseen: expect.anything() }]);
    expect(engineSettings().dataBuckets).toEqual(['data-*', 'other']);
    setUp({ REDEX_STORE: await scratchFolder(), REDEX_FILES_ROOT: await scratchFolder() });
    expect(await world().files.observe([leaf])).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  it('stays the same for as long as its settings do', () => {
    setUp({ REDEX_STORE: '/somewhere' });
    const first = world();
    expect(world()).toBe(first);
    setUp({ REDEX_STORE: '/elsewhere' });
    expect(world()).not.toBe(first);
  });

  it('knows the bundle that was deployed last, also while it lives', async () => {
    setUp({ REDEX_STORE: await scratchFolder() });
    expect(await currentBundle()).toBeUndefined();
    for (const name of ['one', 'other']) {
      await deployBundle(world().objects, digest('test', name));
      expect(await currentBundle()).toBe(digest('test', name));
    }
  });

  it('says what the environment lacks', () => {
    vi.stubEnv('REDEX_STACK', '');
    expect(() => world()).toThrow('the environment is not set up: REDEX_STACK');
  });
});
