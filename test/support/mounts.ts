/** File systems that a test mounts, where this machine lets it; they go when the test has ended. */
import { execFileSync } from 'node:child_process';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { scratchFolder } from './project.ts';

/** The least that every mkfs takes; the image is sparse. */
const IMAGE_BYTES = 320 * 1024 * 1024;

/** Where it is, or why there is none. */
export type Mounted = { readonly at: string } | { readonly why: string };

export async function mountedImage(type: 'xfs' | 'btrfs'): Promise<Mounted> {
  const folder = await scratchFolder();
  const [image, at] = [join(folder, 'image'), join(folder, 'mounted')];
  await mkdir(at);
  await writeFile(image, '');
  await truncate(image, IMAGE_BYTES);
  return tried(() => {
    execFileSync(`mkfs.${type}`, ['-q', image], { stdio: 'pipe' });
    return mounted(at, ['-o', 'loop', image]);
  });
}

/** The folder by another path, read-only. */
export async function mountedReadOnly(source: string): Promise<Mounted> {
  const at = join(await scratchFolder(), 'read-only');
  await mkdir(at);
  return tried(() => {
    mounted(at, ['--bind', source]);
    execFileSync('mount', ['-o', 'remount,bind,ro', at], { stdio: 'pipe' });
    return { at };
  });
}

function mounted(at: string, words: readonly string[]): Mounted {
  execFileSync('mount', [...words, at], { stdio: 'pipe' });
  onTestFinished(() => void execFileSync('umount', [at]));
  return { at };
}

/** What the commands say has several lines, of which the first tells. */
function tried(mount: () => Mounted): Mounted {
  try {
    return mount();
  } catch (thrown) {
    return { why: String(thrown).split('\n', 1)[0] ?? '' };
  }
}
