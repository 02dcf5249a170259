/** Claims that nobody acknowledged: whether their requests arrived is looked up by name. */
import { attemptOptions } from '../graph/evolve.ts';
import type { Fact } from '../graph/facts.ts';
import type { Graph, Submission } from '../graph/graph.ts';
import { isWorkWanted } from '../graph/release.ts';
import type { EvalHash, SubmissionId } from '../values/ids.ts';
import type { Executor } from './executor.ts';
import { executorOf } from './executors.ts';
import type { World } from './ports.ts';
import { jobName } from './spec.ts';
import type { LiveRun } from './warm.ts';

/** A handler that died may have left 200 claims, and looking them up costs an account that others use, too. */
const LOOKUPS_AT_ONCE = 10;

/**
 * Claims nobody acknowledged and whose sender can no longer be sending: looked up by name. What is there is acknowledged;
 * what is not is claimed anew, or given up when the run is stopping or nobody wants it any more. `heardOf`: submissions
 * that this round has learned of otherwise.
 */
export async function settleOverdue(
  world: World,
  live: LiveRun,
  heardOf: ReadonlySet<SubmissionId>,
  deadline: number,
): Promise<Fact[]> {
  const { graph } = live.draft;
  const overdue = [...graph.submissions.values()].flatMap((submission) => {
    const executor = executorOf(world, graph, submission.executor);
    return !heardOf.has(submission.id) && isOverdue(world, executor, submission) ? [{ submission, executor }] : [];
  });
  const settled = async ({ submission, executor }: (typeof overdue)[number]): Promise<Fact> => {
    const ids = await executor.find(jobName(world.stack, live.run, submission.id), queueOf(graph, submission));
    if (ids.length > 0) return { type: 'acknowledged', submission: submission.id, ids };
    const { id, spec, jobs } = submission;
    // Of an array that is wanted in part, that part is claimed by itself.
    if (graph.stopping || !jobs.every((job) => isWanted(graph, job.eval))) return { type: 'withdrawn', submission: id };
    const sender = world.sender.id;
    return { type: 'claimed', submission: id, sender, deadline, executor: submission.executor, spec, jobs };
  };
  const facts: Fact[] = [];
  for (let at = 0; at < overdue.length; at += LOOKUPS_AT_ONCE) {
    facts.push(...(await Promise.all(overdue.slice(at, at + LOOKUPS_AT_ONCE).map(settled))));
  }
  return facts;
}

function isWanted(graph: Graph, evaluation: EvalHash): boolean {
  const work = graph.works.get(evaluation);
  return work !== undefined && isWorkWanted(graph, work);
}

function isOverdue(world: World, { limits }: Executor, submission: Submission): boolean {
  if (submission.ids.length > 0) return false;
  const { id, exclusive } = world.sender;
  return (exclusive && submission.sender !== id) || world.clock.now() > submission.deadline + limits.lookupLagMs;
}

function queueOf(graph: Graph, submission: Submission): string | undefined {
  const first = submission.jobs[0];
  const work = first && graph.works.get(first.eval);
  return work && attemptOptions(work).queue;
}
