/** The run's summary: all that lists, polling and the status table need, in one item. */
import { hasWorkLeft } from '../graph/demands.ts';
import type { Graph, RunEnd } from '../graph/graph.ts';
import { runOf } from '../graph/graph.ts';
import type { OpenWork, RunStatus, RunSummary, TaskTally } from './ports.ts';
import { errorOfJob, tracebackOf } from './traceback.ts';
import type { LiveRun } from './warm.ts';

const OTHER_ERRORS_MAX = 20;

export function summaryOf(live: LiveRun, now: number): RunSummary {
  const { graph } = live.draft;
  const { run, at, tags, program, workflow, args, asked } = runOf(graph);
  return {
    run,
    workflow,
    args,
    bundle: program.bundle,
    status: statusOf(graph),
    sequence: live.sequence,
    startedAt: at,
    updatedAt: now,
    ...(graph.end && { endedAt: graph.end.at }),
    tally: tallyOf(graph),
    liveNodes: graph.nodes.size,
    ...(graph.end && endingOf(graph, graph.end)),
    ...(!graph.end && { open: openWorkOf(graph) }),
    ...(live.snapshot > 0 && { snapshot: live.snapshot }),
    tags,
    ...(asked && { asked }),
  };
}

function statusOf(graph: Graph): RunStatus {
  if (graph.end) return graph.end.status;
  return graph.stopping === 'cancelling' ? 'CANCELLING' : 'RUNNING';
}

function openWorkOf(graph: Graph): OpenWork {
  const submissions = [...graph.submissions.values()];
  const deadlines = submissions.map(({ deadline }) => deadline);
  const unanswered = submissions.filter(({ ids }) => ids.length === 0).map(({ deadline }) => deadline);
  return {
    // Nothing in flight and not over: whatever is left must be asked for.
    ready: submissions.length === 0 || hasWorkLeft(graph),
    ...(unanswered.length > 0 && { claimDeadline: Math.min(...unanswered) }),
    ...(deadlines.length > 0 && { oldestDeadline: Math.min(...deadlines) }),
  };
}

function tallyOf(graph: Graph): Record<string, TaskTally> {
  return Object.fromEntries(
    [...graph.tally].map(([task, { PENDING, RUNNING, FAILED, CACHED, DONE, CANCELLED }]) => [
      task,
      { pending: PENDING, running: RUNNING, failed: FAILED, cached: CACHED, done: DONE, cancelled: CANCELLED },
    ]),
  );
}

function endingOf(graph: Graph, end: RunEnd): Partial<RunSummary> {
  if (end.status === 'DONE') return { result: end.value };
  if (end.status === 'CANCELLED') return {};
  const { error, origin } = end.failure;
  const others = graph.failed
    .filter((job) => job !== origin)
    .flatMap((job) => {
      const outcome = graph.jobs.get(job)?.outcome;
      // A job whose error came from below repeats it; only where an error arose is it news.
      return outcome && 'failure' in outcome && outcome.failure.origin === job
        ? [errorOfJob(graph, job, outcome.failure.error)]
        : [];
    });
  return {
    result: error,
    traceback: tracebackOf(graph, origin, error),
    ...(others.length > 0 && { otherErrors: others.slice(0, OTHER_ERRORS_MAX) }),
  };
}
