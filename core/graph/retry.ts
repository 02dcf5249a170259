/** A retry of a run: its evaluation begins again at the root, and every job that has a value is joined, not run. */
import { byOrdinal, count, type Draft } from './draft.ts';
import { FIELD_NAMES, FIELDS, type FieldName } from './fields.ts';
import { enterRoot } from './reduce.ts';

/** Forgets everything of an ended run but the values of its jobs and the numbers of its attempts. */
export function reopen(draft: Draft): boolean {
  const { graph, edits } = draft;
  if (!graph.end || graph.end.status === 'DONE') return false;
  for (const work of graph.works.values()) {
    if (work.attempt > 0) edits.put(graph.attempts, work.evaluation, work.attempt);
  }
  for (const job of [...graph.jobs.values()]) {
    if (job.outcome && 'value' in job.outcome) continue;
    count(draft, job.task, job.status, null);
    edits.drop(graph.jobs, job.id, byOrdinal);
  }
  for (const name of FIELD_NAMES) if (FIELDS[name].onRetry === 'forgotten') forget(draft, name);
  enterRoot(draft);
  return true;
}

function forget({ graph, edits }: Draft, name: FieldName): void {
  const held: unknown = graph[name];
  if (held instanceof Map) for (const key of [...held.keys()]) edits.drop(held, key);
  else if (held instanceof Set) for (const member of [...held]) edits.remove(held, member);
  else if (Array.isArray(held)) while (held.length > 0) edits.pop(held);
  else edits.set(graph, name, FIELDS[name].held.empty());
}
