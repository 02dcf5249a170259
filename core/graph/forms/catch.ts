/** catchError: the guarded expression's value; when it failed, the call of the task that is there for such errors. */
import { unknownKind } from '../../values/never.ts';
import { callIn } from '../../values/nodes.ts';
import { at } from '../../values/present.ts';
import { rootOf, subtable, type Table } from '../../values/table.ts';
import { type Draft, liveNode, settle } from '../draft.ts';
import { isCaughtBy } from '../errors.ts';
import { callNode } from '../expressions.ts';
import { runOf, type Settlement, scopeOf } from '../graph.ts';
import { catchKey, waitForRecovery } from '../recovery.ts';
import { ask, enter, type Form, type FormNode, follow, join, latest } from './form.ts';
import { namesIn, recover } from './handlers.ts';

export const catching: Form<'catch'> = { step, guarded };

/** The guarded expression, also once it recovers: a failure may be told to this node before it is told to everyone. */
function guarded({ stage }: FormNode<'catch'>): number {
  return stage === 'recalled' ? 0 : 1;
}

function step(draft: Draft, node: FormNode<'catch'>): void {
  if (node.waits !== null) return;
  if (node.inputs.length === 0 && runOf(draft.graph).cache) {
    waitForRecovery(draft, node, catchKey(draft.graph, node, scopeOf(draft.graph, node)));
    return;
  }
  const outcome = latest(draft, node);
  if (outcome) advance(draft, node, outcome);
}

/** `outcome`: of what was asked for last. */
function advance(draft: Draft, node: FormNode<'catch'>, outcome: Settlement): void {
  switch (node.stage) {
    case 'guarding':
      if ('value' in outcome) settle(draft, node, outcome);
      else choose(draft, node, outcome);
      return;
    case 'choosing':
      recover(draft, node, outcome, errorOf(draft, node));
      return;
    case 'recovering':
    case 'recalled':
      settle(draft, node, outcome);
      return;
    default:
      unknownKind('stage of catch', node.stage);
  }
}

/** The guarded expression failed: asks for the task that is there for its error. None is begun any more by a run that stops. */
function choose(
  draft: Draft,
  node: FormNode<'catch'>,
  outcome: Extract<Settlement, { readonly failure: unknown }>,
): void {
  const place = handlerPlace(draft, node, outcome.failure.error);
  if (place === undefined) {
    settle(draft, node, outcome);
    return;
  }
  if (draft.graph.stopping) return;
  enter(draft, node, 'choosing');
  const handler = ask(draft, node, place);
  if (handler) recover(draft, node, handler, outcome.failure.error);
}

/** What the guarded expression failed with. */
function errorOf(draft: Draft, node: FormNode<'catch'>): Table {
  const { outcome } = liveNode(draft, at(node.inputs, 0));
  if (!outcome || !('failure' in outcome)) throw new Error('a catch recovers from a failure');
  return outcome.failure.error;
}

/** Goes on once the cache was asked: with the recovery that it knows, else with the guarded expression. */
export function resumeCatch(draft: Draft, node: FormNode<'catch'>, recovery: Table | undefined): void {
  const call = recovery && callIn(rootOf(recovery));
  if (recovery && call) {
    const args = call.args.map((index) => subtable(recovery, index));
    enter(draft, node, 'recalled');
    follow(draft, node, join(draft, node, callNode(draft, scopeOf(draft.graph, node), { task: call.task, args })));
    return;
  }
  const outcome = ask(draft, node, 0);
  if (outcome) advance(draft, node, outcome);
}

/** Names and tasks come in pairs after the guarded expression. */
function handlerPlace(draft: Draft, node: FormNode<'catch'>, error: Table): number | undefined {
  const { table } = scopeOf(draft.graph, node);
  const { terms } = node.shape;
  for (let place = 1; place + 1 < terms.length; place += 2) {
    if (isCaughtBy(error, namesIn(table, at(terms, place)))) return place + 1;
  }
  return undefined;
}
