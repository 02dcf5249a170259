/** Projects written for one test: files in a folder that is removed afterwards. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Says when to clean up: after the test, or `afterAll`. */
type Cleanup = (remove: () => Promise<void>) => void;

export async function scratchFolder(cleanup: Cleanup = onTestFinished): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'redex-test-')));
  cleanup(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes the files, by path relative to a new folder, and gives that folder. */
export async function project(files: Readonly<Record<string, string>>, cleanup?: Cleanup): Promise<string> {
  const folder = await scratchFolder(cleanup);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}
