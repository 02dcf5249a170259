import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { folderAttempts } from '../../core/disk/attempts.ts';
import { type FolderCache, openFolderCache } from '../../core/disk/cache.ts';
import { folderObjects } from '../../core/disk/objects.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, RunId } from '../../core/values/ids.ts';
import { attemptsContract } from '../contract/attempts.ts';
import { cacheContract, evaluation } from '../contract/cache.ts';
import { objectsContract } from '../contract/objects.ts';
import { scratchFolder } from '../support/project.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'redex-disk-'));
});

afterAll(() => rm(root, { recursive: true }));

objectsContract('a folder', async () => folderObjects(root));
attemptsContract('a folder', async () => folderAttempts(root));

describe('a folder of cached evaluations', () => {
  let cache: FolderCache;
  beforeAll(async () => {
    cache = await openFolderCache(join(root, 'cache'));
  });
  afterAll(() => cache.close());

  cacheContract('a folder', async () => cache);

  it('has what was written when it is opened again, and one process alone has it open', async () => {
    const folder = await scratchFolder();
    const [first, entry] = [await openFolderCache(folder), evaluation()];
    await first.write([entry]);
    await expect(openFolderCache(folder)).rejects.toThrow();
    await first.close();
    const second = await openFolderCache(folder);
    expect(await second.read([entry.hash])).toEqual(new Map([[entry.hash, entry]]));
    await second.close();
  });

  it('leaves out what is damaged, or of a later version', async () => {
    const folder = await scratchFolder();
    const [damaged, later] = [evaluation(), evaluation()];
    const level = new ClassicLevel(folder);
    await level.put(damaged.hash, '{"v":1,');
    await level.put(later.hash, JSON.stringify({ v: 2, ...later }));
    await level.close();
    const opened = await openFolderCache(folder);
    expect(await opened.read([damaged.hash, later.hash])).toEqual(new Map());
    await opened.close();
  });
});

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

describe('a damaged record of a job', () => {
  const [run, hash] = ['damaged' as RunId, digest('test', 'damaged') as EvalHash];
  const outcome = { ok: true, expression: ['x'], measured: {} } as const;

  it.each(['', '{"attempt":1,"hol', 'null', '[]'])('with %j for its outcome is a failure by name', async (text) => {
    const root = await scratchFolder();
    const attempts = folderAttempts(root);
    await attempts.claim(run, hash, 1, 'job');
    await attempts.finish(run, hash, 1, 'job', outcome);
    await writeFile(join(root, 'attempts', run, `${hash}.2`), text);
    const record = (await attempts.read(run, [hash])).get(hash);
    expect(record).toMatchObject({ attempt: 1, holder: 'job', outcome: { ok: false } });
    expect(JSON.stringify(record?.outcome)).toContain('ValueDamaged');
    expect(await attempts.claim(run, hash, 2, 'next')).toBe('claimed');
  });

  it('with nonsense for its claim can be claimed anew', async () => {
    const root = await scratchFolder();
    const attempts = folderAttempts(root);
    await attempts.claim(run, hash, 1, 'job');
    await writeFile(join(root, 'attempts', run, `${hash}.1`), 'nonsense');
    expect(await attempts.holds(run, hash, 1, 'job')).toBe(false);
    expect(await attempts.claim(run, hash, 2, 'next')).toBe('claimed');
  });
});
