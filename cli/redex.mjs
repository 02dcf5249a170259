#!/usr/bin/env node
/**
 * Where the command line is entered. It starts from the program that `stack/command.ts` makes of the sources, when that is
 * there and no source has changed since; else that is made first, and where it cannot be made, the sources themselves are
 * loaded. No TypeScript: to strip one file of its types takes Node as long as the rest of its start.
 */
import { readFileSync, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The program's folder, when every file that it was made from is as it was. Contents are for who makes it to compare. */
function madeProgram() {
  try {
    const { folder, inputs } = JSON.parse(readFileSync(join(ROOT, 'node_modules/.cache/redex/command.json'), 'utf8'));
    const isAsItWas = ([path, size, mtimeMs]) => {
      const stats = statSync(join(ROOT, path), { throwIfNoEntry: false });
      return stats?.size === size && stats.mtimeMs === mtimeMs;
    };
    statSync(join(ROOT, folder, 'cli.mjs'));
    return inputs.every(isAsItWas) ? join(ROOT, folder) : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with the sources is better told by whoever loads them. */
async function makeProgram() {
  try {
    const { makeCommand } = await import('../stack/command.ts');
    return await makeCommand();
  } catch {
    return undefined;
  }
}

const program = madeProgram() ?? (await makeProgram());
// What was compiled once is not compiled again, here and in the jobs that are started from here. A folder that cannot be
// written costs nothing but time.
process.env.NODE_COMPILE_CACHE ??= join(program ?? join(ROOT, 'node_modules/.cache/redex'), 'compiled');
enableCompileCache(process.env.NODE_COMPILE_CACHE);
await import(program === undefined ? './main.ts' : pathToFileURL(join(program, 'cli.mjs')).href);
