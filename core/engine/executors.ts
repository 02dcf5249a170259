/** Which executor a submission is for: authors name executors, and each is of a kind that the deployment has one of. */
import { type Graph, runOf, type Submission } from '../graph/graph.ts';
import type { Executor, ExecutorJob } from './executor.ts';

/** By kind. */
export type Executors<Part extends keyof Executor = keyof Executor> = Readonly<Record<string, Pick<Executor, Part>>>;

/** Of an executor by its author's name; where this deployment has none of its kind, one that takes nothing and says so. */
export function executorOf({ executors }: { readonly executors: Executors }, graph: Graph, name: string): Executor {
  const kind = kindOf(graph, name);
  return (Object.hasOwn(executors, kind) && executors[kind]) || missing(kind, Object.keys(executors));
}

/** The id of one of the submission's jobs; undefined where this deployment has no executor of the kind. */
export function jobIdOf(
  { executors }: { readonly executors: Executors<'ids'> },
  graph: Graph,
  { executor, jobs }: Submission,
  { submission, index }: Required<ExecutorJob>,
): string | undefined {
  const kind = kindOf(graph, executor);
  if (!Object.hasOwn(executors, kind)) return undefined;
  return executors[kind]?.ids.of(jobs.length > 1 ? { submission, index } : { submission });
}

function kindOf(graph: Graph, name: string): string {
  return runOf(graph).program.executors[name]?.type ?? name;
}

function missing(kind: string, known: readonly string[]): Executor {
  const reason = `no executor of kind '${kind}' here; this deployment has ${known.join(', ')}`;
  return {
    limits: { jobsPerSubmission: 1, submissionsPerSecond: 20, requestMsMax: 0, jobsPerLook: 100, lookupLagMs: 0 },
    ids: { of: ({ submission }) => submission, parse: (submission) => ({ submission }) },
    submit: () => Promise.resolve({ kind: 'refused', reason }),
    find: () => Promise.resolve([]),
    look: () => Promise.resolve([]),
    stop: () => Promise.resolve(),
  };
}
