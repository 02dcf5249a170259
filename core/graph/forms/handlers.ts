/** What catchError and catchAll share: names of errors, and the call of the task that recovers. */
import { isKind, listIn, nodeAt } from '../../values/nodes.ts';
import type { Index, Table } from '../../values/table.ts';
import { type Draft, settle } from '../draft.ts';
import { callNode } from '../expressions.ts';
import { type Settlement, scopeOf } from '../graph.ts';
import { noteRecovery } from '../recovery.ts';
import { enter, type FormNode, failForm, follow, join, taskValue } from './form.ts';

/** Whether a term was given at all. */
export function isGiven(table: Table, term: Index | undefined): term is Index {
  return term !== undefined && !isKind(nodeAt(table, term), 'undefined');
}

/** The names that a term lists: one text, or a list of them. */
export function namesIn(table: Table, term: Index): string[] {
  const node = nodeAt(table, term);
  if (typeof node === 'string') return [node];
  return (listIn(node) ?? []).map((element) => nodeAt(table, element)).filter((name) => typeof name === 'string');
}

/** The task that recovers is known, or failed: it is called with `argument`. */
export function recover(
  draft: Draft,
  node: FormNode<'catch' | 'catchAll'>,
  handler: Settlement,
  argument: Table,
): void {
  if ('failure' in handler) {
    settle(draft, node, handler);
    return;
  }
  const target = taskValue(handler.value);
  if (!target) {
    failForm(draft, node, 'a catch recovers with a task');
    return;
  }
  const call = { task: target.task, args: [...target.bound, argument] };
  const scope = scopeOf(draft.graph, node);
  if (node.shape.name === 'catch') noteRecovery(draft, node, scope, call, argument);
  enter(draft, node, 'recovering');
  follow(draft, node, join(draft, node, callNode(draft, scope, call)));
}
