/** How redex's own programs become files that need no packages beside them: functions, the runner, the command line. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, Plugin } from 'esbuild';

/** The repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** dynalite loads what it needs by names that it puts together, which can be followed only when they are whole. */
const wholeNames: Plugin = {
  name: 'whole names',
  setup(build) {
    build.onLoad({ filter: /[/\\]dynalite[/\\]index\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text.replace(/require\('(\.\/\w+\/)' \+ (\w+)\)/g, "require('$1' + $2 + '.js')");
      return { contents, loader: 'js' };
    });
  },
};

export const PROGRAM = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // Of a package that is there in both formats, the one that can be shaken out.
  mainFields: ['module', 'main'],
  // Errors are told apart by the names of their classes.
  keepNames: true,
  legalComments: 'none',
  // Some packages are CommonJS still, and ask for Node's own modules by require(). Others import the same function.
  banner: {
    js: "import { createRequire as redexRequire } from 'node:module'; const require = redexRequire(import.meta.url);",
  },
  plugins: [wholeNames],
  write: false,
  logLevel: 'silent',
} satisfies BuildOptions;

/** Programs of several files: each entry by its name, and chunks that are loaded when they are needed. */
export const PROGRAMS = { ...PROGRAM, outExtension: { '.js': '.mjs' }, splitting: true, metafile: true } as const;

export const RUNNER_ENTRIES = { runner: 'docker/runner/main.ts', worker: 'core/host/worker.ts' };
