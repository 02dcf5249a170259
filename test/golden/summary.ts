/** What a recorded journal folds to. */
import type { Entry } from '../../core/engine/ports.ts';
import { summaryOf } from '../../core/engine/summary.ts';
import { draftOf, noEffects } from '../../core/graph/draft.ts';
import { evolve } from '../../core/graph/evolve.ts';

/** Everything that lists and tables show of the run; nothing of how the graph is held. */
export function folded(entries: readonly Entry[]): unknown {
  const draft = draftOf();
  const passed: string[] = [];
  for (const { facts } of entries) {
    for (const fact of facts) if (!evolve(draft, fact)) passed.push(fact.type);
    draft.effects = noEffects();
  }
  const [first] = entries;
  if (!first) throw new Error('a journal has at least one entry');
  const live = { run: first.run, draft, sequence: entries.length, snapshot: 0 };
  const { status, tally, result, traceback, otherErrors } = summaryOf(live, 0);
  const jobs = [...draft.graph.jobs.values()].map(({ id, task, status: of }) => `${id} ${task} ${of}`).sort();
  // As JSON has it, since that is what it is compared with.
  return JSON.parse(JSON.stringify({ status, tally, result, traceback, otherErrors, jobs, passed }));
}
