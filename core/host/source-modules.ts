/** The author's modules, each opened once, and what their imports lead to as far as hashes go. */
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, relative, sep } from 'node:path';
import { digestBytes } from '../values/hash.ts';
import { type Asset, assetAt } from './assets.ts';
import type { Target } from './reach.ts';
import { hasSources, type OpenModule, openModule } from './sources.ts';

export interface SourceModules {
  /** Throws esbuild's TransformFailure when the file is not TypeScript. */
  open(file: string): Promise<OpenModule>;
  /** Whether the file's functions are given sources: the project's own, and those of packages that define tasks. */
  hasTasks(file: string): Promise<boolean>;
}

export interface Resolved {
  /** Absolute, or the name of one of Node's own modules. */
  readonly path: string;
  readonly isExternal: boolean;
}

export interface Surroundings {
  /** The project's folder: paths in messages are relative to it. */
  readonly root: string;
  /** redex's own folder. */
  readonly core: string;
  /** undefined where there is no such module. */
  resolve(source: string, importer: string): Promise<Resolved | undefined>;
}

export function sourceModules({ root, core, resolve }: Surroundings): SourceModules {
  const opened = new Map<string, Promise<OpenModule>>();
  const packages = new Map<string, Promise<readonly string[]>>();

  const open = (file: string): Promise<OpenModule> =>
    once(opened, file, async () => {
      const targets = new Map<string, Promise<Target>>();
      const path = shownPath(file, root);
      const text = await readFile(file, 'utf8');
      const files = new Map<string, Promise<Asset | undefined>>();
      return openModule(
        { path, text },
        {
          resolve: (source) => once(targets, source, () => targetOf(source, file)),
          fileAt: (address) => once(files, address, () => assetAt(file, address)),
        },
      );
    });

  const targetOf = async (source: string, importer: string): Promise<Target> => {
    const found = source === 'redex' ? undefined : await resolve(source, importer);
    if (!found) return { leaf: [source === 'redex' ? 'redex' : 'unresolved', source] };
    const { path, isExternal } = found;
    if (isExternal) return { leaf: ['external', path] };
    if (path.startsWith(core + sep)) return { leaf: ['redex', 'redex'] };
    // What belongs to the module itself, also in a package, is followed; another package counts by its version.
    const isOwn = source.startsWith('.') || source.startsWith('/');
    if (isPackage(path) && !(isOwn && isPackage(importer))) {
      return { leaf: ['package', ...(await once(packages, dirname(path), () => packageOf(path)))] };
    }
    const isFollowed = hasSources(path) && (!isPackage(path) || MODULE.test(await readFile(path, 'utf8')));
    if (!isFollowed) return { leaf: ['data', await contentOf(path)] };
    // What is wrong with it is said when it is linked.
    return open(path).then(
      (module): Target => ({ module }),
      (): Target => ({ leaf: ['broken', source] }),
    );
  };

  return {
    open,
    hasTasks: async (file) =>
      hasSources(file) && (!isPackage(file) || DEFINES_TASKS.test(await readFile(file, 'utf8'))),
  };
}

const DEFINES_TASKS = /\bfrom\s*['"]redex['"]/;
/** Packages in the old module format are data: their exports are known only when they run. */
const MODULE = /^\s*(import|export)\b/m;

/**
 * The file's path relative to the project, as messages and stacks have it. A package that lies elsewhere, hoisted to a
 * folder above the project or linked, is shown where npm puts packages.
 */
export function shownPath(file: string, root: string): string {
  const path = relative(root, file).split(sep).join('/');
  const [, name] = path.startsWith('../') ? (/.*?\/node_modules\/(.*)$/.exec(path) ?? []) : [];
  return name === undefined ? path : `node_modules/${name}`;
}

export function isPackage(file: string): boolean {
  return file.includes(`${sep}node_modules${sep}`);
}

function once<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const made = known.get(key) ?? make();
  known.set(key, made);
  return made;
}

/** Name and version, from the innermost package.json that has a name. */
async function packageOf(file: string): Promise<readonly string[]> {
  for (let folder = dirname(file); isPackage(folder + sep) && folder !== dirname(folder); folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
    const { name, version } = (text === undefined ? {} : JSON.parse(text)) as { name?: string; version?: string };
    if (name !== undefined) return [name, version ?? ''];
  }
  return [await contentOf(file)];
}

/** JSON counts by its value, everything else by its bytes. */
async function contentOf(file: string): Promise<string> {
  const bytes = await readFile(file);
  if (extname(file) !== '.json') return digestBytes(bytes);
  try {
    return digestBytes(Buffer.from(JSON.stringify(JSON.parse(bytes.toString()))));
  } catch {
    return digestBytes(bytes);
  }
}
