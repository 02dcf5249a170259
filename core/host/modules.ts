/**
 * Where the modules of a bundle come from, as an esbuild plugin. Every module gets a name that does not depend on the folder
 * the project or redex lies in, so that two clones make the same bundle:
 *
 * 1. a user's file keeps its path relative to the project,
 * 2. redex's own core is `redex:…` wherever it was installed, and is there once,
 * 3. a package from outside the project, or a module of its workspace, is `package:…`,
 * 4. what is compiled for one kind of machine stays outside, and `outside:…` requires it.
 */
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import type { Loader, Message, OnLoadResult, OnResolveResult, Plugin, PluginBuild, TransformFailure } from 'esbuild';
import type { Program } from '../values/program.ts';
import { ADDONS_CODE, type ExternalModule, externalCode } from './addons.ts';
import { ASSETS_CODE } from './assets.ts';
import { HERE_CODE } from './here.ts';
import { readInstalled } from './installed.ts';
import type { OpenModule } from './open-module.ts';
import { ownFolder } from './own-folder.ts';
import { type Mappings, originOf } from './source-map.ts';
import { isPackage, type ResolvedModule, type SourceModules, sourceModules } from './source-modules.ts';
import { attachSources, SOURCES_CODE } from './sources.ts';

/** The folder of redex's core: what authors import as `redex`. */
const CORE = join(ownFolder(), 'core');

export interface Project {
  readonly root: string;
  /** Absolute, sorted by path relative to the root. */
  readonly entries: readonly string[];
  /** redex.config.ts and a profile of it, where the bundle is to say what they come to. */
  readonly config?: string | undefined;
  readonly profile?: string | undefined;
  /** What they came to. */
  readonly settings?: ProjectSettings | undefined;
}

export type ProjectSettings = Pick<Program, 'executors' | 'limits' | 'context' | 'web'>;

/** The module that imports all others and exports what the host loads. */
export const ENTRY_MODULE = 'redex:entry';

/** Marks resolutions that the plugin itself asked esbuild for. */
const ASKED = Symbol('asked');

const LOADERS: Readonly<Record<string, Loader>> = {
  '.json': 'json',
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.jsx': 'jsx',
  '.txt': 'text',
};

/** What a user's file was before it was given sources. */
interface Original {
  readonly text: string;
  readonly mappings: Mappings;
}

export interface ProjectModules {
  readonly plugin: Plugin;
  /** The message with its place in the author's file instead of the generated code. */
  locate(message: Message): Message;
  /** What the author should know of his files, once they are linked. */
  readonly notes: readonly string[];
}

export function projectModules(project: Project): ProjectModules {
  const { root } = project;
  const originals = new Map<string, Original>();
  const notes: string[] = [];
  const plugin: Plugin = {
    name: 'redex',
    setup(build) {
      const modules = sourceModules({ root, core: CORE, resolve: (...asked) => resolveSource(build, ...asked) });
      const load = async (file: string): Promise<OnLoadResult | undefined> => {
        const how = await modules.loading(file);
        if (how === 'sources') return loadUser(file, project, modules, originals, notes);
        return how && { contents: how.text, loader: loaderOf(file), resolveDir: dirname(file) };
      };
      build.onResolve({ filter: /^redex:(entry|sources|assets|addons|here)$/ }, ({ path }) => ({
        path: path.slice('redex:'.length),
        namespace: 'redex',
      }));
      build.onLoad({ filter: /^entry$/, namespace: 'redex' }, () => ({
        contents: entryCode(project),
        resolveDir: root,
      }));
      build.onLoad({ filter: /^sources$/, namespace: 'redex' }, () => ({ contents: SOURCES_CODE }));
      build.onLoad({ filter: /^assets$/, namespace: 'redex' }, () => ({ contents: ASSETS_CODE }));
      build.onLoad({ filter: /^addons$/, namespace: 'redex' }, () => ({ contents: ADDONS_CODE }));
      build.onLoad({ filter: /^here$/, namespace: 'redex' }, () => ({ contents: HERE_CODE }));
      build.onResolve({ filter: /.*/ }, (args) => resolveModule(build, root, modules, args));
      build.onLoad({ filter: /.*/, namespace: 'outside' }, ({ pluginData }) => ({
        contents: externalCode(pluginData),
      }));
      build.onLoad({ filter: /.*/, namespace: 'redex' }, ({ pluginData }) => loadPlain(pluginData));
      build.onLoad({ filter: /.*/, namespace: 'package' }, async ({ pluginData }) => {
        return (await load(pluginData)) ?? loadPlain(pluginData);
      });
      build.onLoad({ filter: /.*/, namespace: 'file' }, ({ path }) => load(path));
    },
  };
  return { plugin, locate: (message) => located(message, originals), notes };
}

function located(message: Message, originals: ReadonlyMap<string, Original>): Message {
  const { location } = message;
  const original = location && originals.get(location.file);
  const origin = original && originOf(original.mappings, location.line - 1, location.column);
  if (!origin) return message;
  const lineText = original.text.split('\n')[origin.line] ?? '';
  const length = Math.min(location.length, lineText.length - origin.column);
  return { ...message, location: { ...location, lineText, length, line: origin.line + 1, column: origin.column } };
}

function entryCode({ entries, config, profile, settings }: Project): string {
  // Parsed when it is loaded: in a literal a key `__proto__` would be another thing.
  const given = settings ? `JSON.parse(${JSON.stringify(JSON.stringify(settings))})` : 'undefined';
  return [
    `import { makeBundle } from ${JSON.stringify(join(CORE, 'library/entry.ts'))};`,
    config ? `import config from ${JSON.stringify(config)};` : `const config = ${given};`,
    ...entries.map((entry) => `import ${JSON.stringify(entry)};`),
    `export const redexBundle = makeBundle(config, ${JSON.stringify(profile)}, import.meta.url);`,
  ].join('\n');
}

type ResolveArgs = Parameters<Parameters<PluginBuild['onResolve']>[1]>[0];

async function resolveModule(
  build: PluginBuild,
  root: string,
  modules: SourceModules,
  args: ResolveArgs,
): Promise<OnResolveResult | undefined> {
  const { path, importer, namespace, resolveDir, kind, pluginData } = args;
  if (pluginData === ASKED) return undefined;
  const wanted = path === 'redex' ? join(CORE, 'index.ts') : path;
  const found = await build.resolve(wanted, { importer, namespace: 'file', resolveDir, kind, pluginData: ASKED });
  // esbuild looks again by itself: what is required in try/catch may be missing, and it says so where it may not.
  if (found.errors.length > 0) return undefined;
  if (found.external || found.namespace !== 'file')
    return { path: found.path, external: found.external, namespace: found.namespace };
  const outside = await externalOf(found.path, root, modules, args);
  if (outside) {
    const { from, specifier, lazy } = outside;
    return {
      path: `${specifier} from ${from || '.'}${lazy ? '' : ' at once'}`,
      namespace: 'outside',
      pluginData: outside,
    };
  }
  // A package.json that promises no side effects must not lose a workflow file, which is there for what it registers.
  const sideEffects = (namespace === 'redex' && args.importer === 'entry') || found.sideEffects;
  return { ...placeOf(found.path, root), sideEffects };
}

/** What stays outside of the bundle: a package with a native addon, as a whole, or an addon by itself. */
async function externalOf(
  file: string,
  root: string,
  modules: SourceModules,
  { path, resolveDir, kind }: ResolveArgs,
): Promise<ExternalModule | undefined> {
  const isAddon = extname(file) === '.node';
  if (isBelow(file, CORE) || !(isAddon || isPackage(file))) return undefined;
  const found = isPackage(file) ? await modules.packageOf(file) : undefined;
  if (!isAddon && !found?.hasAddon) return undefined;
  const isByName = found !== undefined && (path === found.name || path.startsWith(`${found.name}/`));
  const relation = slashes(relative(root, file));
  return {
    // By its place where Node knows no name for it.
    ...(isByName
      ? { from: slashes(relative(root, resolveDir)), specifier: path }
      : { from: '', specifier: relation.startsWith('.') ? relation : `./${relation}` }),
    name: found?.name,
    version: found?.version,
    lazy: kind === 'import-statement',
  };
}

async function resolveSource(
  build: PluginBuild,
  source: string,
  importer: string,
): Promise<ResolvedModule | undefined> {
  const asked = { importer, namespace: 'file', resolveDir: dirname(importer), kind: 'import-statement' } as const;
  const found = await build.resolve(source, { ...asked, pluginData: ASKED });
  if (found.errors.length > 0) return undefined;
  return { path: found.path, isExternal: found.external || found.namespace !== 'file' };
}

function placeOf(file: string, root: string): OnResolveResult {
  if (isBelow(file, CORE)) return { path: slashes(relative(CORE, file)), namespace: 'redex', pluginData: file };
  if (isBelow(file, root)) return { path: file, namespace: 'file' };
  // From the outermost folder of packages: the same package may be there twice, in two versions.
  const [, name] = /.*?[/\\]node_modules[/\\](.*)$/.exec(file) ?? [];
  return { path: slashes(name ?? relative(root, file)), namespace: 'package', pluginData: file };
}

function isBelow(file: string, folder: string): boolean {
  return file.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function slashes(path: string): string {
  return path.split(sep).join('/');
}

function loaderOf(file: string): Loader {
  return LOADERS[extname(file)] ?? 'js';
}

async function loadPlain(file: string): Promise<OnLoadResult> {
  return {
    contents: await readInstalled(file),
    loader: loaderOf(file),
    resolveDir: dirname(file),
    watchFiles: [file],
  };
}

/** What is in another place than where the module is loaded next. */
const ENVIRONMENT = /\bprocess\s*\.\s*env\b/;

function environmentNote({ path, code, lineOf }: OpenModule): string[] {
  const found = ENVIRONMENT.exec(code);
  if (!found) return [];
  return [
    `${path}:${lineOf(found.index)}: process.env holds nothing of your shell in a workflow, which is loaded again on other ` +
      'machines. Read it in redex.config.ts and pass it on as context, or pass it as an argument; jobs find there what ' +
      'their option secrets names.',
  ];
}

async function loadUser(
  file: string,
  { root, config }: Project,
  modules: SourceModules,
  originals: Map<string, Original>,
  notes: string[],
): Promise<OnLoadResult> {
  try {
    const module = await modules.open(file);
    const {
      code,
      mappings,
      notes: own,
    } = await attachSources(module, isBelow(file, root) ? basename(file) : module.path);
    originals.set(module.path, { text: (await readInstalled(file)).toString(), mappings });
    // The code has no comments any more. What redex.config.ts does is done once, and in no hash.
    if (config === undefined) notes.push(...own, ...environmentNote(module));
    return { contents: code, loader: 'js', resolveDir: dirname(file) };
  } catch (thrown) {
    if (!isEsbuildFailure(thrown)) throw thrown;
    return {
      errors: thrown.errors.map((error) => ({
        ...error,
        location: error.location && { ...error.location, file: slashes(relative(root, file)) },
      })),
    };
  }
}

/** The author's code is at fault: esbuild says where. */
export function isEsbuildFailure(thrown: unknown): thrown is TransformFailure {
  return thrown instanceof Error && 'errors' in thrown;
}
