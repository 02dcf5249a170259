/** seq: its expressions one after another, each only when the one before it has a value. */
import { listOf } from '../../values/table.ts';
import { type Draft, held, inputValues, liveNode, settle } from '../draft.ts';
import { ask, type Form, type FormNode, GUARDS_NOTHING } from './form.ts';

export const seq: Form<'seq'> = { step, ...GUARDS_NOTHING };

function step(draft: Draft, node: FormNode<'seq'>): void {
  for (;;) {
    const newest = node.inputs.at(-1);
    if (newest !== undefined) {
      const { outcome } = liveNode(draft, newest);
      if (!outcome) return;
      if ('failure' in outcome) {
        settle(draft, node, outcome);
        return;
      }
    }
    if (node.inputs.length === node.shape.terms.length) {
      settle(draft, node, { value: held(draft, listOf(inputValues(draft, node.inputs))) });
      return;
    }
    ask(draft, node, node.inputs.length);
  }
}
