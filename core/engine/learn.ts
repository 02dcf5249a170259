/** From what an executor says of its jobs, and what the jobs recorded, to facts. */

import { attemptOptions } from '../graph/evolve.ts';
import type { Fact, Measurements } from '../graph/facts.ts';
import type { Graph, Submission } from '../graph/graph.ts';
import { isWorkWanted } from '../graph/release.ts';
import type { EvalHash, SubmissionId } from '../values/ids.ts';
import { causeOf, REFUSED_EXIT_CODE, verdictError } from './causes.ts';
import type { AttemptRecord, Verdict, World } from './ports.ts';
import { jobName, parseJobName } from './spec.ts';
import { stageOf } from './statuses.ts';
import type { LiveRun } from './warm.ts';

interface Heard {
  readonly verdict: Verdict;
  readonly submission: Submission;
  /** The jobs of the submission that the verdict may concern and that have none yet. */
  readonly jobs: readonly { readonly eval: EvalHash; readonly attempt: number }[];
}

/**
 * Acknowledgements for submissions whose answer was never recorded, and results and failures of attempts that ended.
 * A recorded outcome counts, whoever told of it; a verdict alone counts only when the record is absent or held by the
 * job that the verdict names. Everything else is ignored.
 */
export async function learn(world: World, live: LiveRun, verdicts: readonly Verdict[]): Promise<Fact[]> {
  const { graph } = live.draft;
  const heard = verdicts.flatMap((verdict) => concerning(world, graph, verdict) ?? []);
  const ended = heard.filter(({ verdict }) => stageOf(verdict.status) === 'over');
  const evaluations = [...new Set(ended.flatMap(({ jobs }) => jobs.map((job) => job.eval)))];
  const records = evaluations.length > 0 ? await world.attempts.read(live.run, evaluations) : new Map();
  return [...heard.map(acknowledgement), ...ended.flatMap((one) => judge(graph, one, records, world.clock.now()))];
}

function concerning(world: World, graph: Graph, verdict: Verdict): Heard | undefined {
  const name = parseJobName(world.stack, verdict.name);
  const submission = name && graph.submissions.get(name.submission);
  if (!submission) return undefined;
  // An array's own event sums its children up: whatever they recorded counts, and nothing else.
  const meant = verdict.index === undefined ? submission.jobs : submission.jobs.slice(verdict.index, verdict.index + 1);
  const jobs = meant.filter((job) => {
    const work = graph.works.get(job.eval);
    return work?.submission === submission.id && work.attempt === job.attempt;
  });
  return { verdict, submission, jobs };
}

function acknowledgement({ verdict, submission }: Heard): Fact {
  return { type: 'acknowledged', submission: submission.id, ids: [parentId(verdict)] };
}

function parentId({ id, index }: Verdict): string {
  return index === undefined ? id : id.slice(0, id.lastIndexOf(':'));
}

function judge(graph: Graph, heard: Heard, records: ReadonlyMap<EvalHash, AttemptRecord>, now: number): Fact[] {
  const isArrayParent = heard.verdict.index === undefined && heard.submission.jobs.length > 1;
  return heard.jobs.flatMap((job) => {
    const work = graph.works.get(job.eval);
    if (!work) return [];
    const record = records.get(job.eval);
    const current = record?.attempt === job.attempt ? record : undefined;
    if (current?.outcome) return [outcomeFact(job, current, heard.verdict)];
    if (isArrayParent) return [];
    // The request went out twice, and the other job does the work: nobody may have told of it.
    if (current && current.holder !== heard.verdict.id) return [holderFact(heard.submission, current)];
    const cause = causeOf(heard.verdict);
    const error = verdictError(work.task, cause, heard.verdict);
    const { eval: evaluation, attempt } = job;
    const failed: Fact = { type: 'failed', eval: evaluation, attempt, cause, error, measured: timesOf(heard.verdict) };
    return isRefusedByMark(heard.verdict, job, record)
      ? [{ type: 'cancelled', at: now, reason: MARKED }, failed]
      : [failed];
  });
}

const MARKED = 'a cancel that ended before it was recorded';

/** A claim that no other job's record refused was refused by the mark of a cancel, whose fact may be missing. */
function isRefusedByMark(
  { exitCode }: Verdict,
  { attempt }: { readonly attempt: number },
  record: AttemptRecord | undefined,
): boolean {
  return exitCode === REFUSED_EXIT_CODE && (record === undefined || record.attempt <= attempt);
}

function holderFact({ id: submission, jobs }: Submission, { holder }: AttemptRecord): Fact {
  const id = jobs.length > 1 ? holder.slice(0, holder.lastIndexOf(':')) : holder;
  return { type: 'acknowledged', submission, ids: [id] };
}

function outcomeFact(
  { eval: evaluation, attempt }: { readonly eval: EvalHash; readonly attempt: number },
  record: AttemptRecord,
  verdict: Verdict,
): Fact {
  const outcome = record.outcome as NonNullable<AttemptRecord['outcome']>;
  const measured = { ...outcome.measured, ...timesOf(verdict) };
  return outcome.ok
    ? { type: 'returned', eval: evaluation, attempt, expression: outcome.expression, measured }
    : { type: 'failed', eval: evaluation, attempt, cause: 'program', error: outcome.error, measured };
}

function timesOf(verdict: Verdict): Measurements {
  return {
    ...(verdict.createdAt !== undefined && { queuedAt: verdict.createdAt }),
    ...(verdict.startedAt !== undefined && { startedAt: verdict.startedAt }),
    ...(verdict.stoppedAt !== undefined && { endedAt: verdict.stoppedAt }),
    ...(verdict.exitCode !== undefined && { exitCode: verdict.exitCode }),
    ...(verdict.log !== undefined && { log: verdict.log }),
  };
}

/** ListJobs' lag: how long after its deadline a claim may still turn up. */
const LOOKUP_LAG_MS = 60_000;
/** A handler that died may have left 200 claims, and ListJobs is throttled for the whole account. */
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
  const settled = async (submission: Submission): Promise<Fact> => {
    const ids = await world.batch.find(jobName(world.stack, live.run, submission.id), queueOf(graph, submission));
    if (ids.length > 0) return { type: 'acknowledged', submission: submission.id, ids };
    const { id, executor, spec, jobs } = submission;
    // Of an array that is wanted in part, that part is claimed by itself.
    if (graph.stopping || !jobs.every((job) => isWanted(graph, job.eval))) return { type: 'withdrawn', submission: id };
    return { type: 'claimed', submission: id, sender: world.sender.id, deadline, executor, spec, jobs };
  };
  const overdue = [...graph.submissions.values()].filter(
    (submission) => !heardOf.has(submission.id) && isOverdue(world, submission),
  );
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

function isOverdue(world: World, submission: Submission): boolean {
  if (submission.ids.length > 0) return false;
  const { id, exclusive } = world.sender;
  return (exclusive && submission.sender !== id) || world.clock.now() > submission.deadline + LOOKUP_LAG_MS;
}

function queueOf(graph: Graph, submission: Submission): string | undefined {
  const first = submission.jobs[0];
  const work = first && graph.works.get(first.eval);
  return work && attemptOptions(work).queue;
}
