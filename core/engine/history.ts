/** What happened to each job of a run, read from its journal. */

import { draftOf } from '../graph/draft.ts';
import { errorLine } from '../graph/errors.ts';
import { evolve } from '../graph/evolve.ts';
import { evalsOf, type Fact, type Measurements } from '../graph/facts.ts';
import type { Graph, JobStatus } from '../graph/graph.ts';
import { briefArguments } from '../values/brief.ts';
import type { EvalHash, JobId, RunId } from '../values/ids.ts';
import { type Executors, jobIdOf } from './executors.ts';
import type { Journal } from './ports.ts';

export interface JobHistory {
  readonly id: JobId;
  readonly task: string;
  readonly status: JobStatus;
  /** ms since the epoch: when the job came up, and when it was over. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Of the newest attempt; 0 when its function was not run here. */
  readonly attempt: number;
  /** The task that called it first. */
  readonly caller?: string;
  /** Its arguments in a few words. */
  readonly given?: string;
  readonly error?: string;
  /** Of the newest attempt that ended. */
  readonly measured: Measurements;
  /** The executor's id of the newest attempt, once known. */
  readonly executorId?: string;
}

export interface RunHistory {
  readonly run: RunId;
  readonly jobs: readonly JobHistory[];
}

/** Is shown the graph around each fact while a journal is folded. */
export interface Onlooker {
  before(graph: Graph, fact: Fact): void;
  after(graph: Graph): void;
}

/** What a history is read from. */
export interface HistorySource {
  readonly journal: Journal;
  readonly executors: Executors<'ids'>;
}

/** Folds the whole journal, and looks at all of the live graph after each entry. Undefined when there is no such run. */
export async function readHistory(
  world: HistorySource,
  run: RunId,
  onlooker?: Onlooker,
): Promise<RunHistory | undefined> {
  const entries = await world.journal.readAfter(run, 0);
  if (entries.length === 0) return undefined;
  const draft = draftOf();
  const jobs = new Map<JobId, JobHistory>();
  const attempts = new Map<EvalHash, AttemptNotes>();
  const given = new Map<EvalHash, string>();
  for (const entry of entries) {
    for (const fact of entry.facts) {
      note(attempts, fact);
      // What leaves the graph now is seen for the last time.
      if (fact.type === 'left') update(world, jobs, draft.graph, { attempts, given }, entry.at);
      for (const evaluation of evalsOf(fact)) noteGiven(given, draft.graph, evaluation);
      onlooker?.before(draft.graph, fact);
      evolve(draft, fact);
      onlooker?.after(draft.graph);
    }
    update(world, jobs, draft.graph, { attempts, given }, entry.at);
  }
  return { run, jobs: [...jobs.values()] };
}

interface AttemptNotes {
  attempt: number;
  measured: Measurements;
  executorId?: string;
}

function note(attempts: Map<EvalHash, AttemptNotes>, fact: Fact): void {
  if (fact.type === 'returned' || fact.type === 'failed') {
    attempts.set(fact.eval, { ...attempts.get(fact.eval), attempt: fact.attempt, measured: fact.measured });
  } else if (fact.type === 'claimed') {
    for (const { eval: evaluation, attempt } of fact.jobs) attempts.set(evaluation, { attempt, measured: {} });
  }
}

/** Work leaves the graph when it is over; a fact names it before. */
function noteGiven(given: Map<EvalHash, string>, { works }: Graph, evaluation: EvalHash): void {
  const work = works.get(evaluation);
  if (work && !given.has(evaluation)) given.set(evaluation, briefArguments(work.task, work.args));
}

interface Notes {
  readonly attempts: ReadonlyMap<EvalHash, AttemptNotes>;
  readonly given: Map<EvalHash, string>;
}

function update(
  world: HistorySource,
  jobs: Map<JobId, JobHistory>,
  graph: Graph,
  { attempts, given }: Notes,
  at: number,
): void {
  for (const submission of graph.submissions.values()) {
    const [id] = submission.ids;
    submission.jobs.forEach((job, index) => {
      const notes = attempts.get(job.eval);
      const executorId = id && jobIdOf(world, graph, submission, { submission: id, index });
      if (executorId && notes) notes.executorId = executorId;
    });
  }
  for (const job of graph.jobs.values()) {
    const known = jobs.get(job.id);
    const notes = attempts.get(job.evaluation);
    noteGiven(given, graph, job.evaluation);
    const text = given.get(job.evaluation);
    const failure = job.outcome && 'failure' in job.outcome ? job.outcome.failure : undefined;
    const isOver = job.outcome !== null || job.status === 'CANCELLED';
    jobs.set(job.id, {
      id: job.id,
      task: job.task,
      status: job.status,
      startedAt: known?.startedAt ?? at,
      ...(isOver && { endedAt: known?.endedAt ?? at }),
      attempt: notes?.attempt ?? 0,
      ...(job.caller !== undefined && { caller: job.caller }),
      ...(text !== undefined && { given: text }),
      ...(failure && { error: errorLine(failure.error) }),
      measured: notes?.measured ?? {},
      ...(notes?.executorId !== undefined && { executorId: notes.executorId }),
    });
  }
}
