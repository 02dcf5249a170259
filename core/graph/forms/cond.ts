/** cond: the branch of the first test that holds. No other branch is ever evaluated. */

import { isKind, isScalar } from '../../values/nodes.ts';
import { rootOf, type Table, UNDEFINED } from '../../values/table.ts';
import { type Draft, settle } from '../draft.ts';
import { ask, enter, type Form, type FormNode, GUARDS_NOTHING, latest } from './form.ts';

export const cond: Form<'cond'> = { step, ...GUARDS_NOTHING };

function step(draft: Draft, node: FormNode<'cond'>): void {
  let outcome = latest(draft, node);
  while (outcome) {
    if ('failure' in outcome || node.stage === 'branching') {
      settle(draft, node, outcome);
      return;
    }
    const place = nextPlace(node, isTruthy(outcome.value));
    if (place >= node.shape.terms.length) {
      settle(draft, node, { value: UNDEFINED });
      return;
    }
    if (!isTest(node, place)) enter(draft, node, 'branching');
    outcome = ask(draft, node, place);
  }
}

/** The tests are every other term, and one input each. */
function nextPlace({ inputs }: FormNode<'cond'>, holds: boolean): number {
  const test = 2 * (inputs.length - 1);
  return test + (holds ? 1 : 2);
}

/** A test has a branch after it; what has none is the branch if no test holds. */
function isTest({ shape }: FormNode<'cond'>, place: number): boolean {
  return place % 2 === 0 && place + 1 < shape.terms.length;
}

/** JavaScript truth. What is too large to be held inline is neither empty nor zero. */
function isTruthy(value: Table): boolean {
  const root = rootOf(value);
  if (isScalar(root)) return Boolean(root);
  if (isKind(root, 'undefined')) return false;
  if (isKind(root, 'number')) return root[1] !== 'NaN' && root[1] !== '-0';
  return !(isKind(root, 'bigint') && root[1] === '0');
}
