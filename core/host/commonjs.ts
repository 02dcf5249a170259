/**
 * The project's CommonJS modules, which export what they come to when they run: for hashes such a module is one piece, with
 * all that it requires.
 */

import { readFile } from 'node:fs/promises';
import { extname, relative } from 'node:path';
import { parse } from 'acorn';
import { type Loader, transform } from 'esbuild';
import { digest } from '../values/hash.ts';
import type { Hash } from '../values/ids.ts';
import { relocate } from './here.ts';
import { factsOf } from './module-facts.ts';

const LOADERS: Readonly<Record<string, Loader>> = { '.cjs': 'js', '.js': 'js', '.cts': 'ts', '.ts': 'ts' };
const ESM_SYNTAX = /^\s*(import|export)\b/m;
const COMMONJS_SYNTAX = /\brequire\s*\(|\bexports\b/;

/** Whether esbuild takes the file for CommonJS, as far as it matters: it has no import and no export. */
export async function isCommonJs(file: string, text: string): Promise<boolean> {
  const loader = LOADERS[extname(file)];
  if (loader === undefined) return false;
  if (extname(file).startsWith('.c')) return true;
  // An author's file seldom has either; only then it is read closely, without its comments.
  if (!COMMONJS_SYNTAX.test(text)) return false;
  const plain = await transform(text, { loader, legalComments: 'none', logLevel: 'silent' }).catch(() => undefined);
  return plain !== undefined && !ESM_SYNTAX.test(plain.code);
}

/** What a require leads to: another file of the project, or what stands for what is not followed. */
export type Required = { readonly file: string } | { readonly leaf: readonly string[] };

export interface CommonJsModule {
  /** Of the code of all files it requires, without comments and names of files, and of files named beside them. */
  readonly hash: Hash;
  /** What cannot be followed, with its file. */
  readonly notes: readonly string[];
}

export async function commonJsModule(
  file: string,
  root: string,
  resolve: (source: string, importer: string) => Promise<Required>,
): Promise<CommonJsModule> {
  const files = [file];
  const parts: unknown[] = [];
  const notes: string[] = [];
  for (const path of files) {
    const text = await readFile(path, 'utf8');
    const { code } = await transform(text, {
      loader: LOADERS[extname(path)] ?? 'ts',
      minifyWhitespace: true,
      legalComments: 'none',
      charset: 'utf8',
      tsconfigRaw: '{}',
      logLevel: 'silent',
    });
    const { loads, imports, exports, stars, odd } = factsOf(
      parse(code, { ecmaVersion: 'latest', sourceType: 'module', allowReturnOutsideFunction: true }),
    );
    const passed = [...exports.values()].flatMap((each) => ('source' in each ? [each.source] : []));
    const sources = [...loads, ...imports.values()].map(({ source }) => source);
    const meanings: [string, number | readonly string[]][] = [];
    for (const source of new Set([...sources, ...passed, ...stars])) {
      const required = await resolve(source, path);
      if ('leaf' in required) meanings.push([source, required.leaf]);
      else {
        if (!files.includes(required.file)) files.push(required.file);
        meanings.push([source, files.indexOf(required.file)]);
      }
    }
    for (const { what } of odd)
      notes.push(`${relative(root, path)}: ${what} cannot be followed: what it runs is in no task's hash`);
    parts.push([code, meanings, (await relocate(path, text, { folder: root, base: root }))?.hash ?? '']);
  }
  return { hash: digest('commonjs', JSON.stringify(parts)), notes };
}
