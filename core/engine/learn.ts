/** From what an executor says of its jobs, and what the jobs recorded, to facts. */

import { errorValue } from '../graph/errors.ts';
import type { ClaimedJob, Fact, Measurements } from '../graph/facts.ts';
import type { Graph, Submission } from '../graph/graph.ts';
import { CAUSES, type Cause } from '../values/causes.ts';
import type { EvalHash } from '../values/ids.ts';
import type { Table } from '../values/table.ts';
import { type Executor, endOf, type JobEnd, type JobReport } from './executor.ts';
import { executorOf } from './executors.ts';
import { exitCodeHint, RUNNER_EXIT } from './exit-codes.ts';
import type { AttemptRecord, Outcome, World } from './ports.ts';
import { parseJobName } from './spec.ts';
import type { LiveRun } from './warm.ts';

interface Heard {
  readonly report: JobReport;
  readonly executor: Executor;
  readonly submission: Submission;
  /** The jobs of the submission that the report may concern and that have no end yet. */
  readonly jobs: readonly ClaimedJob[];
}

interface HeardEnd extends Heard {
  readonly end: JobEnd;
}

/**
 * Acknowledgements for submissions whose answer was never recorded, and results and failures of attempts that ended.
 * A recorded outcome counts, whoever told of it; a report alone counts only when the record is absent or held by the
 * job that the report is on. Everything else is ignored.
 */
export async function learn(world: World, live: LiveRun, reports: readonly JobReport[]): Promise<Fact[]> {
  const { graph } = live.draft;
  const heard = reports.flatMap((report) => concerning(world, graph, report) ?? []);
  const ended = heard.flatMap((one): HeardEnd[] => {
    const end = endOf(one.report);
    return end ? [{ ...one, end }] : [];
  });
  const evaluations = [...new Set(ended.flatMap(({ jobs }) => jobs.map((job) => job.eval)))];
  const records = evaluations.length > 0 ? await world.attempts.read(live.run, evaluations) : new Map();
  return [...heard.map(acknowledgement), ...ended.flatMap((one) => judge(graph, one, records, world.clock.now()))];
}

function concerning(world: World, graph: Graph, report: JobReport): Heard | undefined {
  const name = parseJobName(world.stack, report.name);
  const submission = name && graph.submissions.get(name.submission);
  if (!submission) return undefined;
  const { index } = report.job;
  // An array's own report sums its jobs up: whatever they recorded counts, and nothing else.
  const meant = index === undefined ? submission.jobs : submission.jobs.slice(index, index + 1);
  const jobs = meant.filter((job) => {
    const work = graph.works.get(job.eval);
    return work?.submission === submission.id && work.attempt === job.attempt;
  });
  return { report, executor: executorOf(world, graph, submission.executor), submission, jobs };
}

function acknowledgement({ report, submission }: Heard): Fact {
  return { type: 'acknowledged', submission: submission.id, ids: [report.job.submission] };
}

function judge(graph: Graph, heard: HeardEnd, records: ReadonlyMap<EvalHash, AttemptRecord>, now: number): Fact[] {
  const { report, executor, submission, end } = heard;
  const isWholeArray = report.job.index === undefined && submission.jobs.length > 1;
  const id = executor.ids.of(report.job);
  return heard.jobs.flatMap((job) => {
    const work = graph.works.get(job.eval);
    if (!work) return [];
    const record = records.get(job.eval);
    const current = record?.attempt === job.attempt ? record : undefined;
    if (current?.outcome) return [outcomeFact(job, current.outcome, heard)];
    if (isWholeArray) return [];
    // The request went out twice, and the other job does the work: nobody may have told of it.
    if (current && current.holder !== id) {
      const other = executor.ids.parse(current.holder);
      return [{ type: 'acknowledged', submission: submission.id, ids: [other.submission] }];
    }
    const cause = end.ended === 'well' ? 'no-result' : end.ended;
    const error = errorOfEnd(`${work.task}: job ${id}`, cause, end, report.log);
    const { eval: evaluation, attempt } = job;
    const failed: Fact = { type: 'failed', eval: evaluation, attempt, cause, error, measured: measuredBy(heard) };
    return isRefusedByMark(end, job, record) ? [{ type: 'cancelled', at: now, reason: MARKED }, failed] : [failed];
  });
}

/** Of an attempt that recorded none itself. */
function errorOfEnd(job: string, cause: Cause, { ended, said, exitCode }: JobEnd, log: string | undefined): Table {
  const status = ended === 'well' ? 'SUCCEEDED' : 'FAILED';
  const exit = exitCode === undefined ? '' : `, exit code ${exitCode}${exitCodeHint(exitCode)}`;
  return errorValue(CAUSES[cause].error, `${job} ended ${status} without a result (${said}${exit})`, {
    ...(exitCode !== undefined && { exitCode }),
    ...(log !== undefined && { log }),
  });
}

const MARKED = 'a cancel that ended before it was recorded';

/** A claim that no other job's record refused was refused by the mark of a cancel, whose fact may be missing. */
function isRefusedByMark({ exitCode }: JobEnd, { attempt }: ClaimedJob, record: AttemptRecord | undefined): boolean {
  return exitCode === RUNNER_EXIT.refused && (record === undefined || record.attempt <= attempt);
}

function outcomeFact({ eval: evaluation, attempt }: ClaimedJob, outcome: Outcome, heard: HeardEnd): Fact {
  const measured = { ...outcome.measured, ...measuredBy(heard) };
  return outcome.ok
    ? { type: 'returned', eval: evaluation, attempt, expression: outcome.expression, measured }
    : { type: 'failed', eval: evaluation, attempt, cause: 'program', error: outcome.error, measured };
}

/** By the executor. */
function measuredBy({ report: { times, log }, end: { exitCode } }: HeardEnd): Measurements {
  return { ...times, ...(exitCode !== undefined && { exitCode }), ...(log !== undefined && { log }) };
}
