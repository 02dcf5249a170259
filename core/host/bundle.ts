/** From an author's files to a bundle: one module named by the hash of its bytes, and what it says about itself. */

import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { build, formatMessages } from 'esbuild';
import { getSealed, keys, putSealed, ValueGone } from '../engine/objects.ts';
import type { Objects } from '../engine/ports.ts';
import { digestBytes } from '../values/hash.ts';
import type { Hash } from '../values/ids.ts';
import { errorIn } from '../values/nodes.ts';
import { at } from '../values/present.ts';
import type { Program } from '../values/program.ts';
import { rootOf, type Table } from '../values/table.ts';
import { ENTRY_MODULE, isEsbuildFailure, type Project, type ProjectSettings, projectModules } from './modules.ts';
import { workerPool } from './pool.ts';
import type { BundleDescription } from './protocol.ts';
import { inTemporaryFolder } from './temporary.ts';

export interface BundleRequest {
  /** Workflow files; what each of them registers is in the bundle. */
  readonly entries: readonly string[];
  /** redex.config.ts. */
  readonly config?: string | undefined;
  readonly profile?: string | undefined;
  /** What redex.config.ts sees of the environment. Workflow files see none: they are loaded again elsewhere. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Gets what the files print while they are loaded; default: standard error. */
  readonly log?: (text: string) => void;
}

/**
 * What CommonJS packages expect: they reach Node's own modules by require, and are somewhere. Nothing is
 * declared, since a module may declare the same names.
 */
const BANNER = [
  "globalThis.require ??= process.getBuiltinModule('node:module').createRequire(import.meta.url)",
  'globalThis.__filename ??= import.meta.filename',
  'globalThis.__dirname ??= import.meta.dirname',
  '',
].join(';');

/** For the bundle to say what is in it: it only lists what was defined. */
const PROGRAM_MS_MAX = 10_000;

export interface Bundle {
  readonly hash: Hash;
  readonly code: string;
  readonly program: Program;
}

/** The author's files do not make a bundle: the message has esbuild's or the program's own, with file and line. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
}

/**
 * Bundles the files and loads the result once to ask for its program. Throws BundleError. Equal files, with equal
 * settings, make equal bytes.
 */
export async function bundleProgram(request: BundleRequest): Promise<Bundle> {
  const { root, entries, config } = await placesOf(request);
  const { log = toStderr, environment, profile } = request;
  // By itself, where the command is given: what the configuration says is in the bundle, and not how it came to that.
  const settings =
    config === undefined && profile === undefined
      ? undefined
      : settingsOf((await linked({ root, entries: [], config, profile }, request, environment)).program);
  const { code, program, notes } = await linked({ root, entries, settings }, request, {});
  for (const note of notes) log(`${note}\n`);
  const hash = digestBytes(Buffer.from(code));
  return { hash, code, program: { ...program, bundle: hash } };
}

function settingsOf({ executors, limits, context, web }: BundleDescription['program']): ProjectSettings {
  return { executors, limits, context, ...(web && { web }) };
}

interface LinkedBundle extends BundleDescription {
  readonly code: string;
}

async function linked(
  project: Project,
  request: BundleRequest,
  environment: BundleRequest['environment'] = {},
): Promise<LinkedBundle> {
  const { code, notes } = await link(project);
  return await inTemporaryFolder(async (folder) => {
    const file = join(folder, 'bundle.mjs');
    await writeFile(file, code);
    const { program, notes: own } = await describeBundle(file, project.root, request, environment);
    return { code, notes: [...notes, ...own], program };
  });
}

/** Loading runs the top level of the author's files: it happens in a worker, like everything of theirs. */
async function describeBundle(
  file: string,
  root: string,
  { log = toStderr }: BundleRequest,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<BundleDescription> {
  const pool = workerPool(file, {
    log,
    timeMs: PROGRAM_MS_MAX,
    memoryMb: undefined,
    env: defined(environment),
    project: root,
    files: undefined,
  });
  try {
    const result = await pool.call({ kind: 'program' });
    if ('description' in result) return result.description;
    throw new BundleError(errorMessageOf('error' in result ? result.error : result.table));
  } catch (thrown) {
    if (thrown instanceof BundleError || !(thrown instanceof Error)) throw thrown;
    throw new BundleError(thrown.message, { cause: thrown });
  } finally {
    await pool.close();
  }
}

function defined(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function errorMessageOf(error: Table): string {
  return errorIn(rootOf(error))?.message ?? 'the bundle cannot say what is in it';
}

function toStderr(text: string): void {
  process.stderr.write(text);
}

async function link(project: Project): Promise<{ code: string; notes: readonly string[] }> {
  const { plugin, locate, notes } = projectModules(project);
  try {
    const { outputFiles } = await build({
      entryPoints: [ENTRY_MODULE],
      plugins: [plugin],
      absWorkingDir: project.root,
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      charset: 'utf8',
      legalComments: 'none',
      // An error is caught by the name of its class, which linking must not change.
      keepNames: true,
      sourcemap: 'inline',
      sourcesContent: false,
      logLevel: 'silent',
      banner: { js: BANNER },
    });
    return { code: at(outputFiles, 0).text, notes };
  } catch (thrown) {
    if (!isEsbuildFailure(thrown)) throw thrown;
    const messages = await formatMessages(thrown.errors.map(locate), { kind: 'error', color: false });
    throw new BundleError(messages.join('').trim(), { cause: thrown });
  }
}

async function placesOf({ entries, config }: BundleRequest): Promise<Pick<Project, 'root' | 'entries' | 'config'>> {
  const files = [...new Set(entries.map((entry) => resolve(entry)))];
  const configFile = config === undefined ? undefined : resolve(config);
  const root = await folderOf(configFile ? [...files, configFile] : files);
  const byPath = (a: string, b: string) => (relative(root, a) < relative(root, b) ? -1 : 1);
  return { root, entries: files.sort(byPath), config: configFile };
}

/** The innermost folder with a package.json around all files, else the innermost folder around all files. */
async function folderOf(files: readonly string[]): Promise<string> {
  let common = dirname(files[0] ?? resolve('x'));
  while (!files.every((file) => !relative(common, file).startsWith('..'))) common = dirname(common);
  for (let folder = common; ; folder = dirname(folder)) {
    const found = await readFile(join(folder, 'package.json')).catch(() => undefined);
    if (found) return folder;
    if (folder === dirname(folder)) return common;
  }
}

/** Puts the bundle and its program where hosts and runners look for them, unless they are there and sound. */
export async function storeBundle(objects: Objects, bundle: Bundle): Promise<void> {
  if (await isStored(objects, bundle.hash)) return;
  // The program is written last: where it is, the code is too.
  await objects.put(keys.bundle(bundle.hash), Buffer.from(bundle.code));
  await putSealed(objects, keys.program(bundle.hash), bundle.program);
}

async function isStored(objects: Objects, bundle: Hash): Promise<boolean> {
  const code = await objects.get(keys.bundle(bundle));
  if (!code || digestBytes(code) !== bundle) return false;
  return await getSealed(objects, keys.program(bundle)).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof ValueGone)) throw error;
      return false;
    },
  );
}
