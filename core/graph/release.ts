/** What nobody needs any more leaves the graph: nodes, jobs that were not submitted, and all that only they needed. */
import type { Hash } from '../values/ids.ts';
import { last } from '../values/present.ts';
import { byId, byItself, byOrdinal, type Draft, setStatus } from './draft.ts';
import type { Graph, GraphNode, Job, NodeId, Work } from './graph.ts';

type Released = GraphNode | Job;

/** Drops those of the nodes and jobs that no unsettled node needs, and in turn what only they needed. Iterative. */
export function release(draft: Draft, released: readonly Released[]): void {
  if (released.length === 0) return;
  const pending: Released[] = [...released];
  for (let item = pending.pop(); item; item = pending.pop()) {
    if ('callers' in item) leaveJob(draft, item, pending);
    else dropNode(draft, item, pending);
  }
}

/** Ends a scope whose job has its outcome: its nodes go, and the jobs that only they waited for. */
export function closeScope(draft: Draft, job: Job): void {
  const pending: Released[] = [];
  dropScope(draft, job, pending);
  for (let item = pending.pop(); item; item = pending.pop()) {
    if ('callers' in item) leaveJob(draft, item, pending);
  }
}

/** Whether anything still waits for the job. Callers that are gone or settled are forgotten on the way. */
export function isWanted(draft: Draft, job: Job): boolean {
  return hasLive(draft, job.callers);
}

/** The same of all jobs of the work, without forgetting anything. */
export function isWorkWanted(graph: Graph, work: Work): boolean {
  const isLive = (id: NodeId): boolean => graph.nodes.get(id)?.outcome === null;
  return work.jobs.some((id) => graph.jobs.get(id)?.callers.some(isLive) ?? false);
}

/** A job that was not finished and that nothing needs is no longer a job of the run. */
export function abandon(draft: Draft, job: Job): void {
  setStatus(draft, job, 'CANCELLED');
  draft.edits.drop(draft.graph.jobs, job.id, byOrdinal);
}

/** Each forgotten id is popped once, so asking again and again stays linear. */
function hasLive(draft: Draft, ids: readonly NodeId[]): boolean {
  while (ids.length > 0) {
    const node = draft.graph.nodes.get(last(ids));
    if (node && !node.outcome) return true;
    draft.edits.pop(ids);
  }
  return false;
}

function dropNode(draft: Draft, node: GraphNode, pending: Released[]): void {
  const { graph, edits } = draft;
  const isRoot = node.id === graph.root || node.result !== null;
  if (node.outcome || isRoot || !graph.nodes.has(node.id) || hasLive(draft, node.users)) return;
  edits.drop(graph.nodes, node.id, byId);
  const scope = graph.scopes.get(node.scope);
  if (scope) edits.drop(scope.nodes, node.hash, byItself);
  stopWaiting(draft, node, pending);
  for (const id of node.inputs) {
    const input = graph.nodes.get(id);
    if (input && !input.outcome) pending.push(input);
  }
}

function dropScope(draft: Draft, job: Job, pending: Released[]): void {
  const { graph, edits } = draft;
  const scope = job.scope === null ? undefined : graph.scopes.get(job.scope);
  if (!scope) return;
  const nodes = [...scope.nodes.values()].flatMap((id) => graph.nodes.get(id) ?? []);
  for (const node of nodes) edits.drop(graph.nodes, node.id, byId);
  for (const node of nodes) if (!node.outcome) stopWaiting(draft, node, pending);
  for (const id of scope.forced) edits.drop(graph.scopes, id, byId);
  edits.drop(graph.scopes, scope.id, byId);
  edits.set(job, 'scope', null);
}

function stopWaiting(draft: Draft, node: GraphNode, pending: Released[]): void {
  const { graph, edits } = draft;
  const { waits } = node;
  if (waits === null) return;
  if (waits.in === 'jobs') {
    const job = graph.jobs.get(waits.key);
    if (job) pending.push(job);
    return;
  }
  const waiting: ReadonlyMap<Hash, { readonly nodes: readonly NodeId[] }> = graph[waits.in];
  const entry = waiting.get(waits.key);
  // Thousands may wait under one key and leave one after another: the list is not copied for each.
  if (entry && !hasLive(draft, entry.nodes)) edits.drop(waiting, waits.key);
}

/** A job that lost its callers: dropped when it has not been submitted or is being evaluated; in flight it runs on. */
function leaveJob(draft: Draft, job: Job, pending: Released[]): void {
  const { graph, edits } = draft;
  if (job.outcome || !graph.jobs.has(job.id) || isWanted(draft, job)) return;
  const work = graph.works.get(job.evaluation);
  if (work?.state === 'claimed') return;
  if (job.scope !== null) dropScope(draft, job, pending);
  abandon(draft, job);
  if (!work || work.jobs.some((id) => graph.jobs.has(id))) return;
  // Should it be wanted again, its attempts go on: those before have records.
  if (work.attempt > 0) edits.put(graph.attempts, work.evaluation, work.attempt);
  edits.drop(graph.works, work.evaluation, byOrdinal);
  edits.remove(graph.frontier, work.evaluation);
}
