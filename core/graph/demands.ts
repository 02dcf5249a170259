/** What the pure core asks of the outside before it can go on. */
import type { EvalHash, Hash, JobId } from '../values/ids.ts';
import { valueAt } from '../values/present.ts';
import { INLINE_EXECUTOR, type JobOptions, SCRIPT_TASK } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import { attemptOptions } from './evolve.ts';
import { WAITING_NAMES } from './fields.ts';
import { type Computation, type Graph, runOf, type Work } from './graph.ts';

/** One attempt of a piece of work. */
export interface Attempt {
  readonly evaluation: EvalHash;
  readonly task: string;
  readonly attempt: number;
  /** A list; large values by reference. */
  readonly args: Table;
  readonly options: JobOptions;
}

export interface Lookup {
  readonly evaluation: EvalHash;
  /** Of a script: they say where it has put what is reused. */
  readonly args?: Table;
}

export interface Demands {
  /** Look at the file literals in these argument lists. */
  readonly observe: readonly { readonly call: Hash; readonly args: Table }[];
  /** Load what is large, and compute with it. */
  readonly compute: readonly { readonly application: Hash; readonly computation: Computation }[];
  /** Read the values of jobs that left the live graph. */
  readonly join: readonly { readonly job: JobId; readonly segment: Hash }[];
  /** Look these evaluations up in the cache. */
  readonly lookup: readonly Lookup[];
  /** Run these functions in the host. */
  readonly inline: readonly Attempt[];
  /** Submit these to their executors. */
  readonly submit: readonly Attempt[];
}

const NOTHING: Demands = { observe: [], compute: [], join: [], lookup: [], inline: [], submit: [] };

/** Everything that can be done now, oldest first. The cost follows what is waiting, not the size of the run. */
export function demandsOf(graph: Graph): Demands {
  if (graph.end || graph.stopping || !graph.run) return NOTHING;
  const works = [...graph.frontier]
    .map((evaluation) => valueAt(graph.works, evaluation))
    .sort((a, b) => a.ordinal - b.ordinal);
  const ready = works.filter((work) => work.state === 'ready');
  return {
    observe: [...graph.observing].map(([call, { args }]) => ({ call, args })),
    compute: [...graph.computing].map(([application, { computation }]) => ({ application, computation })),
    join: [...graph.returning].map(([job, { segment }]) => ({ job, segment })),
    lookup: [
      ...[...graph.recalls.keys()].map((key) => ({ evaluation: key })),
      ...works.filter((work) => work.state === 'lookup').map(lookupOf),
    ],
    inline: ready.filter((work) => isInline(graph, work)).map(attemptOf),
    submit: ready.filter((work) => !isInline(graph, work)).map(attemptOf),
  };
}

export function isInline(graph: Graph, work: Work): boolean {
  const executor = work.options.executor ?? INLINE_EXECUTOR;
  return (runOf(graph).program.executors[executor]?.type ?? 'inline') === 'inline';
}

function lookupOf({ evaluation, task, args }: Work): Lookup {
  return task === SCRIPT_TASK ? { evaluation, args } : { evaluation };
}

function attemptOf(work: Work): Attempt {
  return {
    evaluation: work.evaluation,
    task: work.task,
    attempt: work.attempt + 1,
    args: work.args,
    options: attemptOptions(work),
  };
}

/** Whether the run has anything to do that does not wait for a job in flight. */
export function hasWorkLeft(graph: Graph): boolean {
  if (graph.end || graph.stopping) return false;
  return graph.frontier.size > 0 || WAITING_NAMES.some((name) => graph[name].size > 0);
}
