/** How redex's own programs become files that need no packages beside them: functions, the runner, the worker. */
import type { BuildOptions } from 'esbuild';

export const PROGRAM = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // Of a package that is there in both formats, the one that can be shaken out.
  mainFields: ['module', 'main'],
  // Errors are told apart by the names of their classes.
  keepNames: true,
  legalComments: 'none',
  // Some packages are CommonJS still, and ask for Node's own modules by require().
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  write: false,
  logLevel: 'silent',
} as const satisfies BuildOptions;
