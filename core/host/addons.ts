/**
 * Native addons: compiled for one kind of machine, they cannot be part of a bundle, which runs on many. A package that has
 * one stays where it is installed, and is required there when the bundle is loaded.
 */
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { namesInstalled, readInstalled } from './installed.ts';

/** The module that requires what stayed outside, and the one function it exports. */
const ADDONS_MODULE = 'redex:addons';
const REQUIRE = '__redexAddon';

/** What the bundle knows of a module that stayed outside. */
export interface ExternalModule {
  /** The folder of who asked for it, relative to the project, with `/`. */
  readonly from: string;
  /** As Node is to resolve it from there. */
  readonly specifier: string;
  /** Of the package: another version would give other results under the same hash. undefined: a file of the project itself. */
  readonly name: string | undefined;
  readonly version: string | undefined;
  /**
   * Whether it may be missing until something of it is used: what is imported at the top of a workflow for jobs alone must
   * not stop the reducer, which has no addons. A `require` throws at once, since it may stand in try/catch.
   */
  readonly lazy: boolean;
}

/** The host says where the project is (`worker.ts`); a job on AWS looks from its working directory, and in NODE_PATH. */
export const ADDONS_CODE = `import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
export function ${REQUIRE}({ from, specifier, name, version, lazy }) {
  const project = globalThis[Symbol.for('redex.project')] ?? process.cwd();
  const require = createRequire(join(resolve(project, from), '_.js'));
  try {
    followYarn(project);
    const file = require.resolve(specifier);
    const there = name === undefined ? version : versionOf(name, dirname(file));
    if (there !== version) throw new Error('version ' + there + ' is installed in ' + dirname(file));
    return require(file);
  } catch (thrown) {
    const what = name === undefined ? specifier : (name + ' ' + version).trim();
    const why = String(thrown?.message ?? thrown).split('\\n')[0];
    const advice = 'Install it there (on AWS: in the image of the job, with NODE_PATH saying where), or call it in a script';
    const message = what + ' has a native addon, so it is not in the bundle, and cannot be had in ' + project + ': ' + why + '. ' + advice;
    const error = Object.assign(new Error(message, { cause: thrown }), { code: thrown?.code });
    if (lazy) return missing(error);
    throw error;
  }
}
/** Yarn's Plug'n'Play has no folders that Node could find by itself. */
function followYarn(project) {
  for (let at = project; at !== dirname(at); at = dirname(at)) {
    const file = join(at, '.pnp.cjs');
    if (existsSync(file)) return createRequire(file)(file).setup();
  }
}
function versionOf(name, folder) {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    try {
      const found = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
      if (found.name === name) return found.version ?? '';
    } catch (thrown) {
      if (thrown.code !== 'ENOENT') throw thrown;
    }
  }
  return undefined;
}
/** Whatever is done with it throws. Interoperation copies properties and keeps the prototype, so that throws too. */
function missing(error) {
  const fail = () => {
    throw error;
  };
  const get = (_target, key) => (typeof key === 'symbol' || key === '__esModule' || key === 'then' ? undefined : fail());
  const prototype = new Proxy({}, { get, has: () => false });
  return new Proxy(class {}, { get, apply: fail, construct: fail, ownKeys: () => ['prototype'], getPrototypeOf: () => prototype });
}
`;

/** The code of a module that stands for one outside. */
export function externalCode(outside: ExternalModule): string {
  return `module.exports = require(${JSON.stringify(ADDONS_MODULE)}).${REQUIRE}(${JSON.stringify(outside)});`;
}

/** Packages that find an addon for the package that depends on them. */
const FINDERS = ['node-gyp-build', 'bindings', 'prebuild-install', 'node-pre-gyp', '@mapbox/node-pre-gyp'];
/** Programs for one platform, each in a package of its own. */
const FOR_PLATFORM = /(^|[-/])(linux|darwin|win32)[-/](x64|arm64|arm|ia32)\b/;

export interface InstalledPackage {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  readonly hasAddon: boolean;
}

/** What is no text where a text belongs is as good as nothing. */
const Text = v.fallback(v.optional(v.string()), undefined);
const Names = v.fallback(v.optional(v.pipe(v.record(v.string(), v.unknown()), v.transform(Object.keys))), undefined);

/** What is looked at of a package.json. */
const Manifest = v.object({
  name: Text,
  version: Text,
  /** Set by npm where there is a binding.gyp. */
  gypfile: v.optional(v.unknown()),
  /** Of node-pre-gyp, and of napi-rs. */
  binary: v.optional(v.unknown()),
  napi: v.optional(v.unknown()),
  dependencies: Names,
  optionalDependencies: Names,
});

/** The package in whose folder the file lies: the innermost package.json with a name. undefined where there is none. */
export async function packageAround(file: string): Promise<InstalledPackage | undefined> {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const text = await readInstalled(join(folder, 'package.json')).catch(() => undefined);
    const manifest = v.parse(Manifest, text === undefined ? {} : JSON.parse(text.toString()));
    const { name, version = '' } = manifest;
    if (name !== undefined)
      return { folder, name, version, hasAddon: saysAddon(manifest) || (await holdsAddon(folder)) };
  }
  return undefined;
}

function saysAddon(manifest: v.InferOutput<typeof Manifest>): boolean {
  const { gypfile, binary, napi, dependencies = [], optionalDependencies = [] } = manifest;
  return (
    gypfile === true ||
    binary !== undefined ||
    napi !== undefined ||
    FINDERS.some((finder) => dependencies.includes(finder)) ||
    optionalDependencies.some((name) => FOR_PLATFORM.test(name))
  );
}

async function holdsAddon(folder: string): Promise<boolean> {
  const names = await namesInstalled(folder);
  return names.includes('binding.gyp') || names.includes('prebuilds');
}
