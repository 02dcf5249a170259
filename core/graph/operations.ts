/** Operators on values; those whose operands are held by reference wait until someone has loaded them. */
import { refsOf } from '../values/contents.ts';
import { digest } from '../values/hash.ts';
import type { Hash } from '../values/ids.ts';
import { unknownKind } from '../values/never.ts';
import { isKind } from '../values/nodes.ts';
import { applyOperator } from '../values/operators.ts';
import { hashOf, rootOf, type Table } from '../values/table.ts';
import { type Draft, held, settle, waitUnder } from './draft.ts';
import { errorOf } from './errors.ts';
import type { Computation, GraphNode } from './graph.ts';

/** Settles the node with the operator's value, now or when its operands are loaded. `operands` is a list. */
export function operate(draft: Draft, node: GraphNode, name: string, operands: Table): void {
  if (refsOf(operands).length > 0) {
    waitFor(draft, node, { of: 'operator', name, operands });
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
  if (isKind(rootOf(value), 'ref')) waitFor(draft, node, { of: 'top', value });
  else goOn(value);
}

export function waitFor(draft: Draft, node: GraphNode, computation: Computation): void {
  const key = applicationKey(computation);
  waitUnder(draft, node, { in: 'computing', key }, draft.graph.computing, (nodes) => ({ computation, nodes }));
}

/** What facts call it by: its spelling never changes. */
function applicationKey(computation: Computation): Hash {
  switch (computation.of) {
    case 'operator':
      return digest('application', `${computation.name} ${hashOf(computation.operands)}`);
    case 'top':
      return digest('application', `redex.load ${hashOf(computation.value)}`);
    case 'whole':
      return digest('application', `redex.load_whole ${hashOf(computation.value)}`);
    default:
      return unknownKind('computation', computation);
  }
}
