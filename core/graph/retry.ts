/** A retry of a run: its evaluation begins again at the root, and every job that has a value is joined, not run. */
import { count, type Draft } from './draft.ts';
import { enterRoot } from './reduce.ts';

/** Forgets everything of an ended run but the values of its jobs and the numbers of its attempts. */
export function reopen(draft: Draft): boolean {
  const { graph, edits } = draft;
  if (!graph.end || graph.end.status === 'DONE') return false;
  for (const work of graph.works.values()) {
    if (work.attempt > 0) edits.put(graph.attempts, work.eval, work.attempt);
  }
  for (const job of [...graph.jobs.values()]) {
    if (job.outcome && 'value' in job.outcome) continue;
    count(draft, job.task, job.status, null);
    edits.drop(graph.jobs, job.id);
  }
  for (const map of [
    graph.nodes,
    graph.scopes,
    graph.works,
    graph.observing,
    graph.computing,
    graph.recalls,
    graph.returning,
    graph.writing,
  ]) {
    for (const key of [...map.keys()]) edits.drop(map as Map<unknown, unknown>, key);
  }
  for (const evaluation of [...graph.frontier]) edits.remove(graph.frontier, evaluation);
  while (graph.failed.length > 0) edits.pop(graph.failed);
  edits.set(graph, 'stopping', null);
  edits.set(graph, 'end', null);
  enterRoot(draft);
  return true;
}
