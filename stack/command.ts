/**
 * Makes the command line a program, with the runner and the worker of local clouds beside it: some files that are loaded
 * several times as fast as the sources. They lie in a folder that is named by the contents of all they are made of.
 *
 * 1. A program is there whole or not at all; two processes that make it at once make the same.
 * 2. What it was made from is told by `command.json`: `cli/redex.mjs` compares sizes and times, whoever makes it contents.
 * 3. Where the folder cannot be written there is none, and nothing is made of the sources.
 */

import { globSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { mapConcurrent } from '../core/disk/concurrent.ts';
import { readIfThere } from '../core/disk/read.ts';
import { replaceFile } from '../core/disk/write.ts';
import { removeNamed } from '../core/host/temporary.ts';
import { digest, digestBytes } from '../core/values/hash.ts';
import { PROGRAMS, ROOT, RUNNER_ENTRIES } from './programs.ts';

const CACHE = join('node_modules', '.cache', 'redex');
const PROGRAMS_FOLDER = join(CACHE, 'programs');
const STAMP = join(CACHE, 'command.json');
const ENTRIES = { ...RUNNER_ENTRIES, cli: 'cli/main.ts' };
/** More than is linked: whether one of them matters is known only when it has been. The last is what npm has installed. */
const SOURCES = [
  '{cli,core,functions,local}/**/*.ts',
  'docker/runner/*.ts',
  'stack/{command,programs}.ts',
  'package{,-lock}.json',
  'node_modules/.package-lock.json',
];
const READS_AT_ONCE = 32;
/** Whoever started from an older one may still load a part of it. */
const KEPT_MS = 24 * 60 * 60 * 1000;
const KEPT_MIN = 3;
/** A checkout may be shared. */
const MODE = 0o644;
const FOLDER_MODE = 0o755;

interface SourceFile {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly hash: string;
}

/** Gives the program's folder. Rejects where it is not there and cannot be made. */
export async function makeCommand(): Promise<string> {
  await mkdir(join(ROOT, PROGRAMS_FOLDER), { recursive: true });
  const inputs = await readSources();
  const name = digest('command', JSON.stringify(inputs.map(({ path, hash }) => [path, hash])));
  const folder = join(PROGRAMS_FOLDER, name);
  if (!(await isThere(folder))) await make(folder);
  // A program that may not be stamped is looked at more closely by the next command, and that is all.
  await stamp(folder, inputs).catch(() => undefined);
  await removeOlder(name);
  return join(ROOT, folder);
}

async function stamp(folder: string, inputs: readonly SourceFile[]): Promise<void> {
  const now = new Date();
  await utimes(join(ROOT, folder), now, now);
  const looks = inputs.map(({ path, size, mtimeMs }) => [path, size, mtimeMs]);
  await replaceFile(join(ROOT, STAMP), JSON.stringify({ folder, inputs: looks }), MODE);
}

async function readSources(): Promise<SourceFile[]> {
  const paths = globSync(SOURCES, { cwd: ROOT });
  return await mapConcurrent(paths.sort(), READS_AT_ONCE, async (path) => {
    // Times first: what is changed while it is read is taken for changed later.
    const { size, mtimeMs } = await stat(join(ROOT, path));
    return { path, size, mtimeMs, hash: digestBytes(await readFile(join(ROOT, path))) };
  });
}

async function isThere(folder: string): Promise<boolean> {
  return (await readIfThere(join(ROOT, folder, 'cli.mjs'))) !== undefined;
}

async function make(folder: string): Promise<void> {
  // Before anything is linked: where nothing can be written that would be for nothing.
  const part = await mkdtemp(join(ROOT, PROGRAMS_FOLDER, 'part-'));
  try {
    const { build } = await import('esbuild');
    const { outputFiles } = await build({
      ...PROGRAMS,
      entryPoints: ENTRIES,
      outdir: part,
      // They are for one kind of machine, and stay where they are installed.
      external: ['classic-level', 'esbuild'],
      // Read by `readableStacks` when there is an error to be shown.
      sourcemap: 'external',
      sourcesContent: false,
    });
    await mapConcurrent(outputFiles, READS_AT_ONCE, ({ path, contents }) =>
      writeFile(join(part, basename(path)), contents, { mode: MODE }),
    );
    await chmod(part, FOLDER_MODE);
    await rename(part, join(ROOT, folder));
  } catch (thrown) {
    await rm(part, { recursive: true, force: true });
    // Somebody else has made it meanwhile.
    if (!(await isThere(folder))) throw thrown;
  }
}

async function removeOlder(current: string): Promise<void> {
  const folder = join(ROOT, PROGRAMS_FOLDER);
  const names = (await readdir(folder)).filter((name) => name !== current);
  const aged = await mapConcurrent(names, READS_AT_ONCE, async (name) => {
    const { mtimeMs } = await stat(join(folder, name));
    return { name, ms: Date.now() - mtimeMs };
  });
  const old = aged.sort((a, b) => a.ms - b.ms).slice(KEPT_MIN);
  const gone = new Set(old.filter(({ ms }) => ms > KEPT_MS).map(({ name }) => name));
  await removeNamed(folder, (name) => gone.has(name));
}
