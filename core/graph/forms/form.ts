/** What a control form is, and what every one of them does with its terms: asks for them, and looks at what they came to. */
import type { FormName } from '../../values/forms.ts';
import { taskIn } from '../../values/nodes.ts';
import { at } from '../../values/present.ts';
import { rootOf, subtable, type Table } from '../../values/table.ts';
import { type Draft, liveNode, settle } from '../draft.ts';
import { errorValue } from '../errors.ts';
import { connect, nodeFor } from '../expressions.ts';
import { type GraphNode, type NodeId, type Settlement, type Shape, scopeOf } from '../graph.ts';
import { isForm, type StageOf } from '../stages.ts';

/** A node that is a form of this name. */
export interface FormNode<F extends FormName> extends GraphNode {
  readonly shape: Extract<Shape, { readonly kind: 'form' }> & { readonly name: F };
  readonly stage: StageOf<F>;
}

export interface Form<F extends FormName> {
  /** Takes the form as far as its inputs allow. */
  step(draft: Draft, node: FormNode<F>): void;
  /** Goes on with the top level of a large value that it asked for. A form that asks for none has none. */
  resume?(draft: Draft, node: FormNode<F>, whole: Table): void;
  /** How many of its inputs, from the first, have their failures caught here. */
  guarded(node: FormNode<F>): number;
}

/** Of a form that catches nothing. */
export const GUARDS_NOTHING = { guarded: () => 0 };

/** Whether the node is a form that this version knows. */
export function isFormNode(node: GraphNode): node is FormNode<FormName> {
  return node.shape.kind === 'form' && isForm(node.shape.name) && node.stage !== null;
}

/** Whether it is the form of this name. */
export function isFormOf<F extends FormName>(node: FormNode<FormName>, name: F): node is FormNode<F> {
  return node.shape.name === name;
}

/** The form is at another of its stages from now on. */
export function enter<F extends FormName>({ edits }: Draft, node: FormNode<F>, stage: StageOf<F>): void {
  edits.set<Pick<GraphNode, 'stage'>, 'stage'>(node, 'stage', stage);
}

export function failForm(draft: Draft, node: GraphNode, message: string): void {
  const origin = scopeOf(draft.graph, node).job;
  settle(draft, node, { failure: { error: errorValue('TypeError', message), origin } });
}

/** Asks for one more term and says what it came to, if that is known already. */
export function ask<F extends FormName>(draft: Draft, node: FormNode<F>, place: number): Settlement | null {
  return join(draft, node, nodeFor(draft, scopeOf(draft.graph, node), at(node.shape.terms, place)));
}

/** Takes one more input and says what it came to, if that is known already. */
export function join(draft: Draft, node: GraphNode, input: NodeId): Settlement | null {
  connect(draft, node, [input]);
  return liveNode(draft, input).outcome;
}

/** Takes the last input and gives the node its outcome, once that is known. */
export function follow(draft: Draft, node: GraphNode, outcome: Settlement | null): void {
  if (outcome) settle(draft, node, outcome);
}

/** The outcome of the input that was asked for last; asks for the term at `place` when none was. */
export function latest<F extends FormName>(draft: Draft, node: FormNode<F>, place = 0): Settlement | null {
  const input = node.inputs.at(-1);
  return input === undefined ? ask(draft, node, place) : liveNode(draft, input).outcome;
}

/** Asks for all the terms at once; true when every one has a value. The first failure by position settles the form. */
export function allHaveValues<F extends FormName>(draft: Draft, node: FormNode<F>): boolean {
  const { terms } = node.shape;
  if (node.inputs.length === 0 && terms.length > 0) {
    const scope = scopeOf(draft.graph, node);
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
  const task = taskIn(rootOf(value));
  return task && { task: task.name, bound: task.bound.map((index) => subtable(value, index)) };
}
