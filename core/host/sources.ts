/**
 * Gives functions their own text before they are linked, and what they can reach: the part of a task's hash that stands
 * for its code.
 *
 * 1. The text depends on the function alone: not on its file's name, on what else is in the file or the bundle, on comments,
 *    types, indentation, or on names a linker gives.
 * 2. Lines of the author's file are found again through the source map.
 */
import { basename, extname } from 'node:path';
import { type AnyNode, parse } from 'acorn';
import { type Loader, type TransformOptions, transform } from 'esbuild';
import * as v from 'valibot';
import { digest } from '../values/hash.ts';
import { ASSETS_MODULE, type Asset, LAY_OUT } from './assets.ts';
import { factsOf, type Span, type TaskNames, taskNames, visit } from './module-facts.ts';
import { type ReachableCode, reachOf, type SourceModule } from './reach.ts';
import { childrenOf, FUNCTIONS, type LexicalScope } from './scopes.ts';
import {
  formatMappings,
  type Insertion,
  insertInto,
  lineStarts,
  type Mappings,
  originOf,
  parseMappings,
} from './source-map.ts';

/** The module that keeps the texts, and the one function it exports. */
const SOURCES_MODULE = 'redex:sources';
const REGISTER = '__redexSource';

/** Function to what is known of it, for the whole process or thread: the language reads it under the same symbol. */
export const SOURCES_CODE = `const sources = (globalThis[Symbol.for('redex.sources')] ??= new WeakMap());
export function ${REGISTER}(value, text, reach, helpers, captured, values) {
  sources.set(value, { text, reach, helpers, captured, values });
  return value;
}
`;

const LOADERS: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.jsx': 'jsx',
};

/** Fixed, because the texts that come out are hashed: nothing of the author's tsconfig reaches them. */
const OPTIONS = {
  target: 'esnext',
  legalComments: 'none',
  charset: 'utf8',
  tsconfigRaw: '{}',
  logLevel: 'silent',
} as const satisfies TransformOptions;

/** Whether functions of the file at `path` can be given sources. */
export function hasSources(path: string): boolean {
  return extname(path) in LOADERS;
}

/** An author's module as JavaScript, and all that is known of it. */
export interface OpenModule extends SourceModule {
  fileAt(address: string): Promise<Asset | undefined>;
  readonly code: string;
  readonly mappings: Mappings;
  /** Of the source map. */
  readonly names: readonly string[];
  readonly program: AnyNode;
}

/** As esbuild writes it; the rest is said anew. */
const SourceMap = v.object({ mappings: v.string(), names: v.array(v.string()) });

/** Throws esbuild's TransformFailure when `text` is not TypeScript. */
export async function openModule(
  file: { readonly path: string; readonly text: string },
  around: Pick<OpenModule, 'resolve' | 'fileAt'>,
): Promise<OpenModule> {
  const { path, text } = file;
  const plain = await transform(text, {
    ...OPTIONS,
    loader: LOADERS[extname(path)] ?? 'js',
    format: 'esm',
    sourcemap: 'external',
    sourcesContent: false,
    sourcefile: basename(path),
  });
  const { code } = plain;
  const map = v.parse(SourceMap, JSON.parse(plain.map));
  const mappings = parseMappings(map.mappings);
  const program = parse(code, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true });
  const renamings = renamed(code, mappings, map.names);
  const texts = new Map<string, Promise<string>>();
  return {
    path,
    code,
    mappings,
    names: map.names,
    program,
    facts: factsOf(program),
    ...around,
    hashOf: async (address) => (await around.fileAt(address))?.hash,
    textOf(span) {
      const key = `${span.start} ${span.end}`;
      const known = texts.get(key) ?? canonical(restore(code, span, renamings));
      texts.set(key, known);
      return known;
    },
    lineOf(at) {
      const before = code.slice(0, at).split('\n');
      const origin = originOf(mappings, before.length - 1, before.at(-1)?.length ?? 0);
      return (origin?.line ?? before.length - 1) + 1;
    },
  };
}

/**
 * The module as JavaScript that registers, for every function given to `task(…)` and every function and class at its top
 * level, its text and what it can reach; with an inline source map. `source`: the author's file, as esbuild is to read it
 * there.
 */
export async function attachSources(
  module: OpenModule,
  source: string,
): Promise<{ readonly code: string; readonly mappings: Mappings; readonly notes: readonly string[] }> {
  const { code, mappings, names } = module;
  const notes = new Set<string>();
  const spans = functionsOf(module.program);
  const insertions: Insertion[] = [];
  // Before functions: where one ends with such an address, both end at one place.
  for (const { start, end, address } of module.facts.files) {
    const asset = await module.fileAt(address);
    if (!asset) continue;
    const { hash, name, mode, base64 } = asset;
    insertions.push({ at: start, text: `${LAY_OUT}(` });
    insertions.push({
      at: end,
      text: `, ${[hash, name, mode, base64].map((part) => JSON.stringify(part)).join(', ')})`,
    });
  }
  for (const span of spans) {
    const text = await module.textOf(span);
    const { around, captured } = span.declared ? NO_CLOSURE : closureOf(module, span);
    const reach = await reachOf(module, span, around);
    if (span.isTask) for (const note of reach.notes) notes.add(note);
    insertions.push(...insertionsFor(span, registration(text, reach, captured)));
  }
  // Imports are hoisted, so the last place is as good as the first, and no line moves.
  insertions.push({
    at: code.length,
    text: `import { ${REGISTER} } from "${SOURCES_MODULE}"; import { ${LAY_OUT} } from "${ASSETS_MODULE}";`,
  });
  insertions.sort((a, b) => a.at - b.at);
  const done = insertInto(code, mappings, insertions);
  const moved = JSON.stringify({
    version: 3,
    sources: [source],
    names,
    mappings: formatMappings(done.mappings),
  });
  const url = `data:application/json;base64,${Buffer.from(moved).toString('base64')}`;
  return { code: `${done.code}\n//# sourceMappingURL=${url}\n`, mappings: done.mappings, notes: [...notes] };
}

interface Closure {
  readonly around: readonly Span[];
  /** Names of the functions around which it uses, or a function of theirs that it uses, sorted; their own have their text there. */
  readonly captured: readonly { readonly name: string; readonly isText: boolean }[];
}

const NO_CLOSURE: Closure = { around: [], captured: [] };

/** A function inside of another one may use what that one was given: its values are known when the program runs. */
function closureOf({ facts }: OpenModule, span: Span): Closure {
  const captured = new Map<string, boolean>();
  let outer: LexicalScope | undefined;
  const texts = new Set<Span>([span]);
  for (const { start, end } of texts) {
    for (const { name, scope, ...reference } of facts.scopes.references) {
      const isWithin = start <= reference.start && reference.start < end;
      if (!isWithin || !scope || scope === facts.scopes.module || (start <= scope.start && scope.start < end)) continue;
      const text = scope.functions.get(name);
      if (text) texts.add(text);
      if (name !== 'arguments' && !captured.has(name)) captured.set(name, text !== undefined);
      outer ??= scope;
      while (outer.parent && outer.parent !== facts.scopes.module) outer = outer.parent;
    }
  }
  if (!outer) return NO_CLOSURE;
  const sorted = [...captured].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    around: [{ start: outer.start, end: outer.end }],
    captured: sorted.map(([name, isText]) => ({ name, isText })),
  };
}

/** What follows the function in the call that registers it. */
function registration(text: string, { text: reached, parts }: ReachableCode, captured: Closure['captured']): string {
  const helpers = Object.fromEntries(parts.map((part) => [part.label, digest('helper', part.text).slice(0, 8)]));
  const names = captured.map(({ name }) => name);
  const known = [text, reached === '' ? '' : digest('reach', reached), helpers, names].map((part) =>
    JSON.stringify(part),
  );
  // Each by itself, since one may never have been reached.
  const values = captured.map(({ name, isText }) => (isText ? 'undefined' : `() => ${name}`));
  return [...known, ...(captured.length > 0 ? [`[${values.join(', ')}]`] : [])].join(', ');
}

/** Where a function stands, and how its text is attached: around it, or by name after its declaration. */
interface FunctionSpan extends Span {
  /** Of a task: what cannot be followed in it is worth saying. */
  readonly isTask?: boolean;
  readonly declared?: { readonly name: string; readonly after: number };
}

function insertionsFor({ start, end, declared }: FunctionSpan, text: string): Insertion[] {
  if (declared) return [{ at: declared.after, text: `;${REGISTER}(${declared.name}, ${text});` }];
  return [
    { at: start, text: `${REGISTER}(` },
    { at: end, text: `, ${text})` },
  ];
}

function functionsOf(program: AnyNode): FunctionSpan[] {
  const spans: FunctionSpan[] = [];
  if (program.type !== 'Program') return spans;
  const names = taskNames(program.body);
  visit(program, (node) => {
    if (node.type !== 'CallExpression' || !names.calls(node.callee)) return;
    for (const { type, start, end } of node.arguments)
      if (FUNCTIONS.has(type)) spans.push({ start, end, isTask: true });
  });
  for (const statement of program.body) spans.push(...declaredIn(statement), ...givenIn(statement, names));
  return spans;
}

/** Functions that are given to calls where the module is loaded, to a factory of tasks perhaps: each is made once. */
function givenIn(node: AnyNode, names: TaskNames): FunctionSpan[] {
  if (FUNCTIONS.has(node.type) || node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') return [];
  const isCall = (node.type === 'CallExpression' && !names.calls(node.callee)) || node.type === 'NewExpression';
  const given = isCall ? node.arguments.filter(({ type }) => FUNCTIONS.has(type)) : [];
  return [
    ...given.map(({ start, end }) => ({ start, end })),
    ...childrenOf(node).flatMap((child) => givenIn(child, names)),
  ];
}

/** Functions and classes that a statement at the top level declares. */
function declaredIn(statement: AnyNode): FunctionSpan[] {
  switch (statement.type) {
    case 'ExportNamedDeclaration':
      return statement.declaration ? declaredIn(statement.declaration) : [];
    case 'ExportDefaultDeclaration': {
      const { type, start, end } = statement.declaration;
      if (type !== 'FunctionDeclaration' && type !== 'ClassDeclaration' && !FUNCTIONS.has(type)) return [];
      const named = declaredIn(statement.declaration);
      return named.length > 0 ? named : [{ start, end }];
    }
    case 'FunctionDeclaration':
    case 'ClassDeclaration': {
      const { id, start, end } = statement;
      // An anonymous one exists only as a default export, which has no name to be registered by.
      return id ? [{ start, end, declared: { name: id.name, after: end } }] : [];
    }
    case 'VariableDeclaration':
      return statement.declarations.flatMap(({ id, init }) =>
        id.type === 'Identifier' && init && FUNCTIONS.has(init.type)
          ? [{ start: init.start, end: init.end, declared: { name: id.name, after: statement.end } }]
          : [],
      );
    default:
      return [];
  }
}

/** The author's name of every identifier esbuild renamed because something elsewhere in the file has that name too, by offset. */
function renamed(code: string, mappings: Mappings, names: readonly string[]): Map<number, string> {
  const starts = lineStarts(code);
  const found = new Map<number, string>();
  mappings.forEach((line, number) => {
    for (const [column, , , , name] of line) {
      if (name !== undefined) found.set((starts[number] ?? 0) + column, names[name] ?? '');
    }
  });
  return found;
}

const IDENTIFIER = /[\p{ID_Continue}$\u200c\u200d]+/uy;

function restore(code: string, { start, end }: Span, names: ReadonlyMap<number, string>): string {
  let text = '';
  let from = start;
  for (const [at, name] of names) {
    if (at < from || at >= end) continue;
    IDENTIFIER.lastIndex = at;
    const identifier = IDENTIFIER.exec(code)?.[0];
    if (identifier === undefined) continue;
    text += code.slice(from, at) + name;
    from = at + identifier.length;
  }
  return text + code.slice(from, end);
}

/** One spelling for a part wherever it stands: printed again by itself, without comments and indentation. */
async function canonical(text: string): Promise<string> {
  const expression = text.replace(/;\s*$/, '');
  const options = { ...OPTIONS, loader: 'js', minifyWhitespace: true } as const;
  // A method is no expression; it was printed by esbuild before.
  const { code } = await transform(`(${expression});`, options).catch(() => ({ code: text }));
  return code.trimEnd();
}
