/** File systems that few machines have under their temporary folder. What cannot be mounted is skipped, with the reason. */
import { appendFileSync } from 'node:fs';
import { chmod, lstat, mkdir, readFile, stat, statfs, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { localStore } from '../../core/files/local.ts';
import { type Placed, placeFile } from '../../core/files/placing.ts';
import { mountedImage, mountedReadOnly } from '../support/mounts.ts';
import { scratchFolder } from '../support/project.ts';

const MB = 1024 * 1024;

async function place(root: string, location: string, target: string, version: string | null = null): Promise<Placed> {
  const placement = { location, version, how: 'link', target } as const;
  return await placeFile(localStore({ root }), placement, new AbortController().signal);
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

it.for(['xfs', 'btrfs'] as const)(
  'on %s an input is a clone: it takes no space, and the original is out of its reach',
  async (type, { skip }) => {
    const mounted = await mountedImage(type);
    if ('why' in mounted) return skip(`${type} cannot be mounted: ${mounted.why}`);
    const { at } = mounted;
    const [original, target] = [join(at, 'original'), join(at, 'work/input')];
    await mkdir(join(at, 'work'));
    await writeFile(original, Buffer.alloc(64 * MB, 'kept'));
    await chmod(original, 0o750);
    await utimes(original, 1e9, 1e9);
    const before = await freeBytes(at);
    const version = (await localStore({ root: at }).stat('original'))?.version as string;
    expect(await place(at, 'original', target, version)).toEqual({ bytes: 64 * MB, linked: false });
    expect(before - (await freeBytes(at))).toBeLessThan(16 * MB);
    const clone = await lstat(target);
    expect(clone.isFile()).toBe(true);
    expect([clone.mode & 0o777, clone.mtimeMs]).toEqual([0o750, 1e12]);
    appendFileSync(target, 'more');
    await chmod(target, 0o600);
    const after = await stat(original);
    expect([after.size, after.mode & 0o777, after.mtimeMs]).toEqual([64 * MB, 0o750, 1e12]);
    expect((await localStore({ root: at }).stat('original'))?.version).toBe(version);
    appendFileSync(original, 'changed');
    await expect(place(at, 'original', join(at, 'work/late'), version)).rejects.toMatchObject({ name: 'InputChanged' });
  },
);

it('an input on a file system that is mounted read-only is a link, also for root', async ({ skip }) => {
  const root = await scratchFolder();
  await writeFile(join(root, 'original'), 'kept');
  const mounted = await mountedReadOnly(root);
  if ('why' in mounted) return skip(`nothing can be mounted read-only: ${mounted.why}`);
  const target = join(root, 'input');
  expect(await place(mounted.at, 'original', target)).toEqual({ bytes: 4, linked: true });
  expect((await lstat(target)).isSymbolicLink()).toBe(true);
  expect(await readFile(target, 'utf8')).toBe('kept');
  expect(() => appendFileSync(target, 'more')).toThrow('EROFS');
});

it('inputs that their owner has write-protected, with their folder, are copies: he could take that back', async () => {
  const root = await scratchFolder();
  const folder = join(root, 'protected');
  await mkdir(folder);
  await writeFile(join(folder, 'original'), 'kept');
  await chmod(join(folder, 'original'), 0o444);
  await chmod(folder, 0o555);
  try {
    const target = join(root, 'input');
    expect(await place(root, 'protected/original', target)).toEqual({ bytes: 4, linked: false });
    appendFileSync(target, 'more');
    expect(await readFile(join(folder, 'original'), 'utf8')).toBe('kept');
    expect((await stat(join(folder, 'original'))).mode & 0o777).toBe(0o444);
  } finally {
    await chmod(folder, 0o755);
  }
});
