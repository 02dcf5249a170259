/** Operators on values; those whose operands are held by reference wait until someone has loaded them. */
import { refsOf } from '../values/contents.ts';
import { digest } from '../values/hash.ts';
import { applyOperator } from '../values/operators.ts';
import { hashOf, rootOf, type Table } from '../values/table.ts';
import { type Draft, held, settle, waitUnder } from './draft.ts';
import { errorOf } from './errors.ts';
import type { GraphNode } from './graph.ts';

/** Not an author's operator: asks for a large value's top level, its parts by reference. */
export const LOAD = 'redex.load';

/** Likewise: asks for the whole of a large value. Only for what the reducer itself must read. */
export const LOAD_WHOLE = 'redex.load_whole';

/** Settles the node with the operator's value, now or when its operands are loaded. `operands` is a list. */
export function operate(draft: Draft, node: GraphNode, name: string, operands: Table): void {
  if (refsOf(operands).length > 0) {
    waitFor(draft, node, name, operands);
    return;
  }
  try {
    settle(draft, node, { value: held(draft, applyOperator(name, operands)) });
  } catch (error) {
    const origin = draft.graph.scopes.get(node.scope)?.job ?? null;
    settle(draft, node, { failure: { error: held(draft, errorOf(error)), origin } });
  }
}

/** Goes on with the value's top level: now when it is here, else when someone has loaded it. */
export function withTop(draft: Draft, node: GraphNode, value: Table, goOn: (whole: Table) => void): void {
  const root = rootOf(value);
  if (Array.isArray(root) && root[0] === 'ref') waitFor(draft, node, LOAD, value);
  else goOn(value);
}

export function waitFor(draft: Draft, node: GraphNode, name: string, operands: Table): void {
  const application = digest('application', `${name} ${hashOf(operands)}`);
  waitUnder(draft, draft.graph.computing, application, node, (nodes) => ({ name, operands, nodes }));
}
