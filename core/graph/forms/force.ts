/** force: the quote's expression, evaluated in the parent and context of the job that forces it. */
import { unknownKind } from '../../values/never.ts';
import { quotedIn } from '../../values/nodes.ts';
import { rootOf, subtable, type Table } from '../../values/table.ts';
import { type Draft, settle } from '../draft.ts';
import { nodeFor, openScope } from '../expressions.ts';
import { scopeOf } from '../graph.ts';
import { withTop } from '../operations.ts';
import { enter, type Form, type FormNode, failForm, follow, GUARDS_NOTHING, join, latest } from './form.ts';

export const force: Form<'force'> = { step, resume: enterQuote, ...GUARDS_NOTHING };

function step(draft: Draft, node: FormNode<'force'>): void {
  const outcome = latest(draft, node);
  if (!outcome || node.waits !== null) return;
  switch (node.stage) {
    case 'quoted':
      if ('failure' in outcome) settle(draft, node, outcome);
      else withTop(draft, node, outcome.value, (whole) => enterQuote(draft, node, whole));
      return;
    case 'entered':
      settle(draft, node, outcome);
      return;
    default:
      unknownKind('stage of force', node.stage);
  }
}

function enterQuote(draft: Draft, node: FormNode<'force'>, quote: Table): void {
  const expression = quotedIn(rootOf(quote));
  if (expression === undefined) {
    failForm(draft, node, 'force needs a quoted expression');
    return;
  }
  enter(draft, node, 'entered');
  const scope = scopeOf(draft.graph, node);
  const inner = openScope(draft, scope.job, subtable(quote, expression), scope);
  follow(draft, node, join(draft, node, nodeFor(draft, inner, inner.table.length - 1)));
}
