/** Why a run waits: asked when somebody wants to know. */

import { isInline } from '../graph/demands.ts';
import type { Graph, Submission } from '../graph/graph.ts';
import type { EvalHash, JobId, RunId } from '../values/ids.ts';
import { unknownKind } from '../values/never.ts';
import { last } from '../values/present.ts';
import type { Executor, ExecutorJob, JobState } from './executor.ts';
import { executorOf } from './executors.ts';
import { type Loading, loadRun } from './load.ts';
import type { World } from './ports.ts';

export interface WaitingJobs {
  readonly jobs: number;
  /** For people; the executor's own words where it has any. */
  readonly reason: string;
}

/** Requests for reports, to each executor. */
const LOOKS_MAX = 3;

export interface RunQueue {
  /** By reason, most jobs first. */
  readonly waiting: readonly WaitingJobs[];
  /** Jobs that were submitted and have not begun. */
  readonly queued: readonly QueuedJob[];
}

export interface QueuedJob {
  readonly id: JobId;
  readonly task: string;
}

/** Jobs that have not begun. Takes nothing forward. */
export async function lookAtQueue(world: Loading & Pick<World, 'executors'>, run: RunId): Promise<RunQueue> {
  const live = await loadRun(world, run);
  if (typeof live === 'string') return { waiting: [], queued: [] };
  const { graph } = live.draft;
  const submissions = [...graph.submissions.values()];
  const sent = submissions.filter(({ ids }) => ids.length > 0);
  const byExecutor = [...Map.groupBy(sent, (submission) => executorOf(world, graph, submission.executor))];
  const samples = byExecutor.map(([executor, ofExecutor]) => samplesOf(graph, executor, ofExecutor));
  const lost = submissions.filter(({ ids }) => ids.length === 0);
  const unheard = lost.flatMap(({ jobs }) => jobs.flatMap((job) => jobsOf(graph, job.eval)));
  const unsent = [...lost.map(unanswered), ...[...graph.frontier].flatMap((evaluation) => ready(graph, evaluation))];
  // Another process may have gone on from here by the time this graph is used again. A round may want it at once.
  delete live.summarised;
  delete live.retry;
  world.warm.keep(live);
  const inQueue = (await Promise.all(samples.map(reasonsToWait))).flat();
  return {
    waiting: summed([...inQueue.map(({ size, reason }) => ({ jobs: size, reason })), ...unsent]),
    queued: [...inQueue.flatMap(({ jobs }) => jobs), ...unheard],
  };
}

/** Jobs that one executor is asked about together. */
interface Samples {
  readonly executor: Executor;
  readonly jobs: readonly SampledJob[];
}

interface SampledJob {
  readonly job: ExecutorJob;
  /** How many jobs of the executor it speaks for. */
  readonly size: number;
  readonly jobs: readonly QueuedJob[];
}

function samplesOf(graph: Graph, executor: Executor, sent: readonly Submission[]): Samples {
  const countMax = LOOKS_MAX * executor.limits.jobsPerLook;
  const shareOfEach = Math.max(1, Math.floor(countMax / sent.length));
  const asked = sent.slice(0, countMax);
  return { executor, jobs: asked.flatMap((submission) => openJobs(graph, submission, shareOfEach)) };
}

/** The submission's open jobs, of an array the first ones: queues are first in, first out, so the last asked speaks for the rest. */
function openJobs(graph: Graph, { id, ids, jobs }: Submission, countMax: number): SampledJob[] {
  const submission = last(ids);
  const open = [...jobs.entries()].filter(([, job]) => graph.works.get(job.eval)?.submission === id);
  return open.slice(0, countMax).map(([index], order) => {
    const spokenFor = open.slice(order, order === countMax - 1 ? undefined : order + 1);
    return {
      job: jobs.length === 1 ? { submission } : { submission, index },
      size: spokenFor.length,
      jobs: spokenFor.flatMap(([, job]) => jobsOf(graph, job.eval)),
    };
  });
}

/** Of those that wait, why. */
async function reasonsToWait({ executor, jobs }: Samples): Promise<(SampledJob & { readonly reason: string })[]> {
  const reports = jobs.length > 0 ? await executor.look(jobs.map(({ job }) => job)) : [];
  const states = new Map(reports.map(({ job, state }) => [executor.ids.of(job), state]));
  return jobs.flatMap((one) => {
    const state = states.get(executor.ids.of(one.job));
    const reason = state && reasonToWait(state);
    return reason === undefined ? [] : [{ ...one, reason }];
  });
}

function reasonToWait(state: JobState): string | undefined {
  switch (state.is) {
    case 'waiting':
      return state.reason;
    case 'running':
    case 'over':
      return undefined;
    default:
      return unknownKind('state of a job', state);
  }
}

/** Work is shared by jobs. */
function jobsOf({ works }: Graph, evaluation: EvalHash): QueuedJob[] {
  const { task = '', jobs = [] } = works.get(evaluation) ?? {};
  return jobs.map((id) => ({ id, task }));
}

function unanswered({ jobs }: Submission): WaitingJobs {
  return { jobs: jobs.length, reason: 'submitted, but the executor’s answer is not known yet' };
}

function ready(graph: Graph, evaluation: EvalHash): WaitingJobs[] {
  const work = graph.works.get(evaluation);
  if (work?.state !== 'ready' || isInline(graph, work)) return [];
  const limits = Object.keys(work.options.limits ?? {});
  const reason = limits.length > 0 ? `ready, within the limit of ${limits.join(' and ')}` : 'ready to be submitted';
  return [{ jobs: 1, reason }];
}

function summed(all: readonly WaitingJobs[]): WaitingJobs[] {
  const jobs = new Map<string, number>();
  for (const one of all) jobs.set(one.reason, (jobs.get(one.reason) ?? 0) + one.jobs);
  return [...jobs].map(([reason, count]) => ({ jobs: count, reason })).sort((a, b) => b.jobs - a.jobs);
}
