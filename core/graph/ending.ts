/** How a run ends: with a value, with the first failure by position, or by a cancel. */

import type { JobId } from '../values/ids.ts';
import { type Draft, setStatus } from './draft.ts';
import { guardedCount } from './forms/forms.ts';
import { type Failure, type Graph, type GraphNode, type Job, jobOf, type NodeId } from './graph.ts';

/** A node failed: when no catch stands on some way from it to the root, nothing can save the run. */
export function noticeFailure(draft: Draft, node: GraphNode): void {
  if (draft.graph.stopping || !reachesRoot(draft, node)) return;
  draft.edits.set(draft.graph, 'stopping', 'failing');
}

/** A failure that goes up through many nodes asks the same at each of them: what was found out is kept meanwhile. */
function reachesRoot({ graph, guarded }: Draft, from: GraphNode): boolean {
  if (guarded.has(from.id)) return false;
  const seen = new Set<NodeId>([from.id]);
  for (const id of seen) {
    if (id === graph.root) return true;
    const node = graph.nodes.get(id);
    if (!node) continue;
    for (const user of usersOf(graph, node)) if (!guarded.has(user) && !guards(graph, user, id)) seen.add(user);
  }
  for (const id of seen) guarded.add(id);
  return false;
}

/** The unsettled nodes that take this one's outcome: its users, and the callers of the job it is the result of. */
function usersOf(graph: Graph, node: GraphNode): NodeId[] {
  const callers = (node.result !== null && graph.jobs.get(node.result)?.callers) || [];
  return [...node.users, ...callers].filter((id) => {
    const user = graph.nodes.get(id);
    return user !== undefined && !user.outcome;
  });
}

/** Whether the node catches what happens in its input. A failing recovery is not caught. */
function guards(graph: Graph, id: NodeId, input: NodeId): boolean {
  const node = graph.nodes.get(id);
  if (node?.shape.kind !== 'form') return false;
  const guarded = guardedCount(node);
  return node.inputs.indexOf(input) < guarded && node.inputs.lastIndexOf(input) < guarded;
}

/** Whether the run's outcome is known and nothing it started is in flight. */
export function isOver(graph: Graph): boolean {
  if (!graph.run || graph.submissions.size > 0) return false;
  const outcome = graph.nodes.get(graph.root)?.outcome;
  return graph.stopping !== null || (outcome !== null && outcome !== undefined && 'value' in outcome);
}

/** Ends the run: what never ran is cancelled. */
export function end(draft: Draft, at: number): boolean {
  const { graph, edits } = draft;
  if (!isOver(graph)) return false;
  const outcome = graph.nodes.get(graph.root)?.outcome;
  if (graph.stopping === 'cancelling') edits.set(graph, 'end', { status: 'CANCELLED', at });
  else if (outcome && 'value' in outcome) edits.set(graph, 'end', { status: 'DONE', at, value: outcome.value });
  else edits.set(graph, 'end', { status: 'FAILED', at, failure: firstFailure(graph) });
  for (const job of graph.jobs.values()) {
    if (!job.outcome) setStatus(draft, job, 'CANCELLED');
  }
  return true;
}

/** The first failure by position among those recorded, from the root down. */
function firstFailure(graph: Graph): Failure {
  const seen = new Set<NodeId>();
  const pending: NodeId[] = [graph.root];
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const node = graph.nodes.get(id);
    if (!node || seen.has(id)) continue;
    seen.add(id);
    if (node.outcome) {
      if ('failure' in node.outcome) return node.outcome.failure;
      continue;
    }
    const job = jobOf(graph, node);
    const scope = job && job.scope !== null ? graph.scopes.get(job.scope) : undefined;
    const result = scope && resultOf(graph, scope.nodes.values(), job?.id);
    if (result !== undefined) pending.push(result);
    pending.push(...node.inputs.toReversed());
  }
  const last = graph.failed.at(-1);
  const outcome = last && graph.jobs.get(last)?.outcome;
  if (outcome && 'failure' in outcome) return outcome.failure;
  throw new Error('a failing run has a failure');
}

function resultOf(graph: Graph, nodes: Iterable<NodeId>, job: JobId | undefined): NodeId | undefined {
  for (const id of nodes) if (graph.nodes.get(id)?.result === job) return id;
  return undefined;
}

/** The task calls that led to a job, outermost first. */
export function callChain(graph: Graph, job: JobId | null): string[] {
  return jobChain(graph, job).map(({ task }) => task);
}

/** The jobs that led to a job, outermost first, itself last. */
export function jobChain(graph: Graph, job: JobId | null): Job[] {
  const chain: Job[] = [];
  for (let at = job && graph.jobs.get(job); at; at = at.parent && graph.jobs.get(at.parent)) chain.push(at);
  return chain.reverse();
}
