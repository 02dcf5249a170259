/** The forms that catch: catchError and catchAll. */
import { combine, type Index, type Node, rootOf, subtable, type Table } from '../values/table.ts';
import { type Draft, held, liveNode, settle } from './draft.ts';
import { isCaughtBy } from './errors.ts';
import { callNode, connect, nodeFor } from './expressions.ts';
import { type GraphNode, type NodeId, runOf, type Settlement } from './graph.ts';
import { withTop } from './operations.ts';
import { catchKey, noteRecovery, waitForRecovery } from './recovery.ts';
import { ask, failForm, join, latest, liveOutcome, scopeOf, taskValue } from './terms.ts';

/**
 * Inputs: the guarded expression; once it failed, the recovering task; then its call. `phase` is that task's place. Where
 * the cache knows of an earlier recovery, its call is the only input and `phase` is RECALLED.
 */
export function stepCatch(draft: Draft, node: GraphNode, terms: readonly Index[]): void {
  if (node.waits !== null) return;
  if (node.inputs.length === 0 && runOf(draft.graph).cache) {
    waitForRecovery(draft, node, catchKey(draft.graph, node, scopeOf(draft, node)));
    return;
  }
  const outcome = latest(draft, node, terms[0] as Index);
  if (!outcome) return;
  if (node.phase === RECALLED) {
    settle(draft, node, outcome);
    return;
  }
  if (node.inputs.length === 3 || 'value' in liveOutcome(draft, node, 0)) {
    settle(draft, node, node.inputs.length === 3 ? outcome : liveOutcome(draft, node, 0));
    return;
  }
  const guarded = liveOutcome(draft, node, 0) as { failure: { error: Table } };
  if (node.inputs.length === 1) {
    const place = recoveryPlace(draft, node, terms, guarded.failure.error);
    if (place === undefined) settle(draft, node, guarded as Settlement);
    else if (!draft.graph.stopping) {
      draft.edits.set(node, 'phase', place);
      if (ask(draft, node, terms[place] as Index)) stepCatch(draft, node, terms);
    }
    return;
  }
  recover(draft, node, outcome, guarded.failure.error);
}

/** The phase of a catch whose only input is the call that recovered it before. */
export const RECALLED = -1;

/** Goes on once the cache was asked: with the recovery it knows, else with the guarded expression. */
export function resumeCatch(draft: Draft, node: GraphNode, call: Table | undefined): void {
  if (node.shape.kind !== 'form') throw new Error('only a catch is looked up');
  const root = call && rootOf(call);
  if (call && Array.isArray(root) && root[0] === 'call') {
    const args = (root[2] as readonly Index[]).map((index) => subtable(call, index));
    draft.edits.set(node, 'phase', RECALLED);
    const outcome = join(draft, node, callNode(draft, scopeOf(draft, node), { task: root[1], args }));
    if (outcome) settle(draft, node, outcome);
    return;
  }
  const [guarded] = node.shape.terms;
  if (ask(draft, node, guarded as Index)) stepCatch(draft, node, node.shape.terms);
}

function recover(draft: Draft, node: GraphNode, recovery: Settlement, argument: Table): void {
  if ('failure' in recovery) {
    settle(draft, node, recovery);
    return;
  }
  const target = taskValue(recovery.value);
  if (!target) {
    failForm(draft, node, 'a catch recovers with a task');
    return;
  }
  const call = { task: target.task, args: [...target.bound, argument] };
  const scope = scopeOf(draft, node);
  if (node.shape.kind === 'form' && node.shape.name === 'catch') noteRecovery(draft, node, scope, call, argument);
  const outcome = join(draft, node, callNode(draft, scope, call));
  if (outcome) settle(draft, node, outcome);
}

function recoveryPlace(draft: Draft, node: GraphNode, terms: readonly Index[], error: Table): number | undefined {
  const { table } = scopeOf(draft, node);
  for (let at = 1; at + 1 < terms.length; at += 2) {
    if (isCaughtBy(error, namesAt(table, terms[at] as Index))) return at + 1;
  }
  return undefined;
}

function namesAt(table: Table, index: Index): string[] {
  const node = table[index] as Node;
  if (typeof node === 'string') return [node];
  if (node === null || typeof node !== 'object' || node[0] !== 'list') return [];
  return node[1].flatMap((child) => (typeof table[child] === 'string' ? [table[child]] : []));
}

function isGiven(table: Table, term: Index | undefined): term is Index {
  const node = term === undefined ? undefined : table[term];
  return node !== undefined && !(Array.isArray(node) && node[0] === 'undefined');
}

/** Phase 0: every term is waited for. Phase 1: the recovering task is asked for. Phase 2: its call. */
export function stepCatchAll(draft: Draft, node: GraphNode, terms: readonly Index[]): void {
  const shape = scopeOf(draft, node).table[terms[0] as Index] as Node;
  if (Array.isArray(shape) && shape[0] === 'ref') {
    if (node.waits === null) withTop(draft, node, [shape], (whole) => settleTerms(draft, node, whole));
    return;
  }
  if (shape === null || typeof shape !== 'object' || (shape[0] !== 'list' && shape[0] !== 'record')) {
    failForm(draft, node, NO_TERMS);
    return;
  }
  const children = shape[0] === 'list' ? shape[1] : shape[2];
  if (node.phase > 0) {
    stepRecovery(draft, node, gathered(draft, node, shape, children.length));
    return;
  }
  if (node.inputs.length === 0 && children.length > 0) {
    const scope = scopeOf(draft, node);
    const inputs = children.map((child) => nodeFor(draft, scope, child));
    connect(draft, node, inputs);
  }
  while (node.settled < node.inputs.length && liveOutcome(draft, node, node.settled)) {
    draft.edits.set(node, 'settled', node.settled + 1);
  }
  if (node.settled < node.inputs.length) return;
  decideAll(draft, node, terms, gathered(draft, node, shape, children.length));
}

const NO_TERMS = 'catchAll needs a list or a record of expressions';

/** Terms that are a large value: nothing in them is left to evaluate, so nothing fails. */
export function settleTerms(draft: Draft, node: GraphNode, whole: Table): void {
  const root = rootOf(whole);
  const areTerms = Array.isArray(root) && (root[0] === 'list' || root[0] === 'record');
  if (areTerms) settle(draft, node, { value: held(draft, whole) });
  else failForm(draft, node, NO_TERMS);
}

function decideAll(draft: Draft, node: GraphNode, terms: readonly Index[], all: Table): void {
  const outcomes = node.inputs.map((_, at) => liveOutcome(draft, node, at));
  const { table } = scopeOf(draft, node);
  const names = isGiven(table, terms[1]) ? namesAt(table, terms[1]) : ['Error'];
  const uncaught = outcomes.find((outcome) => 'failure' in outcome && !isCaughtBy(outcome.failure.error, names));
  const failed = outcomes.some((outcome) => 'failure' in outcome);
  if (uncaught) settle(draft, node, uncaught);
  else if (!failed || !isGiven(table, terms[2])) settle(draft, node, { value: held(draft, all) });
  else if (!draft.graph.stopping) {
    draft.edits.set(node, 'phase', 1);
    if (ask(draft, node, terms[2])) stepRecovery(draft, node, all);
  }
}

function stepRecovery(draft: Draft, node: GraphNode, all: Table): void {
  const outcome = liveNode(draft, node.inputs.at(-1) as NodeId).outcome;
  if (!outcome) return;
  if (node.phase === 2) {
    settle(draft, node, outcome);
    return;
  }
  draft.edits.set(node, 'phase', 2);
  recover(draft, node, outcome, held(draft, all));
}

/** The terms' values and errors in the shape they were written in. */
function gathered(draft: Draft, node: GraphNode, shape: Node, length: number): Table {
  const parts = node.inputs.slice(0, length).map((_, at) => {
    const outcome = liveOutcome(draft, node, at);
    return 'value' in outcome ? outcome.value : outcome.failure.error;
  });
  return combine(parts, (roots) =>
    Array.isArray(shape) && shape[0] === 'record' ? ['record', shape[1], roots] : ['list', roots],
  );
}
