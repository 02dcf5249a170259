/** What every control form does with its terms: asks for them, and looks at what they came to. */
import { type Index, rootOf, subtable, type Table } from '../values/table.ts';
import { type Draft, liveNode, settle } from './draft.ts';
import { errorValue } from './errors.ts';
import { connect, nodeFor } from './expressions.ts';
import type { GraphNode, NodeId, Scope, Settlement } from './graph.ts';

export function failForm(draft: Draft, node: GraphNode, message: string): void {
  const origin = draft.graph.scopes.get(node.scope)?.job ?? null;
  settle(draft, node, { failure: { error: errorValue('TypeError', message), origin } });
}

/** Asks for one more term and says what it came to, if that is known already. */
export function ask(draft: Draft, node: GraphNode, term: Index): Settlement | null {
  return join(draft, node, nodeFor(draft, scopeOf(draft, node), term));
}

export function join(draft: Draft, node: GraphNode, input: NodeId): Settlement | null {
  connect(draft, node, [input]);
  return liveNode(draft, input).outcome;
}

export function scopeOf(draft: Draft, node: GraphNode): Scope {
  return draft.graph.scopes.get(node.scope) as Scope;
}

/** The outcome of the input asked for last; asks for `first` when none was. */
export function latest(draft: Draft, node: GraphNode, first: Index): Settlement | null {
  const input = node.inputs.at(-1);
  return input === undefined ? ask(draft, node, first) : liveNode(draft, input).outcome;
}

export function liveOutcome(draft: Draft, node: GraphNode, at: number): Settlement {
  return liveNode(draft, node.inputs[at] as NodeId).outcome as Settlement;
}

export function valuesOf(draft: Draft, inputs: readonly NodeId[]): Table[] {
  return inputs.map((input) => (liveNode(draft, input).outcome as { value: Table }).value);
}

/** Asks for all the terms at once; true when every one has a value. The first failure by position settles the form. */
export function allHaveValues(draft: Draft, node: GraphNode, terms: readonly Index[]): boolean {
  if (node.inputs.length === 0 && terms.length > 0) {
    const scope = scopeOf(draft, node);
    connect(
      draft,
      node,
      terms.map((term) => nodeFor(draft, scope, term)),
    );
  }
  for (const input of node.inputs) {
    const { outcome } = liveNode(draft, input);
    if (!outcome) return false;
    if ('failure' in outcome) {
      settle(draft, node, outcome);
      return false;
    }
  }
  return true;
}

/** The task that a value stands for, and what is bound to it; undefined for other values. */
export function taskValue(value: Table): { task: string; bound: Table[] } | undefined {
  const root = rootOf(value);
  if (root === null || typeof root !== 'object' || root[0] !== 'task') return undefined;
  return { task: root[1], bound: root[2].map((index) => subtable(value, index)) };
}
