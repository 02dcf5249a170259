/** All that a run's journal says of one of its jobs. */

import { errorLine } from '../graph/errors.ts';
import { attemptOptions } from '../graph/evolve.ts';
import type { Fact, Measurements } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import type { Cause } from '../values/causes.ts';
import { type Leaf, leavesOf } from '../values/contents.ts';
import { type EvalHash, type JobId, jobNamed, type RunId } from '../values/ids.ts';
import type { JobOptions } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import { jobIdOf } from './executors.ts';
import { type HistorySource, type JobHistory, readHistory } from './history.ts';
import { loadLarge, ValueGone } from './objects.ts';
import type { World } from './ports.ts';

/** What an attempt was given, as far as it was asked for; the rest is its executor's. */
export type AskedResources = Pick<JobOptions, 'vcpus' | 'memory' | 'gpus' | 'timeoutSeconds' | 'image' | 'queue'>;

export interface AttemptHistory {
  /** From 1. */
  readonly attempt: number;
  readonly status: 'RUNNING' | 'DONE' | 'FAILED';
  /** Of one that failed. */
  readonly cause?: Cause;
  readonly error?: string;
  /** Absent of an attempt in the engine. */
  readonly executor?: string;
  readonly executorId?: string;
  readonly resources?: AskedResources;
  readonly measured: Measurements;
}

export interface JobRecord extends JobHistory {
  readonly attempts: readonly AttemptHistory[];
  /** In the job's arguments. */
  readonly inputs: readonly Leaf[];
  /** In its value, once it has one; absent where the store has lost that. */
  readonly outputs?: readonly Leaf[];
}

/** Folds the whole journal. `job`: undefined when the run has none of that id. Undefined when there is no such run. */
export async function readJob(
  world: HistorySource & Pick<World, 'objects'>,
  run: RunId,
  id: string,
): Promise<{ readonly job: JobRecord | undefined } | undefined> {
  const seen: JobNotes = { attempts: new Map() };
  const history = await readHistory(world, run, {
    before: (graph, fact) => noteAttempt(world, seen, graph, fact),
    after: (graph) => noteJob(seen, graph, jobNamed(id)),
  });
  if (!history) return undefined;
  const known = history.jobs.find((job) => job.id === id);
  if (!known) return { job: undefined };
  const [inputs = [], outputs] = await Promise.all([seen.args, seen.value].map((table) => filesIn(world, table)));
  const attempts = [...seen.attempts.values()].sort((a, b) => a.attempt - b.attempt);
  return { job: { ...known, attempts, inputs, ...(outputs && { outputs }) } };
}

/** What passed by of a job while the journal was folded. */
interface JobNotes {
  evaluation?: EvalHash;
  args?: Table;
  value?: Table;
  readonly attempts: Map<number, AttemptHistory>;
}

function noteJob(seen: JobNotes, { jobs, works }: Graph, id: JobId): void {
  const job = jobs.get(id);
  if (!job) return;
  seen.evaluation = job.evaluation;
  const args = works.get(job.evaluation)?.args;
  if (args) seen.args = args;
  if (job.outcome && 'value' in job.outcome) seen.value = job.outcome.value;
}

function noteAttempt(world: HistorySource, { evaluation, attempts }: JobNotes, graph: Graph, fact: Fact): void {
  if (evaluation === undefined) return;
  const { works, submissions } = graph;
  switch (fact.type) {
    case 'claimed': {
      const claimed = fact.jobs.find((job) => job.eval === evaluation);
      const work = works.get(evaluation);
      if (!claimed || !work) return;
      const { attempt } = claimed;
      const resources = askedOf(attemptOptions(work));
      attempts.set(attempt, { attempt, status: 'RUNNING', executor: fact.executor, resources, measured: {} });
      return;
    }
    case 'acknowledged': {
      const submission = submissions.get(fact.submission);
      const index = submission?.jobs.findIndex((job) => job.eval === evaluation) ?? -1;
      const known = attempts.get(submission?.jobs[index]?.attempt ?? 0);
      const id = fact.ids.at(-1);
      if (!submission || !known || id === undefined) return;
      const executorId = jobIdOf(world, graph, submission, { submission: id, index });
      attempts.set(known.attempt, { ...known, ...(executorId !== undefined && { executorId }) });
      return;
    }
    case 'returned':
    case 'failed': {
      if (fact.eval !== evaluation) return;
      const { attempt, measured } = fact;
      const known = attempts.get(attempt);
      const end =
        fact.type === 'returned'
          ? ({ status: 'DONE' } as const)
          : ({ status: 'FAILED', cause: fact.cause, error: errorLine(fact.error) } as const);
      attempts.set(attempt, { ...known, attempt, ...end, measured });
    }
  }
}

function askedOf({ vcpus, memory, gpus, timeoutSeconds, image, queue }: JobOptions): AskedResources {
  return {
    ...(vcpus !== undefined && { vcpus }),
    ...(memory !== undefined && { memory }),
    ...(gpus !== undefined && { gpus }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(image !== undefined && { image }),
    ...(queue !== undefined && { queue }),
  };
}

/** undefined where there is no value, or the store has lost parts of it. */
async function filesIn({ objects }: Pick<World, 'objects'>, table: Table | undefined): Promise<Leaf[] | undefined> {
  if (!table) return undefined;
  try {
    return leavesOf(await loadLarge(objects, table)).files;
  } catch (error) {
    if (error instanceof ValueGone) return undefined;
    throw error;
  }
}
