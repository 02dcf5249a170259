/**
 * Reduction: settled inputs settle their users, calls become jobs, results take their callers' places, until nothing moves
 * without the outside. One queue, no recursion; every edge is followed once.
 */
import type { EvalHash, Hash } from '../values/ids.ts';
import { unknownKind } from '../values/never.ts';
import { nodeAt } from '../values/nodes.ts';
import { at } from '../values/present.ts';
import { combine, listOf, mapChildren, type Table } from '../values/table.ts';
import { type Draft, held, liveNode, partValues, settle } from './draft.ts';
import { noticeFailure } from './ending.ts';
import { nodeFor, openScope } from './expressions.ts';
import { recallForm, resumeForm, stepForm } from './forms/forms.ts';
import { type Computation, type GraphNode, runOf, type Settlement, type Shape, scopeOf } from './graph.ts';
import { callReady, optionsLoaded, settleJob } from './jobs.ts';
import { operate } from './operations.ts';
import { release } from './release.ts';

/** Evaluates as far as the facts known allow. */
export function propagate(draft: Draft): void {
  const { queue, graph } = draft;
  // The queue grows while it is gone through.
  for (const id of queue) {
    const node = graph.nodes.get(id);
    if (!node) continue;
    if (node.outcome) announce(draft, node, node.outcome);
    else advance(draft, node);
  }
  queue.length = 0;
  draft.guarded.clear();
}

/** Begins the run: the root expression is needed. */
export function enterRoot(draft: Draft): void {
  const { root } = runOf(draft.graph);
  const scope = openScope(draft, null, root);
  const node = nodeFor(draft, scope, root.length - 1);
  draft.edits.set(draft.graph, 'root', node);
  draft.queue.push(node);
}

function announce(draft: Draft, node: GraphNode, outcome: Settlement): void {
  const { graph } = draft;
  if ('failure' in outcome) noticeFailure(draft, node);
  for (const id of node.users) {
    const user = graph.nodes.get(id);
    if (user && !user.outcome) advance(draft, user);
  }
  release(draft, unsettledInputs(draft, node));
  const job = node.result === null ? undefined : graph.jobs.get(node.result);
  if (job) settleJob(draft, job, outcome);
}

function unsettledInputs({ graph }: Draft, { inputs }: GraphNode): readonly GraphNode[] {
  const unsettled: GraphNode[] = [];
  for (const id of inputs) {
    const input = graph.nodes.get(id);
    if (input && !input.outcome) unsettled.push(input);
  }
  return unsettled;
}

/** Moves the frontier over inputs that have values. The first that failed decides, and only once those before it have values. */
function advance(draft: Draft, node: GraphNode): void {
  if (node.shape.kind === 'form') {
    stepForm(draft, node);
    return;
  }
  let settled = node.settled;
  while (settled < node.inputs.length) {
    const { outcome } = liveNode(draft, at(node.inputs, settled));
    if (!outcome) break;
    if ('failure' in outcome) {
      settle(draft, node, outcome);
      return;
    }
    settled++;
  }
  draft.edits.set(node, 'settled', settled);
  if (settled === node.inputs.length && node.waits === null) complete(draft, node);
}

/** All inputs have values. */
function complete(draft: Draft, node: GraphNode): void {
  const { shape } = node;
  switch (shape.kind) {
    case 'list':
      settle(draft, node, { value: held(draft, listOf(partValues(draft, node.inputs, shape.given))) });
      return;
    case 'record':
      settle(draft, node, {
        value: held(
          draft,
          combine(partValues(draft, node.inputs, shape.given), (roots) => ['record', shape.keys, roots]),
        ),
      });
      return;
    case 'wrap':
      settle(draft, node, { value: held(draft, rewrap(draft, node, shape)) });
      return;
    case 'op':
      operate(draft, node, shape.name, listOf(partValues(draft, node.inputs, shape.given)));
      return;
    case 'call':
      callReady(draft, node);
      return;
    case 'value':
    case 'form':
      return;
    default:
      unknownKind('shape', shape);
  }
}

function rewrap(draft: Draft, node: GraphNode, { index, given }: Extract<Shape, { readonly kind: 'wrap' }>): Table {
  const { table } = scopeOf(draft.graph, node);
  return combine(partValues(draft, node.inputs, given), (roots) => {
    let next = 0;
    return mapChildren(nodeAt(table, index), () => at(roots, next++));
  });
}

function goOn(draft: Draft, node: GraphNode, computation: Computation, value: Table): void {
  switch (computation.of) {
    case 'operator':
      settle(draft, node, { value });
      return;
    case 'top':
      resumeForm(draft, node, value);
      return;
    case 'whole':
      optionsLoaded(draft, node, value);
      return;
    default:
      unknownKind('computation', computation);
  }
}

/** What the cache says of catches that wait under the key: the recovering call, or that nothing is known. */
export function recalled(draft: Draft, key: EvalHash, call: Table | undefined): boolean {
  const { graph, edits } = draft;
  const waiting = graph.recalls.get(key);
  if (!waiting) return false;
  edits.drop(graph.recalls, key);
  for (const id of waiting.nodes) {
    const node = graph.nodes.get(id);
    if (!node || node.outcome) continue;
    edits.set(node, 'waits', null);
    recallForm(draft, node, call);
  }
  return true;
}

/** The outcome of an application whose operands had to be loaded. */
export function applied(draft: Draft, application: Hash, ok: boolean, value: Table): boolean {
  const { graph, edits } = draft;
  const waiting = graph.computing.get(application);
  if (!waiting) return false;
  edits.drop(graph.computing, application);
  for (const id of waiting.nodes) {
    const node = graph.nodes.get(id);
    if (!node || node.outcome) continue;
    edits.set(node, 'waits', null);
    if (ok) goOn(draft, node, waiting.computation, value);
    else settle(draft, node, { failure: { error: value, origin: scopeOf(graph, node).job } });
  }
  return true;
}
