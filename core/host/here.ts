/**
 * Modules that ask where they are: those of packages, and the project's own in CommonJS, by `__dirname` or
 * `import.meta.url`. A bundle is one file somewhere else, so the files they name beside themselves travel in it, and are
 * laid out in a folder of which the module is told that it is its own.
 */

import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { type AnyNode, type CallExpression, type NewExpression, parse, type TemplateLiteral } from 'acorn';
import { digest, digestBytes } from '../values/hash.ts';
import type { Hash } from '../values/ids.ts';
import { FILE_BYTES_MAX, modeOf } from './assets.ts';
import { namesInstalled, readInstalled, statInstalled } from './installed.ts';
import { childrenOf, visit } from './syntax.ts';

/** The module that lays them out, and the one function it exports. */
const HERE_MODULE = 'redex:here';
const HERE = '__redexHere';

/** Gives the folder in which the module lies, with `/`. Files are written once, whole. */
export const HERE_CODE = `import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
export function ${HERE}(hash, folder, files) {
  const root = join(import.meta.dirname, 'assets', hash);
  for (const [path, mode, base64] of files) {
    const file = join(root, path);
    if (existsSync(file)) continue;
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const part = file + '.' + process.pid + '.part';
    writeFileSync(part, Buffer.from(base64, 'base64'), { mode: mode & 0o700 });
    renameSync(part, file);
  }
  mkdirSync(join(root, folder), { recursive: true, mode: 0o700 });
  return join(root, folder);
}
`;

const ASKS = /\b__dirname\b|\b__filename\b|\bimport\s*\.\s*meta\b/;

/** Around a module: what it may name, and what the folder that it is told begins with. */
export interface ModuleFolder {
  /** Of its package, or of the project. */
  readonly folder: string;
  /** Paths are relative to this: the folder, or the one around it, where messages are to have the package's name. */
  readonly base: string;
}

export interface RelocatedModule {
  readonly code: string;
  /** Of the files that it names beside itself. */
  readonly hash: Hash;
}

/** The module's text with what it is to be told; undefined when it does not ask, or is not JavaScript. */
export async function relocate(file: string, text: string, around: ModuleFolder): Promise<RelocatedModule | undefined> {
  if (!ASKS.test(text)) return undefined;
  const program = parsed(text);
  if (!program) return undefined;
  const files = await filesAt(namedIn(program), file, around);
  const hash = digest('files', JSON.stringify(files.map(({ path, mode, hash }) => [path, mode, hash])));
  const folder = slashes(relative(around.base, dirname(file)));
  const laid = files.map(({ path, mode, bytes }) => [path, mode, bytes.toString('base64')]);
  const call = `${HERE}(${[hash, folder, laid].map((part) => JSON.stringify(part)).join(',')})`;
  return { code: rewritten(text, program, basename(file), call), hash };
}

interface BundledFile {
  /** Relative to the base, with `/`. */
  readonly path: string;
  readonly mode: number;
  readonly bytes: Buffer;
  readonly hash: string;
}

function parsed(text: string): AnyNode | undefined {
  for (const sourceType of ['module', 'script'] as const) {
    try {
      return parse(text, {
        ecmaVersion: 'latest',
        sourceType,
        allowHashBang: true,
        allowReturnOutsideFunction: sourceType === 'script',
      });
    } catch {
      // The other kind, or none: esbuild says what is the matter.
    }
  }
  return undefined;
}

/**
 * What is named relative to the module: `join(__dirname, 'x')`, `__dirname + '/x'`, `\`${__dirname}/x\``, and
 * `new URL('x', import.meta.url)`. Where only the beginning is written out, the folder that it names.
 */
function namedIn(program: AnyNode): Set<string> {
  const named = new Set<string>();
  visit(program, (node) => {
    const path = pathOf(node);
    if (path !== undefined && path !== '' && path !== '.') named.add(path);
  });
  return named;
}

function pathOf(node: AnyNode): string | undefined {
  switch (node.type) {
    case 'CallExpression':
      return joined(node) ?? required(node);
    case 'BinaryExpression':
      return node.operator === '+' && isFolder(node.left) ? beneath(textOf(node.right)) : undefined;
    case 'TemplateLiteral':
      return spelled(node);
    case 'NewExpression':
      return addressed(node);
    default:
      return undefined;
  }
}

/** `join(__dirname, 'lib', 'x')`, of node:path however it is imported. */
function joined({ callee, arguments: [first, ...rest] }: CallExpression): string | undefined {
  const name = callee.type === 'MemberExpression' ? callee.property : callee;
  const isJoin = name.type === 'Identifier' && /^(join|resolve)$/.test(name.name);
  return isJoin && first && isFolder(first) ? join('.', ...leading(rest)) : undefined;
}

/** `require('../package.json')` of createRequire: every other one esbuild has followed. */
function required({ callee, arguments: [first] }: CallExpression): string | undefined {
  const isRequire = callee.type === 'Identifier' && /^_?require\w*$/.test(callee.name);
  const asked = isRequire && first ? textOf(first) : undefined;
  return asked?.startsWith('.') && asked.endsWith('.json') ? asked : undefined;
}

function spelled({ quasis, expressions }: TemplateLiteral): string | undefined {
  const [folder] = expressions;
  const [before, after] = quasis.map(({ value }) => value.cooked ?? '');
  if (before !== '' || after === undefined || !folder || !isFolder(folder)) return undefined;
  return beneath(expressions.length === 1 ? after : after.slice(0, after.lastIndexOf('/')));
}

function addressed({ callee, arguments: [address, base] }: NewExpression): string | undefined {
  const isUrl = callee.type === 'Identifier' && callee.name === 'URL' && base !== undefined && isMeta(base);
  const text = isUrl && address ? textOf(address) : undefined;
  return text === undefined || /^[a-z][a-z0-9+.-]*:/i.test(text) ? undefined : decodeURIComponent(text);
}

function isFolder(node: AnyNode): boolean {
  return (node.type === 'Identifier' && node.name === '__dirname') || isMeta(node);
}

function isMeta(node: AnyNode): boolean {
  return node.type === 'MemberExpression' && node.object.type === 'MetaProperty';
}

function leading(nodes: readonly AnyNode[]): string[] {
  const texts = nodes.map(textOf);
  const end = texts.indexOf(undefined);
  return texts.slice(0, end < 0 ? undefined : end).filter((text) => text !== undefined);
}

function textOf(node: AnyNode): string | undefined {
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}

function beneath(text: string | undefined): string | undefined {
  return text?.startsWith('/') ? `.${text}` : undefined;
}

/** Regular files only, and none from outside of the folder, whatever a module names. Throws RangeError for too many bytes. */
async function filesAt(
  named: ReadonlySet<string>,
  module: string,
  { folder, base }: ModuleFolder,
): Promise<BundledFile[]> {
  const found = new Map<string, BundledFile>();
  const add = async (file: string): Promise<void> => {
    const stats = await statInstalled(file);
    const path = slashes(relative(base, file));
    // A link may lead anywhere.
    if (!stats || stats.isLink || relative(folder, file).startsWith('..') || found.has(path)) return;
    if (stats.kind === 'folder') {
      const names = (await namesInstalled(file)).filter((name) => name !== 'node_modules');
      for (const name of names.sort()) await add(join(file, name));
    } else if (stats.kind === 'file') {
      const bytes = await readInstalled(file);
      found.set(path, { path, mode: modeOf(stats), bytes, hash: digestBytes(bytes) });
    }
  };
  for (const path of [...named].sort()) await add(resolve(dirname(module), path));
  const files = [...found.values()];
  const size = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (size > FILE_BYTES_MAX) {
    throw new RangeError(
      `the files beside ${basename(module)} have ${size} bytes, and files in a bundle at most ${FILE_BYTES_MAX}: ` +
        'pass them as an argument, or call what needs them in a script',
    );
  }
  return files;
}

/** No line moves. Names are as in CommonJS; those of `import.meta` are put in its place. */
function rewritten(text: string, program: AnyNode, name: string, call: string): string {
  const spans: { start: number; end: number; property: string }[] = [];
  visit(program, (node) => {
    if (node.type !== 'MemberExpression' || !isMeta(node) || node.property.type !== 'Identifier') return;
    spans.push({ start: node.start, end: node.end, property: node.property.name });
  });
  const isNew = spans.length > 0 || childrenOf(program).some(({ type }) => /^(Import|Export)/.test(type));
  const file = JSON.stringify(`/${name}`);
  const head = isNew
    ? `import{${HERE}}from"${HERE_MODULE}";import{pathToFileURL as __redexUrl}from"node:url";` +
      `const __redexDirname=${call},__redexFilename=__redexDirname+${file};`
    : `var __dirname=require("${HERE_MODULE}").${call},__filename=__dirname+${file};`;
  let code = text;
  for (const { start, end, property } of spans.toSorted((a, b) => b.start - a.start)) {
    code = code.slice(0, start) + (META[property] ?? code.slice(start, end)) + code.slice(end);
  }
  return head + code.replace(/^#!.*/, '');
}

const META: Readonly<Record<string, string>> = {
  url: '__redexUrl(__redexFilename).href',
  dirname: '__redexDirname',
  filename: '__redexFilename',
};

function slashes(path: string): string {
  return path.split(sep).join('/');
}
