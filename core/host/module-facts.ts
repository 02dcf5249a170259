/** What a module of the author's declares, imports and exports, as far as its syntax tree says. */
import type { AnyNode } from 'acorn';
import { type Scopes, scopesOf } from './scopes.ts';
import { declaredNames, visit } from './syntax.ts';

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What a name at the top level stands for. */
export interface Binding {
  /** Its declaration, and the statements at the top level that change what it holds. */
  readonly spans: readonly Span[];
  /** Of a task: its name, which stands for it in whatever calls it. */
  readonly task?: string;
}

/** A name that comes from another module: `default`, a name, or `*` for the whole of it. */
export interface Imported {
  readonly source: string;
  readonly name: string;
}

export interface ModuleFacts {
  readonly scopes: Scopes;
  readonly bindings: ReadonlyMap<string, Binding>;
  readonly imports: ReadonlyMap<string, Imported>;
  /** By exported name: what is exported of this module, or passed on from another one. */
  readonly exports: ReadonlyMap<string, { readonly local: string } | Imported>;
  /** Modules all of whose names are passed on. */
  readonly stars: readonly string[];
  /** Modules that are loaded where the code comes to it. */
  readonly loads: readonly { readonly start: number; readonly source: string }[];
  /** Files beside the module, `new URL('./x', import.meta.url)`, by where that stands. */
  readonly files: readonly (Span & { readonly address: string })[];
  /** What no syntax tree can follow. */
  readonly odd: readonly { readonly start: number; readonly what: string }[];
}

/** The name under which a module holds what it exports by default. */
export const DEFAULT = '*default*';

export function factsOf(program: AnyNode): ModuleFacts {
  const facts: MutableFacts = {
    scopes: scopesOf(program),
    bindings: new Map(),
    imports: new Map(),
    exports: new Map(),
    stars: [],
    loads: [],
    files: [],
    odd: [],
  };
  if (program.type !== 'Program') return facts;
  const tasks = taskNames(program.body);
  for (const statement of program.body) {
    readImports(facts, statement);
    readDeclarations(facts, statement, tasks);
    readExports(facts, statement);
  }
  for (const statement of program.body) attachChanges(facts, statement);
  const globals = new Set(facts.scopes.references.flatMap(({ scope, start }) => (scope ? [] : [start])));
  visit(program, (node) => readOddities(facts, node, globals));
  return facts;
}

/** The same while they are read. */
type MutableFacts = {
  -readonly [K in keyof ModuleFacts]: ModuleFacts[K] extends ReadonlyMap<infer Key, infer Value>
    ? Map<Key, Value extends Binding ? { spans: Span[]; task?: string } : Value>
    : ModuleFacts[K] extends readonly (infer Each)[]
      ? Each[]
      : ModuleFacts[K];
};

function nameOf(node: AnyNode): string {
  return node.type === 'Identifier' ? node.name : node.type === 'Literal' ? String(node.value) : '';
}

function readImports(facts: MutableFacts, statement: AnyNode): void {
  if (statement.type !== 'ImportDeclaration') return;
  const source = String(statement.source.value);
  for (const specifier of statement.specifiers) {
    const name =
      specifier.type === 'ImportSpecifier'
        ? nameOf(specifier.imported)
        : specifier.type === 'ImportDefaultSpecifier'
          ? 'default'
          : '*';
    facts.imports.set(specifier.local.name, { source, name });
  }
}

function readDeclarations(facts: MutableFacts, statement: AnyNode, tasks: TaskNames): void {
  const declare = (name: string, { start, end }: Span, task?: string) =>
    facts.bindings.set(name, { spans: [{ start, end }], ...(task !== undefined && { task }) });
  switch (statement.type) {
    case 'ExportNamedDeclaration':
      if (statement.declaration) readDeclarations(facts, statement.declaration, tasks);
      return;
    case 'ExportDefaultDeclaration': {
      const { declaration } = statement;
      declare(DEFAULT, declaration, taskOf(declaration, tasks));
      const named = declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration';
      if (named && declaration.id) declare(declaration.id.name, declaration);
      return;
    }
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      if (statement.id) declare(statement.id.name, statement);
      return;
    case 'VariableDeclaration':
      for (const declarator of statement.declarations) {
        const task = declarator.init ? taskOf(declarator.init, tasks) : undefined;
        for (const name of declaredNames(declarator.id)) declare(name, declarator, task);
      }
  }
}

/** The name of the task that `task('name', …)` defines, where it is written out. */
function taskOf(node: AnyNode, tasks: TaskNames): string | undefined {
  if (node.type !== 'CallExpression' || !tasks.calls(node.callee)) return undefined;
  const [name] = node.arguments;
  return name?.type === 'Literal' && typeof name.value === 'string' ? name.value : undefined;
}

function readExports(facts: MutableFacts, statement: AnyNode): void {
  if (statement.type === 'ExportDefaultDeclaration') facts.exports.set('default', { local: DEFAULT });
  if (statement.type === 'ExportAllDeclaration') {
    const source = String(statement.source.value);
    if (statement.exported) facts.exports.set(nameOf(statement.exported), { source, name: '*' });
    else facts.stars.push(source);
  }
  if (statement.type !== 'ExportNamedDeclaration') return;
  for (const name of declaredBy(statement.declaration)) facts.exports.set(name, { local: name });
  for (const { local, exported } of statement.specifiers) {
    const [from, to] = [nameOf(local), nameOf(exported)];
    facts.exports.set(to, statement.source ? { source: String(statement.source.value), name: from } : { local: from });
  }
}

function declaredBy(declaration: AnyNode | null | undefined): string[] {
  if (declaration?.type === 'VariableDeclaration')
    return declaration.declarations.flatMap(({ id }) => declaredNames(id));
  if (declaration?.type === 'FunctionDeclaration' || declaration?.type === 'ClassDeclaration')
    return declaration.id ? [declaration.id.name] : [];
  return [];
}

/** `table.x = 1`, `table.set(…)` and `Object.assign(table, …)` at the top level are part of what `table` holds. */
function attachChanges(facts: MutableFacts, statement: AnyNode): void {
  if (statement.type !== 'ExpressionStatement') return;
  for (const name of changedBy(statement.expression)) {
    facts.bindings.get(name)?.spans.push({ start: statement.start, end: statement.end });
  }
}

function changedBy(expression: AnyNode): string[] {
  if (expression.type === 'AssignmentExpression') return rootOf(expression.left);
  if (expression.type !== 'CallExpression') return [];
  const [root] = rootOf(expression.callee);
  const [first] = expression.arguments;
  return root === 'Object' && first
    ? rootOf(first)
    : expression.callee.type === 'MemberExpression' && root
      ? [root]
      : [];
}

function rootOf(node: AnyNode): string[] {
  if (node.type === 'Identifier') return [node.name];
  if (node.type === 'MemberExpression') return rootOf(node.object);
  return node.type === 'CallExpression' ? rootOf(node.callee) : [];
}

/** `globals`: where names are used that the module does not declare. */
function readOddities(facts: MutableFacts, node: AnyNode, globals: ReadonlySet<number>): void {
  const { start } = node;
  if (node.type === 'ImportExpression') {
    const { source } = node;
    if (source.type === 'Literal') facts.loads.push({ start, source: String(source.value) });
    else facts.odd.push({ start, what: 'import() of a computed name' });
  }
  if ((node.type !== 'CallExpression' && node.type !== 'NewExpression') || node.callee.type !== 'Identifier') return;
  const { name } = node.callee;
  if (!globals.has(node.callee.start)) return;
  const [first, second] = node.arguments;
  if (name === 'URL' && second && isModuleUrl(second)) {
    const address = first?.type === 'Literal' ? String(first.value) : '';
    // Another address is the author's own business.
    if (/^\.\.?\//.test(address)) facts.files.push({ start, end: node.end, address });
    else if (first?.type !== 'Literal') facts.odd.push({ start, what: 'a computed address beside import.meta.url' });
  } else if (name === 'require' && first?.type === 'Literal') facts.loads.push({ start, source: String(first.value) });
  else if (name === 'require') facts.odd.push({ start, what: 'require() of a computed name' });
  else if (name === 'eval') facts.odd.push({ start, what: 'eval' });
  else if (name === 'Function') facts.odd.push({ start, what: 'new Function' });
}

/** `import.meta.url` */
function isModuleUrl(node: AnyNode): boolean {
  return node.type === 'MemberExpression' && node.object.type === 'MetaProperty' && nameOf(node.property) === 'url';
}

export interface TaskNames {
  calls(callee: AnyNode): boolean;
}

/** The local names of `task`, and of modules that may have it. */
export function taskNames(body: readonly AnyNode[]): TaskNames {
  const direct = new Set<string>();
  const modules = new Set<string>();
  for (const statement of body) {
    if (statement.type !== 'ImportDeclaration') continue;
    for (const specifier of statement.specifiers) {
      if (specifier.type === 'ImportNamespaceSpecifier') modules.add(specifier.local.name);
      else if (specifier.type === 'ImportSpecifier' && nameOf(specifier.imported) === 'task')
        direct.add(specifier.local.name);
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
