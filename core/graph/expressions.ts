/** From a returned expression to nodes: only what is needed, equal expressions once. */

import { concreteNodes } from '../values/contents.ts';
import type { Hash, JobId } from '../values/ids.ts';
import { isKind, isScalar, nodeAt } from '../values/nodes.ts';
import { last, valueAt } from '../values/present.ts';
import {
  childrenOf,
  combine,
  hashesAskedOf,
  hashOf,
  type Index,
  type Node,
  subtable,
  type Table,
} from '../values/table.ts';
import type { Draft } from './draft.ts';
import type { GivenParts, GraphNode, NodeId, Scope, Settlement, Shape } from './graph.ts';
import { firstStage } from './stages.ts';

interface Analysis {
  readonly hashAt: (index: Index) => Hash;
  readonly concrete: readonly boolean[];
}

/** Tables never change, so what was found out about one holds as long as it lives. */
const analyses = new WeakMap<Table, Analysis>();

function analyse(table: Table): Analysis {
  const known = analyses.get(table);
  if (known) return known;
  const analysis = { hashAt: hashesAskedOf(table), concrete: concreteNodes(table) };
  analyses.set(table, analysis);
  return analysis;
}

/** A scope for a returned expression. One made inside another (a forced quote) shares that one's nodes. */
export function openScope(draft: Draft, job: JobId | null, table: Table, within?: Scope): Scope {
  const scope: Scope = { id: draft.graph.nextScope, job, table, nodes: within?.nodes ?? new Map(), forced: [] };
  draft.edits.set(draft.graph, 'nextScope', scope.id + 1);
  draft.edits.put(draft.graph.scopes, scope.id, scope);
  if (within) draft.edits.push(within.forced, scope.id);
  return scope;
}

/**
 * The node for the expression at `index` of the scope's table, made with everything it strictly needs, children first.
 * Iterative: nesting may be as deep as memory allows.
 */
export function nodeFor(draft: Draft, scope: Scope, index: Index): NodeId {
  const { hashAt, concrete } = analyse(scope.table);
  const wanted = new Set<Index>([index]);
  for (const place of wanted) {
    if (concrete[place] || scope.nodes.has(hashAt(place))) continue;
    for (const child of strictChildren(nodeAt(scope.table, place))) if (!concrete[child]) wanted.add(child);
  }
  const nodeOf = (place: Index): NodeId => valueAt(scope.nodes, hashAt(place));
  for (const place of [...wanted].sort((a, b) => a - b)) {
    const hash = hashAt(place);
    if (scope.nodes.has(hash)) continue;
    if (concrete[place]) addValue(draft, scope, hash, subtable(scope.table, place));
    else {
      const node = nodeAt(scope.table, place);
      const children = strictChildren(node);
      const shape = shapeOf(node, place, givenOf(scope.table, children, concrete));
      const inputs = children.filter((child) => !concrete[child]);
      addNode(draft, scope, hash, shape, inputs.map(nodeOf));
    }
  }
  return nodeOf(index);
}

/** A form's children wait until the form asks for them. */
function strictChildren(node: Node): readonly Index[] {
  return isKind(node, 'form') ? [] : childrenOf(node);
}

/** Values as they are written need no nodes of their own. */
function givenOf(table: Table, children: readonly Index[], concrete: readonly boolean[]): GivenParts {
  if (!children.some((child) => concrete[child])) return null;
  return children.map((child) => (concrete[child] ? subtable(table, child) : null));
}

function shapeOf(node: Node, index: Index, given: GivenParts): Shape {
  if (isScalar(node)) throw new Error('a scalar is concrete');
  switch (node[0]) {
    case 'list':
      return { kind: 'list', given };
    case 'record':
      return { kind: 'record', keys: node[1], given };
    case 'op':
      return { kind: 'op', name: node[1], given };
    case 'call':
      return { kind: 'call', task: node[1], hasOptions: node[3] !== null, given };
    case 'form':
      return { kind: 'form', name: node[1], terms: node[2] };
    case 'map':
    case 'set':
    case 'stage':
    case 'task':
    case 'error':
      return { kind: 'wrap', index, given };
    case 'undefined':
    case 'number':
    case 'bigint':
    case 'date':
    case 'bytes':
    case 'file':
    case 'dir':
    case 'place':
    case 'stdout':
    case 'quote':
    case 'ref':
      throw new Error(`a node of the kind ${node[0]} is concrete`);
  }
}

/** A call of a task value with concrete arguments: map's elements, catch's recovery. */
export interface ConcreteCall {
  readonly task: string;
  readonly args: readonly Table[];
  readonly options?: Table | undefined;
}

/** The node for a call that came up during evaluation. */
export function callNode(draft: Draft, scope: Scope, { task, args, options }: ConcreteCall): NodeId {
  const parts = options ? [...args, options] : args;
  const hash = hashOf(
    combine(parts, (roots) => ['call', task, roots.slice(0, args.length), options ? last(roots) : null]),
  );
  const known = scope.nodes.get(hash);
  if (known !== undefined) return known;
  return addNode(draft, scope, hash, { kind: 'call', task, hasOptions: options !== undefined, given: parts }, []).id;
}

function addValue(draft: Draft, scope: Scope, hash: Hash, value: Table): NodeId {
  return addNode(draft, scope, hash, { kind: 'value' }, [], { value }).id;
}

function addNode(
  draft: Draft,
  scope: Scope,
  hash: Hash,
  shape: Shape,
  inputs: readonly NodeId[],
  outcome: Settlement | null = null,
): GraphNode {
  const id = draft.graph.nextNode;
  const node: GraphNode = {
    id,
    scope: scope.id,
    hash,
    shape,
    inputs: [],
    settled: 0,
    users: [],
    result: null,
    waits: null,
    stage: shape.kind === 'form' ? firstStage(shape.name) : null,
    outcome,
  };
  draft.edits.set(draft.graph, 'nextNode', id + 1);
  draft.edits.put(draft.graph.nodes, id, node);
  draft.edits.put(scope.nodes, hash, id);
  connect(draft, node, inputs);
  if (!outcome) draft.queue.push(id);
  return node;
}

/** Adds inputs to a node; those that are not settled will tell it. */
export function connect(draft: Draft, node: GraphNode, inputs: readonly NodeId[]): void {
  draft.guarded.clear();
  for (const input of inputs) {
    const source = draft.graph.nodes.get(input);
    if (source && !source.outcome && source.users.at(-1) !== node.id) draft.edits.push(source.users, node.id);
    draft.edits.push(node.inputs, input);
  }
}
