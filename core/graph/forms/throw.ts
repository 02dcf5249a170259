/** throwError: fails with an error, or with an Error of a text. */
import { isKind } from '../../values/nodes.ts';
import { at } from '../../values/present.ts';
import { rootOf, type Table } from '../../values/table.ts';
import { type Draft, inputValue, settle } from '../draft.ts';
import { errorValue } from '../errors.ts';
import { scopeOf } from '../graph.ts';
import { withTop } from '../operations.ts';
import { allHaveValues, type Form, type FormNode, GUARDS_NOTHING } from './form.ts';

export const throwing: Form<'throw'> = { step, resume: raise, ...GUARDS_NOTHING };

function step(draft: Draft, node: FormNode<'throw'>): void {
  if (node.waits !== null || !allHaveValues(draft, node)) return;
  withTop(draft, node, inputValue(draft, at(node.inputs, 0)), (whole) => raise(draft, node, whole));
}

function raise(draft: Draft, node: FormNode<'throw'>, value: Table): void {
  const root = rootOf(value);
  const message = typeof root === 'string' ? root : 'throwError was given neither an error nor a text';
  const error = isKind(root, 'error') ? value : errorValue('Error', message);
  settle(draft, node, { failure: { error, origin: scopeOf(draft.graph, node).job } });
}
