/**
 * Gives functions their own text before they are linked: the part of a task's hash that stands for its code.
 *
 * 1. The text depends on the function alone: not on its file's name, on what else is in the file or the bundle, on comments,
 *    types, indentation, or on names a linker gives.
 * 2. Lines of the author's file are found again through the source map.
 */
import { basename, extname } from 'node:path';
import { type AnyNode, parse } from 'acorn';
import { type Loader, type TransformOptions, transform } from 'esbuild';
import { formatMappings, type Insertion, insertInto, lineStarts, type Mappings, parseMappings } from './source-map.ts';

/** The module that keeps the texts, and the one function it exports. */
const SOURCES_MODULE = 'redex:sources';
const REGISTER = '__redexSource';

/** Function to text, for the whole process or thread: the language reads it under the same symbol. */
export const SOURCES_CODE = `const sources = (globalThis[Symbol.for('redex.sources')] ??= new WeakMap());
export function ${REGISTER}(value, text) {
  sources.set(value, text);
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

/**
 * The module as JavaScript that registers the text of every function given to `task(…)` and of every function and class at
 * its top level, with an inline source map. Throws esbuild's TransformFailure when `code` is not TypeScript.
 */
export async function attachSources(code: string, path: string): Promise<{ code: string; mappings: Mappings }> {
  const loader = LOADERS[extname(path)] ?? 'js';
  const file = basename(path);
  const plain = await transform(code, {
    ...OPTIONS,
    loader,
    format: 'esm',
    sourcemap: 'external',
    sourcesContent: false,
    sourcefile: file,
  });
  const map = JSON.parse(plain.map) as { mappings: string; names: string[] };
  const mappings = parseMappings(map.mappings);
  const spans = functionsOf(
    parse(plain.code, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true }) as AnyNode,
  );
  const names = renamed(plain.code, mappings, map.names);
  const texts = await Promise.all(spans.map((span) => canonical(restore(plain.code, span, names))));
  const insertions = spans.flatMap((span, at) => insertionsFor(span, JSON.stringify(texts[at])));
  // Imports are hoisted, so the last place is as good as the first, and no line moves.
  insertions.push({ at: plain.code.length, text: `import { ${REGISTER} } from "${SOURCES_MODULE}";` });
  insertions.sort((a, b) => a.at - b.at);
  const done = insertInto(plain.code, mappings, insertions);
  const moved = JSON.stringify({
    version: 3,
    sources: [file],
    names: map.names,
    mappings: formatMappings(done.mappings),
  });
  const url = `data:application/json;base64,${Buffer.from(moved).toString('base64')}`;
  return { code: `${done.code}\n//# sourceMappingURL=${url}\n`, mappings: done.mappings };
}

/** Where a function stands, and how its text is attached: around it, or by name after its declaration. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly declared?: { readonly name: string; readonly after: number };
}

function insertionsFor({ start, end, declared }: Span, text: string): Insertion[] {
  if (declared) return [{ at: declared.after, text: `;${REGISTER}(${declared.name}, ${text});` }];
  return [
    { at: start, text: `${REGISTER}(` },
    { at: end, text: `, ${text})` },
  ];
}

const FUNCTIONS = new Set(['FunctionExpression', 'ArrowFunctionExpression', 'ClassExpression']);

function functionsOf(program: AnyNode): Span[] {
  const spans: Span[] = [];
  if (program.type !== 'Program') return spans;
  const names = taskNames(program.body);
  visit(program, (node) => {
    if (node.type !== 'CallExpression' || !names.calls(node.callee)) return;
    for (const { type, start, end } of node.arguments) if (FUNCTIONS.has(type)) spans.push({ start, end });
  });
  for (const statement of program.body) spans.push(...declaredIn(statement));
  return spans;
}

/** The local names of `task`, and of modules that may have it. Wrapping too much does no harm: it only registers a text. */
function taskNames(body: readonly AnyNode[]): { calls(callee: AnyNode): boolean } {
  const direct = new Set<string>();
  const modules = new Set<string>();
  for (const statement of body) {
    if (statement.type !== 'ImportDeclaration') continue;
    for (const specifier of statement.specifiers) {
      if (specifier.type === 'ImportNamespaceSpecifier') modules.add(specifier.local.name);
      else if (
        specifier.type === 'ImportSpecifier' &&
        'name' in specifier.imported &&
        specifier.imported.name === 'task'
      ) {
        direct.add(specifier.local.name);
      }
    }
  }
  return {
    calls: (callee) =>
      (callee.type === 'Identifier' && direct.has(callee.name)) ||
      (callee.type === 'MemberExpression' &&
        callee.object.type === 'Identifier' &&
        modules.has(callee.object.name) &&
        callee.property.type === 'Identifier' &&
        callee.property.name === 'task'),
  };
}

/** Functions and classes that a statement at the top level declares. */
function declaredIn(statement: AnyNode): Span[] {
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

function visit(node: AnyNode, see: (node: AnyNode) => void): void {
  see(node);
  for (const child of Object.values(node)) {
    for (const each of Array.isArray(child) ? child : [child]) if (isNode(each)) visit(each, see);
  }
}

function isNode(value: unknown): value is AnyNode {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { type?: unknown }).type === 'string' &&
    'start' in value
  );
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

/** One spelling for a function wherever it stands: printed again by itself, without comments and indentation. */
async function canonical(text: string): Promise<string> {
  const { code } = await transform(`(${text});`, { ...OPTIONS, loader: 'js', minifyWhitespace: true });
  return code.trimEnd();
}
