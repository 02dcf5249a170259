/** The author's modules, each opened once, and what their imports lead to as far as hashes go. */
import { dirname, extname, relative, sep } from 'node:path';
import { digestBytes } from '../values/hash.ts';
import { type InstalledPackage, packageAround } from './addons.ts';
import { type Asset, assetAt } from './assets.ts';
import { type CommonJsModule, commonJsModule, isCommonJs, type Required } from './commonjs.ts';
import { relocate } from './here.ts';
import { readInstalled } from './installed.ts';
import { hasSources, type OpenModule, openModule } from './open-module.ts';
import type { ImportTarget } from './reach.ts';

export interface SourceModules {
  /** Throws esbuild's TransformFailure when the file is not TypeScript. */
  open(file: string): Promise<OpenModule>;
  /**
   * How the file is to be loaded: its functions are given sources, in the project's own and in those of packages that
   * define tasks; or its text is this one; or undefined: as it is.
   */
  loading(file: string): Promise<'sources' | { readonly text: string } | undefined>;
  /** The package that the file belongs to. */
  packageOf(file: string): Promise<InstalledPackage | undefined>;
}

export interface ResolvedModule {
  /** Absolute, or the name of one of Node's own modules. */
  readonly path: string;
  readonly isExternal: boolean;
}

export interface SourceModulesOptions {
  /** The project's folder: paths in messages are relative to it. */
  readonly root: string;
  /** redex's own folder. */
  readonly core: string;
  /** undefined where there is no such module. */
  resolve(source: string, importer: string): Promise<ResolvedModule | undefined>;
}

export function sourceModules({ root, core, resolve }: SourceModulesOptions): SourceModules {
  const opened = new Map<string, Promise<OpenModule>>();
  const commonJs = new Map<string, Promise<CommonJsModule>>();
  const packages = new Map<string, Promise<InstalledPackage | undefined>>();

  const packageOf = (file: string): Promise<InstalledPackage | undefined> =>
    once(packages, dirname(file), () => packageAround(file));

  const open = (file: string): Promise<OpenModule> =>
    once(opened, file, async () => {
      const targets = new Map<string, Promise<ImportTarget>>();
      const path = shownPath(file, root);
      const text = (await readInstalled(file)).toString();
      const files = new Map<string, Promise<Asset | undefined>>();
      return openModule(
        { path, text },
        {
          resolve: (source) => once(targets, source, () => targetOf(source, file)),
          fileAt: (address) => once(files, address, () => assetAt(file, address)),
        },
      );
    });

  const required = async (source: string, importer: string): Promise<Required> => {
    const found = await resolve(source, importer);
    const isOwn = found && !found.isExternal && !isPackage(found.path) && !found.path.startsWith(core + sep);
    if (isOwn && (hasSources(found.path) || isCommonJsName(found.path))) return { file: found.path };
    const target = await targetOf(source, importer);
    return 'leaf' in target ? target : { leaf: ['redex', 'redex'] };
  };

  const targetOf = async (source: string, importer: string): Promise<ImportTarget> => {
    const found = source === 'redex' ? undefined : await resolve(source, importer);
    if (!found) return { leaf: [source === 'redex' ? 'redex' : 'unresolved', source] };
    const { path, isExternal } = found;
    if (isExternal) return { leaf: ['external', path] };
    if (path.startsWith(core + sep)) return { leaf: ['redex', 'redex'] };
    // What belongs to the module itself, also in a package, is followed; another package counts by its version.
    const isOwn = source.startsWith('.') || source.startsWith('/');
    if (isPackage(path) && !(isOwn && isPackage(importer))) {
      const found = await packageOf(path);
      return { leaf: ['package', ...(found ? [found.name, found.version] : [await contentOf(path)])] };
    }
    return targetIn(path);
  };

  /** What a file comes to whose code counts. */
  const targetIn = async (path: string): Promise<ImportTarget> => {
    if (!hasSources(path) && !isCommonJsName(path)) return { leaf: ['data', await contentOf(path)] };
    const text = (await readInstalled(path)).toString();
    if (isPackage(path) && !MODULE.test(text)) return { leaf: ['data', await contentOf(path)] };
    // What is wrong with it is said when it is linked.
    const broken: ImportTarget = { leaf: ['broken', shownPath(path, root)] };
    if (isPackage(path) || !(await isCommonJs(path, text))) {
      return open(path).then(
        (module): ImportTarget => ({ module }),
        () => broken,
      );
    }
    return once(commonJs, path, () => commonJsModule(path, root, required)).then(
      ({ hash, notes }): ImportTarget => ({ leaf: ['commonjs', hash], notes }),
      () => broken,
    );
  };

  return {
    open,
    packageOf,
    async loading(file) {
      if (!hasSources(file) && !isCommonJsName(file)) return undefined;
      const text = (await readInstalled(file)).toString();
      const around = isPackage(file) ? await packageOf(file) : undefined;
      const hasTasks = isPackage(file) ? DEFINES_TASKS.test(text) : !(await isCommonJs(file, text));
      if (hasTasks && hasSources(file)) return 'sources';
      const { folder } = around ?? { folder: root };
      const relocated = await relocate(file, text, { folder, base: around ? dirname(folder) : root });
      return relocated && { text: relocated.code };
    },
  };
}

/** CommonJS by its name, which has no sources. */
function isCommonJsName(file: string): boolean {
  return extname(file) === '.cjs' || extname(file) === '.cts';
}

const DEFINES_TASKS = /\bfrom\s*['"]redex['"]/;
/** CommonJS packages are data: their exports are known only when they run. */
const MODULE = /^\s*(import|export)\b/m;

/**
 * The file's path relative to the project, as messages and stacks have it. A package that lies elsewhere, hoisted to a
 * folder above the project or linked, is shown where npm puts packages, and a module of the workspace around the project
 * by its path in there: source maps cannot lead above the bundle.
 */
function shownPath(file: string, root: string): string {
  const path = relative(root, file).split(sep).join('/');
  const [, name] = path.startsWith('../') ? (/.*?\/node_modules\/(.*)$/.exec(path) ?? []) : [];
  return name === undefined ? path.replace(/^(\.\.\/)+/, '') : `node_modules/${name}`;
}

export function isPackage(file: string): boolean {
  return file.includes(`${sep}node_modules${sep}`);
}

function once<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const made = known.get(key) ?? make();
  known.set(key, made);
  return made;
}

/** JSON counts by its value, everything else by its bytes. */
async function contentOf(file: string): Promise<string> {
  const bytes = await readInstalled(file);
  if (extname(file) !== '.json') return digestBytes(bytes);
  try {
    return digestBytes(Buffer.from(JSON.stringify(JSON.parse(bytes.toString()))));
  } catch {
    return digestBytes(bytes);
  }
}
