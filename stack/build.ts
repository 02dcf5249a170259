/**
 * Makes the zips of the functions: for each file of `functions/` that exports a handler one program, and beside it, where it
 * runs authors' code, the worker that does. The same sources make the same bytes, so that nothing is deployed anew for
 * nothing.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { type Zippable, zipSync } from 'fflate';
import { replaceFile } from '../core/disk/write.ts';
import { PROGRAM, ROOT } from './programs.ts';

/** Where a function's files lie, in the zip as in the project: `sls invoke local` looks there, too. */
export const FUNCTIONS = 'dist/functions';
const HANDLER = /^export const handler\b/m;
/** What starts workers is in a bundle only where it is needed. */
const HOST = 'core/host/process.ts';

/** Regular files that everybody may read, as Lambda's user is none of ours. */
const UNIX = 3;
const FILE_MODE = 0o644;
const MODE = (0o100000 | FILE_MODE) << 16;
/** The first that a zip can have. */
const MTIME = new Date(1980, 0, 1);

export interface FunctionPackage {
  readonly name: string;
  /** Of the program alone, in bytes. */
  readonly programBytes: number;
  readonly hasWorker: boolean;
  /** The archive's path, and its size in bytes. */
  readonly archive: string;
  readonly archiveBytes: number;
}

/** Writes `dist/functions/NAME.zip`, and what is in it to `dist/functions/NAME/`. */
export async function packageFunctions(): Promise<FunctionPackage[]> {
  const worker = (await program('core/host/worker.ts')).code;
  const names = await handlers();
  return await Promise.all(names.map((name) => packageFunction(name, worker)));
}

async function handlers(): Promise<string[]> {
  const files = (await readdir(join(ROOT, 'functions'))).filter((name) => name.endsWith('.ts')).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(ROOT, 'functions', file), 'utf8')));
  return files.filter((_, at) => HANDLER.test(texts[at] ?? '')).map((file) => basename(file, '.ts'));
}

async function packageFunction(name: string, worker: Uint8Array): Promise<FunctionPackage> {
  const { code, inputs } = await program(`functions/${name}.ts`);
  const hasWorker = inputs.has(HOST);
  const files = {
    'index.js': code,
    // Node takes its files for what they are, in the zip and in the project.
    'package.json': Buffer.from('{"type":"module"}\n'),
    ...(hasWorker && { 'worker.js': worker }),
  };
  const folder = join(FUNCTIONS, name);
  await mkdir(join(ROOT, folder), { recursive: true });
  await Promise.all(
    Object.entries(files).map(([file, bytes]) => replaceFile(join(ROOT, folder, file), bytes, FILE_MODE)),
  );
  const zipped = zip(Object.entries(files).map(([file, bytes]) => [`${folder}/${file}`, bytes]));
  const archive = `${folder}.zip`;
  await replaceFile(join(ROOT, archive), zipped, FILE_MODE);
  return { name, programBytes: code.length, hasWorker, archive, archiveBytes: zipped.length };
}

async function program(entry: string): Promise<{ readonly code: Uint8Array; readonly inputs: ReadonlySet<string> }> {
  const { outputFiles, metafile } = await build({
    ...PROGRAM,
    entryPoints: [entry],
    metafile: true,
  });
  const [file] = outputFiles;
  if (!file) throw new Error(`esbuild made nothing of ${entry}`);
  return { code: file.contents, inputs: new Set(Object.keys(metafile.inputs)) };
}

function zip(files: readonly (readonly [path: string, bytes: Uint8Array])[]): Uint8Array {
  const attributes = { os: UNIX, attrs: MODE, mtime: MTIME } as const;
  const entries = files.map(([path, bytes]): [string, Zippable[string]] => [path, [bytes, attributes]]);
  return zipSync(Object.fromEntries(entries));
}

function kib(bytes: number): string {
  return `${Math.ceil(bytes / 1024).toLocaleString('en')} KiB`;
}

function table(packages: readonly FunctionPackage[]): string {
  const rows = packages.map(({ name, programBytes, hasWorker, archiveBytes }) => [
    name,
    kib(programBytes),
    kib(archiveBytes),
    hasWorker ? 'with the worker' : '',
  ]);
  const all = [['function', 'program', 'zip', ''], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map(([name = '', size = '', archive = '', worker = '']) =>
      `${name.padEnd(widths[0] ?? 0)}  ${size.padStart(widths[1] ?? 0)}  ${archive.padStart(widths[2] ?? 0)}  ${worker}`.trimEnd(),
    )
    .join('\n');
}

if (import.meta.main) process.stdout.write(`${table(await packageFunctions())}\n`);
