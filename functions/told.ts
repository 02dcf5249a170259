/** What is told of runs and jobs to people: with a line of each long script, where the engine keeps hashes. */

import type { JobHistory } from '../core/engine/history.ts';
import type { Objects, RunSummary } from '../core/engine/ports.ts';
import { withScriptLines } from '../core/engine/script-lines.ts';
import { at as element } from '../core/values/present.ts';

interface Stored {
  readonly objects: Objects;
}

export async function told({ objects }: Stored, summary: RunSummary): Promise<RunSummary> {
  const { traceback, otherErrors } = summary;
  if (traceback === undefined) return summary;
  const [story = traceback, ...others] = await withScriptLines(objects, [traceback, ...(otherErrors ?? [])]);
  return { ...summary, traceback: story, ...(otherErrors && { otherErrors: others }) };
}

export async function toldOf(state: Stored, job: JobHistory): Promise<JobHistory> {
  const [known = job] = await allToldOf(state, [job]);
  return known;
}

export async function allToldOf({ objects }: Stored, jobs: readonly JobHistory[]): Promise<JobHistory[]> {
  const texts = jobs.map(({ given = '' }) => given);
  const given = await withScriptLines(objects, texts);
  return jobs.map((job, at) => (job.given === undefined ? job : { ...job, given: element(given, at) }));
}
