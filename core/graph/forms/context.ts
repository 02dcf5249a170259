/** getContext: the value under a path in the context of the job that asks, or else the default. */
import { encode } from '../../values/encode.ts';
import { isRecord } from '../../values/guards.ts';
import { at } from '../../values/present.ts';
import { UNDEFINED } from '../../values/table.ts';
import { type Draft, held, settle } from '../draft.ts';
import { scopeOf } from '../graph.ts';
import { contextOf } from '../jobs.ts';
import { type Form, type FormNode, failForm, follow, GUARDS_NOTHING, latest } from './form.ts';

export const context: Form<'context'> = { step, ...GUARDS_NOTHING };

function step(draft: Draft, node: FormNode<'context'>): void {
  const scope = scopeOf(draft.graph, node);
  const { terms } = node.shape;
  const path = at(scope.table, at(terms, 0));
  if (typeof path !== 'string') {
    failForm(draft, node, 'context needs a path of names and dots');
    return;
  }
  const job = scope.job === null ? undefined : draft.graph.jobs.get(scope.job);
  const found = valueUnder(contextOf(draft, job ? job.context : null), path);
  if (found !== undefined) settle(draft, node, { value: held(draft, encode(found)) });
  else if (terms.length < 2) settle(draft, node, { value: UNDEFINED });
  else follow(draft, node, latest(draft, node, 1));
}

function valueUnder(values: unknown, path: string): unknown {
  let found = values;
  for (const name of path.split('.')) found = isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  return found;
}
