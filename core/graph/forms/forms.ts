/**
 * Control forms: each says which of its terms it needs, and when. The terms of each, in order, stand in
 * core/values/forms.ts, and how far it can be in core/graph/stages.ts.
 */
import type { FormName } from '../../values/forms.ts';
import type { Table } from '../../values/table.ts';
import type { Draft } from '../draft.ts';
import type { GraphNode } from '../graph.ts';
import { apply } from './apply.ts';
import { catching, resumeCatch } from './catch.ts';
import { catchAll } from './catch-all.ts';
import { cond } from './cond.ts';
import { context } from './context.ts';
import { force } from './force.ts';
import { type Form, type FormNode, failForm, isFormNode, isFormOf } from './form.ts';
import { map } from './map.ts';
import { seq } from './seq.ts';
import { throwing } from './throw.ts';

const FORMS: { readonly [F in FormName]: Form<F> } = {
  cond,
  seq,
  map,
  flatMap: map,
  catch: catching,
  catchAll,
  throw: throwing,
  force,
  apply,
  context,
};

/** The form that the node is. */
function formOf({ shape }: FormNode<FormName>): Form<FormName> {
  return FORMS[shape.name];
}

export function stepForm(draft: Draft, node: GraphNode): void {
  if (isFormNode(node)) formOf(node).step(draft, node);
  else if (node.shape.kind === 'form') failForm(draft, node, `there is no control form '${node.shape.name}'`);
  else throw new Error('only forms are stepped');
}

/** The top level of the large value that the form asked for. */
export function resumeForm(draft: Draft, node: GraphNode, whole: Table): void {
  const form = isFormNode(node) ? formOf(node) : undefined;
  if (!isFormNode(node) || !form?.resume) throw new Error('only forms look into large values');
  form.resume(draft, node, whole);
}

/** What the cache says of an earlier recovery. */
export function recallForm(draft: Draft, node: GraphNode, recovery: Table | undefined): void {
  if (!isFormNode(node) || !isFormOf(node, 'catch')) throw new Error('only a catch is looked up');
  resumeCatch(draft, node, recovery);
}

/** How many inputs of the node, from the first, have their failures caught by it. */
export function guardedCount(node: GraphNode): number {
  return isFormNode(node) ? formOf(node).guarded(node) : 0;
}
