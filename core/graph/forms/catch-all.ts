/** catchAll: waits for every term, whether it has a value or fails; then, when one failed, the call of a task with all of them. */
import { unknownKind } from '../../values/never.ts';
import { isKind, listIn, nodeAt, recordIn } from '../../values/nodes.ts';
import { at } from '../../values/present.ts';
import { combine, type Index, rootOf, type Table } from '../../values/table.ts';
import { type Draft, held, liveNode, settle } from '../draft.ts';
import { isCaughtBy } from '../errors.ts';
import { connect, nodeFor } from '../expressions.ts';
import { type Settlement, scopeOf } from '../graph.ts';
import { withTop } from '../operations.ts';
import { ask, enter, type Form, type FormNode, failForm, latest } from './form.ts';
import { isGiven, namesIn, recover } from './handlers.ts';

export const catchAll: Form<'catchAll'> = { step, resume: settleTerms, guarded };

/** The terms; not the task that recovers, and not its call. */
function guarded({ stage, inputs }: FormNode<'catchAll'>): number {
  switch (stage) {
    case 'guarding':
      return inputs.length;
    case 'choosing':
      return inputs.length - 1;
    case 'recovering':
      return inputs.length - 2;
    default:
      return unknownKind('stage of catchAll', stage);
  }
}

/** Terms in the shape that they were written in: keys of a record, none of a list. */
interface Terms {
  readonly indexes: readonly Index[];
  readonly keys: readonly string[] | undefined;
}

const NO_TERMS = 'catchAll needs a list or a record of expressions';

function step(draft: Draft, node: FormNode<'catchAll'>): void {
  const { table } = scopeOf(draft.graph, node);
  const root = nodeAt(table, at(node.shape.terms, 0));
  if (isKind(root, 'ref')) {
    if (node.waits === null) withTop(draft, node, [root], (whole) => settleTerms(draft, node, whole));
    return;
  }
  const record = recordIn(root);
  const indexes = record?.values ?? listIn(root);
  if (!indexes) {
    failForm(draft, node, NO_TERMS);
    return;
  }
  advance(draft, node, { indexes, keys: record?.keys });
}

function advance(draft: Draft, node: FormNode<'catchAll'>, terms: Terms): void {
  switch (node.stage) {
    case 'guarding':
      guard(draft, node, terms);
      return;
    case 'choosing': {
      const handler = latest(draft, node);
      if (handler) recover(draft, node, handler, held(draft, gathered(draft, node, terms)));
      return;
    }
    case 'recovering': {
      const outcome = latest(draft, node);
      if (outcome) settle(draft, node, outcome);
      return;
    }
    default:
      unknownKind('stage of catchAll', node.stage);
  }
}

function guard(draft: Draft, node: FormNode<'catchAll'>, terms: Terms): void {
  if (node.inputs.length === 0 && terms.indexes.length > 0) {
    const scope = scopeOf(draft.graph, node);
    const inputs = terms.indexes.map((term) => nodeFor(draft, scope, term));
    connect(draft, node, inputs);
  }
  let settled = node.settled;
  while (settled < node.inputs.length && liveNode(draft, at(node.inputs, settled)).outcome) settled++;
  draft.edits.set(node, 'settled', settled);
  if (settled === node.inputs.length) decide(draft, node, terms);
}

/** Every term has a value or failed. */
function decide(draft: Draft, node: FormNode<'catchAll'>, terms: Terms): void {
  const { table } = scopeOf(draft.graph, node);
  const [, names, handler] = node.shape.terms;
  const caught = isGiven(table, names) ? namesIn(table, names) : ['Error'];
  const failures = outcomesOf(draft, node, terms).filter((outcome) => 'failure' in outcome);
  const uncaught = failures.find(({ failure }) => !isCaughtBy(failure.error, caught));
  const all = gathered(draft, node, terms);
  if (uncaught) settle(draft, node, uncaught);
  else if (failures.length === 0 || !isGiven(table, handler)) settle(draft, node, { value: held(draft, all) });
  else if (!draft.graph.stopping) {
    enter(draft, node, 'choosing');
    const task = ask(draft, node, HANDLER_PLACE);
    if (task) recover(draft, node, task, held(draft, all));
  }
}

const HANDLER_PLACE = 2;

/** Terms that are a large value: nothing in them is left to evaluate, so nothing fails. */
function settleTerms(draft: Draft, node: FormNode<'catchAll'>, whole: Table): void {
  if (isKind(rootOf(whole), 'list', 'record')) settle(draft, node, { value: held(draft, whole) });
  else failForm(draft, node, NO_TERMS);
}

/** What the terms came to: each has an outcome. */
function outcomesOf(draft: Draft, node: FormNode<'catchAll'>, { indexes }: Terms): Settlement[] {
  return node.inputs.slice(0, indexes.length).map((input) => {
    const { outcome } = liveNode(draft, input);
    if (!outcome) throw new Error('catchAll decides when every term has an outcome');
    return outcome;
  });
}

/** The terms' values and errors in the shape they were written in. */
function gathered(draft: Draft, node: FormNode<'catchAll'>, terms: Terms): Table {
  const parts = outcomesOf(draft, node, terms).map((outcome) =>
    'value' in outcome ? outcome.value : outcome.failure.error,
  );
  const { keys } = terms;
  return combine(parts, (roots) => (keys ? ['record', keys, roots] : ['list', roots]));
}
