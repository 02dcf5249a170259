import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inTemporaryFolder, removeLeftovers } from '../../core/host/temporary.ts';
import { scratchFolder } from '../support/project.ts';

let place: string;

beforeEach(async () => {
  place = mkdtempSync(join(await scratchFolder(), 'tmp-'));
  vi.stubEnv('TMPDIR', place);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(place, { recursive: true });
});

const gonePid = (): number => spawnSync('true').pid;

/** As one that was made so many hours ago. */
function folderOf(pid: number | string, hours: number): string {
  const folder = join(place, `redex-tmp-${pid}-abcdef`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'bundle.mjs'), 'export {}');
  return aged(folder, hours);
}

function aged(path: string, hours: number): string {
  const time = Date.now() / 1000 - hours * 3600;
  utimesSync(path, time, time);
  return path;
}

describe('a temporary folder', () => {
  it('is gone when its work ends, well or not', async () => {
    const left: string[] = [];
    const work = (folder: string) => {
      left.push(folder);
      writeFileSync(join(folder, 'x'), 'y');
      return Promise.reject(new Error('no'));
    };
    await expect(inTemporaryFolder(work)).rejects.toThrow('no');
    expect(await inTemporaryFolder((folder) => Promise.resolve(left.push(folder)))).toBe(2);
    expect(left.map((folder) => [folder.startsWith(place), existsSync(folder)])).toEqual([
      [true, false],
      [true, false],
    ]);
  });

  it('that a killed process left is removed by the next one, and no other', async () => {
    const gone = folderOf(gonePid(), 2);
    const kept = [
      folderOf(process.pid, 2),
      folderOf(`${gonePid()}`, 0.5),
      folderOf('x', 2),
      aged(mkdtempSync(join(place, 'other-')), 2),
    ];
    const others = folderOf(`${gonePid()}`, 2);
    rmSync(others, { recursive: true });
    symlinkSync(kept[3] as string, others);
    await Promise.all(Array.from({ length: 5 }, () => inTemporaryFolder(() => Promise.resolve())));
    expect(existsSync(gone)).toBe(false);
    expect(kept.filter((folder) => !existsSync(folder))).toEqual([]);
  });
});

describe('a part of a file that a killed process left', () => {
  it('is removed when it is old, by whoever writes beside it', async () => {
    const [old, fresh, whole] = ['.part-old', '.part-new', 'whole'].map((name) => join(place, name));
    for (const path of [old, fresh, whole] as string[]) writeFileSync(path, '');
    aged(old as string, 2);
    aged(whole as string, 2);
    await removeLeftovers(place, (name) => name.startsWith('.part-'));
    await removeLeftovers(join(place, 'no such folder'), () => true);
    expect([old, fresh, whole].map((path) => existsSync(path as string))).toEqual([false, true, true]);
  });
});
