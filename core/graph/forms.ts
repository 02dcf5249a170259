/**
 * Control forms: each says which of its terms it needs, and when. The terms of each, in order, stand at the top of
 * core/language/forms.ts.
 */
import { decode } from '../values/decode.ts';
import { encode } from '../values/encode.ts';
import { combine, type Index, listOf, type Node, rootOf, subtable, type Table, UNDEFINED } from '../values/table.ts';
import { type Draft, held, liveNode, settle } from './draft.ts';
import { errorValue, isCaughtBy } from './errors.ts';
import { callNode, connect, nodeFor, openScope } from './expressions.ts';
import { type GraphNode, type NodeId, runOf, type Scope, type Settlement } from './graph.ts';
import { contextOf } from './jobs.ts';
import { operate, withTop } from './operations.ts';
import { catchKey, noteRecovery, waitForRecovery } from './recovery.ts';

type Step = (draft: Draft, node: GraphNode, terms: readonly Index[]) => void;

/** Takes the form as far as its inputs allow. */
export function stepForm(draft: Draft, node: GraphNode): void {
  if (node.shape.kind !== 'form') throw new Error('only forms are stepped');
  const step = STEPS[node.shape.name];
  if (step) step(draft, node, node.shape.terms);
  else failForm(draft, node, `there is no control form '${node.shape.name}'`);
}

const STEPS: Readonly<Record<string, Step>> = {
  cond: stepCond,
  seq: stepSeq,
  map: stepMap,
  flatMap: stepMap,
  catch: stepCatch,
  catchAll: stepCatchAll,
  throw: stepThrow,
  force: stepForce,
  apply: stepApply,
  context: stepContext,
};

/** Goes on with the top level of the large value the form waited for. */
export function resumeForm(draft: Draft, node: GraphNode, whole: Table): void {
  if (node.shape.kind !== 'form') throw new Error('only forms look into large values');
  if (node.shape.name === 'force') enterQuote(draft, node, whole);
  else if (node.shape.name === 'throw') raise(draft, node, whole);
  else if (node.shape.name === 'catchAll') settleTerms(draft, node, whole);
  else expandMap(draft, node, valuesOf(draft, node.inputs)[0] as Table, whole);
}

function failForm(draft: Draft, node: GraphNode, message: string): void {
  const origin = draft.graph.scopes.get(node.scope)?.job ?? null;
  settle(draft, node, { failure: { error: errorValue('TypeError', message), origin } });
}

/** Asks for one more term and says what it came to, if that is known already. */
function ask(draft: Draft, node: GraphNode, term: Index): Settlement | null {
  return join(draft, node, nodeFor(draft, scopeOf(draft, node), term));
}

function join(draft: Draft, node: GraphNode, input: NodeId): Settlement | null {
  connect(draft, node, [input]);
  return liveNode(draft, input).outcome;
}

function scopeOf(draft: Draft, node: GraphNode): Scope {
  return draft.graph.scopes.get(node.scope) as Scope;
}

/** The outcome of the input asked for last; asks for `first` when none was. */
function latest(draft: Draft, node: GraphNode, first: Index): Settlement | null {
  const input = node.inputs.at(-1);
  return input === undefined ? ask(draft, node, first) : liveNode(draft, input).outcome;
}

/** `phase` is the place of the term asked for last: a test at an even place that has one after it, else a branch. */
function stepCond(draft: Draft, node: GraphNode, terms: readonly Index[]): void {
  let outcome = latest(draft, node, terms[0] as Index);
  while (outcome) {
    const isTest = node.phase % 2 === 0 && node.phase + 1 < terms.length;
    if ('failure' in outcome || !isTest) {
      settle(draft, node, outcome);
      return;
    }
    const place = node.phase + (isTruthy(outcome.value) ? 1 : 2);
    if (place >= terms.length) {
      settle(draft, node, { value: UNDEFINED });
      return;
    }
    draft.edits.set(node, 'phase', place);
    outcome = ask(draft, node, terms[place] as Index);
  }
}

/** JavaScript truth. What is too large to be held inline is neither empty nor zero. */
function isTruthy(value: Table): boolean {
  const root = rootOf(value);
  if (root === null || typeof root !== 'object') return Boolean(root);
  if (root[0] === 'undefined') return false;
  if (root[0] === 'number') return root[1] !== 'NaN' && root[1] !== '-0';
  return !(root[0] === 'bigint' && root[1] === '0');
}

function stepSeq(draft: Draft, node: GraphNode, terms: readonly Index[]): void {
  for (;;) {
    const outcome = node.inputs.length === 0 ? null : liveNode(draft, node.inputs.at(-1) as NodeId).outcome;
    if (outcome && 'failure' in outcome) {
      settle(draft, node, outcome);
      return;
    }
    if (node.inputs.length > 0 && !outcome) return;
    if (node.inputs.length === terms.length) {
      settle(draft, node, { value: held(draft, listOf(valuesOf(draft, node.inputs))) });
      return;
    }
    ask(draft, node, terms[node.inputs.length] as Index);
  }
}

function valuesOf(draft: Draft, inputs: readonly NodeId[]): Table[] {
  return inputs.map((input) => (liveNode(draft, input).outcome as { value: Table }).value);
}

/** Asks for all the terms at once; true when every one has a value. The first failure by position settles the form. */
function allHaveValues(draft: Draft, node: GraphNode, terms: readonly Index[]): boolean {
  if (node.inputs.length === 0 && terms.length > 0) {
    const scope = scopeOf(draft, node);
    connect(
      draft,
      node,
      terms.map((term) => nodeFor(draft, scope, term)),
    );
  }
  for (const input of node.inputs) {
    const { outcome } = liveNode(draft, input);
    if (!outcome) return false;
    if ('failure' in outcome) {
      settle(draft, node, outcome);
      return false;
    }
  }
  return true;
}

/** Phase 0: task and list are asked for. Phase 1: the inputs are the elements' calls, `settled` of which have values. */
function stepMap(draft: Draft, node: GraphNode, terms: readonly Index[]): void {
  if (node.phase === 1) {
    advanceElements(draft, node);
    return;
  }
  if (node.waits !== null || !allHaveValues(draft, node, terms)) return;
  const [task, list] = valuesOf(draft, node.inputs) as [Table, Table];
  withTop(draft, node, list, (whole) => expandMap(draft, node, task, whole));
}

function expandMap(draft: Draft, node: GraphNode, task: Table, list: Table): void {
  const target = taskValue(task);
  const elements = rootOf(list);
  if (!target) {
    failForm(draft, node, 'map needs a task to apply');
    return;
  }
  if (elements === null || typeof elements !== 'object' || elements[0] !== 'list') {
    failForm(draft, node, 'map needs a list to go over');
    return;
  }
  const scope = scopeOf(draft, node);
  const options = valuesOf(draft, node.inputs)[2];
  const calls = elements[1].map((element) =>
    callNode(draft, scope, { task: target.task, args: [...target.bound, subtable(list, element)], options }),
  );
  draft.edits.set(node, 'phase', 1);
  draft.edits.set(node, 'inputs', []);
  connect(draft, node, calls);
  advanceElements(draft, node);
}

function advanceElements(draft: Draft, node: GraphNode): void {
  let at = node.settled;
  for (; at < node.inputs.length; at++) {
    const { outcome } = liveNode(draft, node.inputs[at] as NodeId);
    if (!outcome) break;
    if ('failure' in outcome) {
      settle(draft, node, outcome);
      return;
    }
  }
  draft.edits.set(node, 'settled', at);
  if (at < node.inputs.length) return;
  const list = listOf(valuesOf(draft, node.inputs));
  const isFlat = node.shape.kind === 'form' && node.shape.name === 'flatMap';
  if (isFlat) operate(draft, node, 'flatten', listOf([list]));
  else settle(draft, node, { value: held(draft, list) });
}

function taskValue(value: Table): { task: string; bound: Table[] } | undefined {
  const root = rootOf(value);
  if (root === null || typeof root !== 'object' || root[0] !== 'task') return undefined;
  return { task: root[1], bound: root[2].map((index) => subtable(value, index)) };
}

/**
 * Inputs: the guarded expression; once it failed, the recovering task; then its call. `phase` is that task's place. Where
 * the cache knows of an earlier recovery, its call is the only input and `phase` is RECALLED.
 */
function stepCatch(draft: Draft, node: GraphNode, terms: readonly Index[]): void {
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

function liveOutcome(draft: Draft, node: GraphNode, at: number): Settlement {
  return liveNode(draft, node.inputs[at] as NodeId).outcome as Settlement;
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
function stepCatchAll(draft: Draft, node: GraphNode, terms: readonly Index[]): void {
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
function settleTerms(draft: Draft, node: GraphNode, whole: Table): void {
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

function stepThrow(draft: Draft, node: GraphNode, terms: readonly Index[]): void {
  if (node.waits !== null || !allHaveValues(draft, node, terms)) return;
  const [value] = valuesOf(draft, node.inputs) as [Table];
  withTop(draft, node, value, (whole) => raise(draft, node, whole));
}

/** Fails with the error, or with an error of that text. */
function raise(draft: Draft, node: GraphNode, value: Table): void {
  const root = rootOf(value);
  const isError = Array.isArray(root) && root[0] === 'error';
  const message = typeof root === 'string' ? root : 'throwError was given neither an error nor a text';
  const error = isError ? value : errorValue('Error', message);
  settle(draft, node, { failure: { error, origin: scopeOf(draft, node).job } });
}

/** Inputs: the quote, then the expression it holds, in the parent and context of the job that forces it. */
function stepForce(draft: Draft, node: GraphNode, terms: readonly Index[]): void {
  const outcome = latest(draft, node, terms[0] as Index);
  if (!outcome || node.waits !== null) return;
  if ('failure' in outcome || node.phase === 1) {
    settle(draft, node, outcome);
    return;
  }
  withTop(draft, node, outcome.value, (whole) => enterQuote(draft, node, whole));
}

function enterQuote(draft: Draft, node: GraphNode, quote: Table): void {
  const root = rootOf(quote);
  if (root === null || typeof root !== 'object' || root[0] !== 'quote') {
    failForm(draft, node, 'force needs a quoted expression');
    return;
  }
  draft.edits.set(node, 'phase', 1);
  const scope = scopeOf(draft, node);
  const inner = openScope(draft, scope.job, subtable(quote, root[1]), scope);
  const outcome = join(draft, node, nodeFor(draft, inner, inner.table.length - 1));
  if (outcome) settle(draft, node, outcome);
}

function stepApply(draft: Draft, node: GraphNode, terms: readonly Index[]): void {
  if (node.phase === 1) {
    const outcome = liveNode(draft, node.inputs.at(-1) as NodeId).outcome;
    if (outcome) settle(draft, node, outcome);
    return;
  }
  if (!allHaveValues(draft, node, terms)) return;
  const [task, ...args] = valuesOf(draft, node.inputs) as [Table, ...Table[]];
  const target = taskValue(task);
  if (!target) {
    failForm(draft, node, 'only a task can be called');
    return;
  }
  draft.edits.set(node, 'phase', 1);
  const call = { task: target.task, args: [...target.bound, ...args] };
  const outcome = join(draft, node, callNode(draft, scopeOf(draft, node), call));
  if (outcome) settle(draft, node, outcome);
}

function stepContext(draft: Draft, node: GraphNode, terms: readonly Index[]): void {
  const scope = scopeOf(draft, node);
  const path = scope.table[terms[0] as Index];
  if (typeof path !== 'string') {
    failForm(draft, node, 'context needs a path of names and dots');
    return;
  }
  const job = scope.job && draft.graph.jobs.get(scope.job);
  let found: unknown = contextOf(draft, job ? job.context : null);
  for (const name of path.split('.')) {
    found = isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  if (found !== undefined) settle(draft, node, { value: held(draft, encode(found)) });
  else if (terms[1] === undefined) settle(draft, node, { value: UNDEFINED });
  else {
    const outcome = latest(draft, node, terms[1]);
    if (outcome) settle(draft, node, outcome);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
