/**
 * Control forms: each says which of its terms it needs, and when. The terms of each, in order, stand in
 * core/values/forms.ts.
 */
import { encode } from '../values/encode.ts';
import type { FormName } from '../values/forms.ts';
import { type Index, listOf, rootOf, subtable, type Table, UNDEFINED } from '../values/table.ts';
import { RECALLED, settleTerms, stepCatch, stepCatchAll } from './catching.ts';
import { type Draft, held, liveNode, settle } from './draft.ts';
import { errorValue } from './errors.ts';
import { callNode, connect, nodeFor, openScope } from './expressions.ts';
import type { GraphNode, NodeId } from './graph.ts';
import { contextOf } from './jobs.ts';
import { operate, withTop } from './operations.ts';
import { allHaveValues, ask, failForm, join, latest, scopeOf, taskValue, valuesOf } from './terms.ts';

interface Form {
  /** Takes the form as far as its inputs allow. */
  readonly step: (draft: Draft, node: GraphNode, terms: readonly Index[]) => void;
  /** Goes on with the top level of a large value it asked for; undefined where it asks for none. */
  readonly resume: ((draft: Draft, node: GraphNode, whole: Table) => void) | undefined;
  /** How many of its inputs, from the first, have their failures caught here. */
  readonly guarded: (node: GraphNode) => number;
}

const none = () => 0;

const MAP: Form = { step: stepMap, resume: resumeMap, guarded: none };

const FORMS: Readonly<Record<FormName, Form>> = {
  cond: { step: stepCond, resume: undefined, guarded: none },
  seq: { step: stepSeq, resume: undefined, guarded: none },
  map: MAP,
  flatMap: MAP,
  // The guarded expression; catchAll's are all its terms. Also once it recovers, since a failure may be told to the node before it is told to everyone.
  catch: { step: stepCatch, resume: undefined, guarded: ({ phase }) => (phase === RECALLED ? 0 : 1) },
  catchAll: { step: stepCatchAll, resume: settleTerms, guarded: ({ phase, inputs }) => inputs.length - phase },
  throw: { step: stepThrow, resume: raise, guarded: none },
  force: { step: stepForce, resume: enterQuote, guarded: none },
  apply: { step: stepApply, resume: undefined, guarded: none },
  context: { step: stepContext, resume: undefined, guarded: none },
};

/** Undefined for nodes that are no forms, and for forms that only a later version knows. */
function formOf({ shape }: GraphNode): Form | undefined {
  return shape.kind === 'form' && Object.hasOwn(FORMS, shape.name) ? FORMS[shape.name as FormName] : undefined;
}

export function stepForm(draft: Draft, node: GraphNode): void {
  if (node.shape.kind !== 'form') throw new Error('only forms are stepped');
  const form = formOf(node);
  if (form) form.step(draft, node, node.shape.terms);
  else failForm(draft, node, `there is no control form '${node.shape.name}'`);
}

export function resumeForm(draft: Draft, node: GraphNode, whole: Table): void {
  const resume = formOf(node)?.resume;
  if (!resume) throw new Error('only forms look into large values');
  resume(draft, node, whole);
}

/** How many inputs of the node, from the first, have their failures caught by it. */
export function guardedCount(node: GraphNode): number {
  return formOf(node)?.guarded(node) ?? 0;
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

function resumeMap(draft: Draft, node: GraphNode, whole: Table): void {
  expandMap(draft, node, valuesOf(draft, node.inputs)[0] as Table, whole);
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
