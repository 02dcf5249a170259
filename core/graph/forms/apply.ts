/** apply: the call of a task that is known only now. */
import { unknownKind } from '../../values/never.ts';
import { type Draft, inputValues } from '../draft.ts';
import { callNode } from '../expressions.ts';
import { scopeOf } from '../graph.ts';
import {
  allHaveValues,
  enter,
  type Form,
  type FormNode,
  failForm,
  follow,
  GUARDS_NOTHING,
  join,
  latest,
  taskValue,
} from './form.ts';

export const apply: Form<'apply'> = { step, ...GUARDS_NOTHING };

function step(draft: Draft, node: FormNode<'apply'>): void {
  switch (node.stage) {
    case 'preparing':
      if (allHaveValues(draft, node)) call(draft, node);
      return;
    case 'calling':
      follow(draft, node, latest(draft, node));
      return;
    default:
      unknownKind('stage of apply', node.stage);
  }
}

function call(draft: Draft, node: FormNode<'apply'>): void {
  const [task, ...args] = inputValues(draft, node.inputs);
  const target = task && taskValue(task);
  if (!target) {
    failForm(draft, node, 'only a task can be called');
    return;
  }
  enter(draft, node, 'calling');
  const callee = callNode(draft, scopeOf(draft.graph, node), { task: target.task, args: [...target.bound, ...args] });
  follow(draft, node, join(draft, node, callee));
}
