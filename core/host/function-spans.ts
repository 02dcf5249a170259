/** Where in a module the functions and classes stand that are given sources. */
import type { AnyNode } from 'acorn';
import { type Span, type TaskNames, taskNames } from './module-facts.ts';
import { childrenOf, FUNCTIONS, visit } from './syntax.ts';

/** Where a function stands, and how its text is attached: around it, or by name after its declaration. */
export interface FunctionSpan extends Span {
  /** Of a task: what cannot be followed in it is worth saying. */
  readonly isTask?: boolean;
  readonly declared?: { readonly name: string; readonly after: number };
}

export function functionsOf(program: AnyNode): FunctionSpan[] {
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
