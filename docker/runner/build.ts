/** Makes the runner one program: `runner.mjs`, the worker it starts for TypeScript functions, and chunks loaded when needed. */

import { mkdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { mapConcurrent } from '../../core/disk/concurrent.ts';
import { readIfThere } from '../../core/disk/read.ts';
import { replaceFile } from '../../core/disk/write.ts';
import { digestBytes } from '../../core/values/hash.ts';
import { stored } from '../../core/values/json.ts';
import { PROGRAMS, ROOT, RUNNER_ENTRIES } from '../../stack/programs.ts';

/** Says which contents the program was made from, and what it consists of. Written last. */
const STAMP = 'runner.json';
const READS_AT_ONCE = 16;
/** Images have users of their own. */
const MODE = 0o644;

interface Stamp {
  /** Contents of every source, by path; packages are told apart by the lock file. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: readonly string[];
}

/** Gives the program's path. What is there is kept when none of its sources has changed. */
export async function buildRunner(outdir: string): Promise<{ main: string }> {
  const folder = resolve(outdir);
  if (!(await isFresh(folder))) await build(folder);
  return { main: join(folder, 'runner.mjs') };
}

async function isFresh(folder: string): Promise<boolean> {
  const stamp = await readIfThere(join(folder, STAMP));
  if (!stamp) return false;
  const { inputs, outputs } = stored<Stamp>(stamp.toString());
  const present = await mapConcurrent(outputs, READS_AT_ONCE, (name) => isThere(join(folder, name)));
  if (present.includes(false)) return false;
  const now = await contentsOf(Object.keys(inputs));
  return Object.entries(inputs).every(([path, content]) => now[path] === content);
}

async function build(folder: string): Promise<void> {
  // Loaded here: when nothing has changed it is not needed.
  const { build: bundle } = await import('esbuild');
  const { metafile, outputFiles } = await bundle({
    ...PROGRAMS,
    entryPoints: RUNNER_ENTRIES,
    outdir: folder,
    chunkNames: 'runner-[hash]',
  });
  // A job that is just starting finds the old program or the new one, and all the chunks of either.
  const isEntry = ({ path }: { path: string }): boolean => basename(path, '.mjs') in RUNNER_ENTRIES;
  const chunksFirst = outputFiles.toSorted((a, b) => Number(isEntry(a)) - Number(isEntry(b)));
  await mkdir(folder, { recursive: true });
  for (const { path, contents } of chunksFirst) await replaceFile(path, contents, MODE);
  const own = Object.keys(metafile.inputs).filter((path) => !path.includes('node_modules/'));
  const inputs = await contentsOf([...own, 'docker/runner/build.ts', 'stack/programs.ts', 'package-lock.json']);
  const outputs = outputFiles.map(({ path }) => basename(path));
  await replaceFile(join(folder, STAMP), JSON.stringify({ inputs, outputs } satisfies Stamp), MODE);
}

async function contentsOf(paths: readonly string[]): Promise<Record<string, string>> {
  const contents = await mapConcurrent(paths, READS_AT_ONCE, async (path) => {
    const bytes = await readIfThere(join(ROOT, path));
    return [path, bytes ? digestBytes(bytes) : ''] as const;
  });
  return Object.fromEntries(contents);
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

if (import.meta.main) console.log((await buildRunner(process.argv[2] ?? 'dist')).main);
