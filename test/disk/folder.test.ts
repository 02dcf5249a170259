import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { folderAttempts } from '../../core/disk/attempts.ts';
import { folderObjects } from '../../core/disk/objects.ts';
import type { EvalHash, RunId } from '../../core/graph/facts.ts';
import { attemptsContract } from '../contract/attempts.ts';
import { objectsContract } from '../contract/objects.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'redex-disk-'));
});

afterAll(() => rm(root, { recursive: true }));

objectsContract('a folder', async () => folderObjects(root));
attemptsContract('a folder', async () => folderAttempts(root));

it('leaves no unfinished files behind', async () => {
  const names = await readdir(root, { recursive: true });
  expect(names.filter((name) => name.includes('.part'))).toEqual([]);
});

it.each(['../run', 'a/b', '', '..'])('refuses the run id %j', async (run) => {
  const attempts = folderAttempts(root);
  await expect(attempts.claim(run as RunId, 'a'.repeat(40) as EvalHash, 1, 'job')).rejects.toThrow(/run id/);
  await expect(attempts.cancel(run as RunId)).rejects.toThrow(/run id/);
});

it.each(['../x', 'cancelled', ''])('refuses the eval hash %j', async (hash) => {
  await expect(folderAttempts(root).claim('run' as RunId, hash as EvalHash, 1, 'job')).rejects.toThrow(/eval hash/);
});
