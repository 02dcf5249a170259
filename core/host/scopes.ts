/**
 * Which declaration every name in a module means, from its syntax tree (ESTree, as acorn gives it): the scopes of
 * ECMA-262, with `var` and functions hoisted.
 */
import type { AnyNode, Identifier, Pattern } from 'acorn';
import { childrenOf, FUNCTIONS } from './syntax.ts';

/** A name where it is used, read or written. */
export interface Reference {
  readonly name: string;
  readonly start: number;
  /** The property that is read of it, where that is written out: of `a.b` b. */
  readonly member: string | undefined;
  readonly isWritten: boolean;
  /** Where it is declared; undefined: nowhere in the module, so it is a global. */
  readonly scope: LexicalScope | undefined;
}

export interface LexicalScope {
  readonly start: number;
  readonly end: number;
  readonly parent: LexicalScope | undefined;
  readonly names: ReadonlySet<string>;
  /** Those that always mean a function or a class that is written here, with its text. */
  readonly functions: ReadonlyMap<string, { readonly start: number; readonly end: number }>;
}

interface OpenScope extends LexicalScope {
  readonly parent: OpenScope | undefined;
  readonly names: Set<string>;
  readonly functions: Map<string, AnyNode>;
  /** Takes `var`: a function's, or the module's. */
  readonly isFunction: boolean;
}

interface Use {
  readonly node: Identifier;
  readonly scope: OpenScope;
  readonly member: string | undefined;
  readonly isWritten: boolean;
}

export interface Scopes {
  /** In the order of the text. */
  readonly references: readonly Reference[];
  readonly module: LexicalScope;
}

export function scopesOf(program: AnyNode): Scopes {
  const module: OpenScope = {
    start: program.start,
    end: program.end,
    parent: undefined,
    names: new Set(),
    functions: new Map(),
    isFunction: true,
  };
  const uses: Use[] = [];
  new ScopeAnalysis(uses).children(program, module);
  const references = uses.map(({ node: { name, start }, scope, member, isWritten }): Reference => {
    let found: OpenScope | undefined = scope;
    while (found && !found.names.has(name)) found = found.parent;
    return { name, start, member, isWritten, scope: found };
  });
  return { references: references.sort((a, b) => a.start - b.start), module };
}

class ScopeAnalysis {
  readonly #uses: Use[];

  constructor(uses: Use[]) {
    this.#uses = uses;
  }

  #open(node: AnyNode, parent: OpenScope, isFunction: boolean): OpenScope {
    return { start: node.start, end: node.end, parent, names: new Set(), functions: new Map(), isFunction };
  }

  #use(node: Identifier, scope: OpenScope, isWritten = false, member?: string): void {
    this.#uses.push({ node, scope, member, isWritten });
  }

  #define(name: string, node: AnyNode, scope: OpenScope): void {
    scope.names.add(name);
    scope.functions.set(name, node);
  }

  children(node: AnyNode, scope: OpenScope): void {
    for (const child of childrenOf(node)) this.visit(child, scope);
  }

  visit(node: AnyNode, scope: OpenScope): void {
    switch (node.type) {
      case 'Identifier':
        this.#use(node, scope);
        return;
      case 'FunctionDeclaration':
        if (node.id) this.#define(node.id.name, node, scope);
        this.#function(node, scope);
        return;
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        this.#function(node, scope);
        return;
      case 'ClassDeclaration':
        if (node.id) this.#define(node.id.name, node, scope);
        this.#class(node, scope);
        return;
      case 'ClassExpression':
        this.#class(node, scope);
        return;
      case 'VariableDeclaration': {
        const target = node.kind === 'var' ? functionScope(scope) : scope;
        for (const { id, init } of node.declarations) {
          this.#pattern(id, scope, target);
          if (node.kind === 'const' && id.type === 'Identifier' && init && FUNCTIONS.has(init.type))
            target.functions.set(id.name, init);
          if (init) this.visit(init, scope);
        }
        return;
      }
      default:
        this.#statement(node, scope);
    }
  }

  #statement(node: AnyNode, scope: OpenScope): void {
    switch (node.type) {
      case 'ImportDeclaration':
        for (const { local } of node.specifiers) scope.names.add(local.name);
        return;
      case 'ExportNamedDeclaration':
        if (node.declaration) this.visit(node.declaration, scope);
        // Of `export { a as b } from` nothing is a name of this module.
        else if (!node.source)
          for (const { local } of node.specifiers) if (local.type === 'Identifier') this.#use(local, scope);
        return;
      case 'ExportAllDeclaration':
        return;
      case 'CatchClause': {
        const inner = this.#open(node, scope, false);
        if (node.param) this.#pattern(node.param, inner, inner);
        this.visit(node.body, inner);
        return;
      }
      case 'BlockStatement':
      case 'StaticBlock':
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'SwitchStatement':
        this.children(node, this.#open(node, scope, node.type === 'StaticBlock'));
        return;
      case 'LabeledStatement':
        this.visit(node.body, scope);
        return;
      case 'BreakStatement':
      case 'ContinueStatement':
        return;
      default:
        this.#expression(node, scope);
    }
  }

  #expression(node: AnyNode, scope: OpenScope): void {
    switch (node.type) {
      case 'MemberExpression':
        this.#member(node, scope);
        return;
      case 'Property':
        if (node.computed) this.visit(node.key, scope);
        this.visit(node.value, scope);
        return;
      case 'MethodDefinition':
      case 'PropertyDefinition':
        if (node.computed) this.visit(node.key, scope);
        if (node.value) this.visit(node.value, scope);
        return;
      case 'AssignmentExpression':
        if (isPattern(node.left)) this.#pattern(node.left, scope, undefined);
        else this.visit(node.left, scope);
        this.visit(node.right, scope);
        return;
      case 'UpdateExpression':
        if (node.argument.type === 'Identifier') this.#use(node.argument, scope, true);
        else this.visit(node.argument, scope);
        return;
      case 'MetaProperty':
        return;
      default:
        this.children(node, scope);
    }
  }

  #member(node: Extract<AnyNode, { type: 'MemberExpression' }>, scope: OpenScope): void {
    const { object, property, computed } = node;
    const member = !computed && property.type === 'Identifier' ? property.name : undefined;
    if (object.type === 'Identifier') this.#use(object, scope, false, member);
    else this.visit(object, scope);
    if (computed) this.visit(property, scope);
  }

  #function(node: Extract<AnyNode, { params: Pattern[] }>, scope: OpenScope): void {
    const inner = this.#open(node, scope, true);
    if (node.type === 'FunctionExpression' && node.id) inner.names.add(node.id.name);
    if (node.type !== 'ArrowFunctionExpression') inner.names.add('arguments');
    for (const param of node.params) this.#pattern(param, inner, inner);
    // The body's own block is the function's scope: its declarations may not repeat the parameters'.
    if (node.body.type === 'BlockStatement') this.children(node.body, inner);
    else this.visit(node.body, inner);
  }

  #class(node: Extract<AnyNode, { type: 'ClassDeclaration' | 'ClassExpression' }>, scope: OpenScope): void {
    const inner = this.#open(node, scope, false);
    if (node.id) inner.names.add(node.id.name);
    if (node.superClass) this.visit(node.superClass, inner);
    this.children(node.body, inner);
  }

  /** Names that a pattern declares in `target`, or, without one, assigns. Defaults and computed keys are uses. */
  #pattern(pattern: AnyNode, scope: OpenScope, target: OpenScope | undefined): void {
    switch (pattern.type) {
      case 'Identifier':
        if (target) target.names.add(pattern.name);
        else this.#use(pattern, scope, true);
        return;
      case 'ObjectPattern':
        for (const property of pattern.properties) {
          if (property.type === 'RestElement') this.#pattern(property.argument, scope, target);
          else {
            if (property.computed) this.visit(property.key, scope);
            this.#pattern(property.value, scope, target);
          }
        }
        return;
      case 'ArrayPattern':
        for (const element of pattern.elements) if (element) this.#pattern(element, scope, target);
        return;
      case 'AssignmentPattern':
        this.#pattern(pattern.left, scope, target);
        this.visit(pattern.right, scope);
        return;
      case 'RestElement':
        this.#pattern(pattern.argument, scope, target);
        return;
      default:
        this.visit(pattern, scope);
    }
  }
}

function isPattern(node: AnyNode): boolean {
  return node.type === 'Identifier' || node.type === 'ObjectPattern' || node.type === 'ArrayPattern';
}

function functionScope(scope: OpenScope): OpenScope {
  let found = scope;
  while (!found.isFunction && found.parent) found = found.parent;
  return found;
}
