/** Why a run waits: asked when somebody wants to know. */

import { isInline } from '../graph/demands.ts';
import type { Graph, Submission } from '../graph/graph.ts';
import type { EvalHash, JobId, RunId } from '../values/ids.ts';
import { type Loading, loadRun } from './load.ts';
import type { Verdict, World } from './ports.ts';
import { stageOf } from './statuses.ts';

export interface Waiting {
  readonly jobs: number;
  /** For people; the executor's own words where it has any. */
  readonly reason: string;
}

/** Jobs asked about: three requests of DescribeJobs. */
const ASKED_MAX = 300;

export interface Queue {
  /** By reason, most jobs first. */
  readonly waiting: readonly Waiting[];
  /** Jobs that were submitted and have not begun. */
  readonly queued: readonly QueuedJob[];
}

export interface QueuedJob {
  readonly id: JobId;
  readonly task: string;
}

/** Jobs that have not begun. Takes nothing forward. */
export async function lookAtQueue(world: Loading & Pick<World, 'batch'>, run: RunId): Promise<Queue> {
  const live = await loadRun(world, run);
  if (typeof live === 'string') return { waiting: [], queued: [] };
  const { graph } = live.draft;
  const submissions = [...graph.submissions.values()];
  const sent = submissions.filter(({ ids }) => ids.length > 0).slice(0, ASKED_MAX);
  const shareOfEach = Math.floor(ASKED_MAX / Math.max(1, sent.length));
  const asked = sent.flatMap((submission) => openJobs(graph, submission, shareOfEach));
  const lost = submissions.filter(({ ids }) => ids.length === 0);
  const unheard = lost.flatMap(({ jobs }) => jobs.flatMap((job) => jobsOf(graph, job.eval)));
  const unsent = [...lost.map(unanswered), ...[...graph.frontier].flatMap((evaluation) => ready(graph, evaluation))];
  // Another process may have gone on from here by the time this graph is used again. A round may want it at once.
  delete live.summarised;
  delete live.retry;
  world.warm.keep(live);
  const verdicts = asked.length > 0 ? await world.batch.describe(asked.map(({ id }) => id)) : [];
  const known = new Map(verdicts.map((verdict) => [verdict.id, verdict]));
  const inQueue = asked.flatMap((one) => {
    const reason = queueReason(known.get(one.id));
    return reason === undefined ? [] : [{ ...one, reason }];
  });
  return {
    waiting: summed([...inQueue.map(({ size, reason }) => ({ jobs: size, reason })), ...unsent]),
    queued: [...inQueue.flatMap(({ jobs }) => jobs), ...unheard],
  };
}

interface Asked {
  readonly id: string;
  /** How many jobs of the executor it speaks for. */
  readonly size: number;
  readonly jobs: readonly QueuedJob[];
}

/** The submission's open jobs, of an array the first ones: queues are first in, first out, so the last asked speaks for the rest. */
function openJobs(graph: Graph, { id, ids, jobs }: Submission, countMax: number): Asked[] {
  const newest = ids.at(-1) as string;
  const open = [...jobs.entries()].filter(([, job]) => graph.works.get(job.eval)?.submission === id);
  return open.slice(0, countMax).map(([at], order) => {
    const spokenFor = open.slice(order, order === countMax - 1 ? undefined : order + 1);
    return {
      id: jobs.length === 1 ? newest : `${newest}:${at}`,
      size: spokenFor.length,
      jobs: spokenFor.flatMap(([, job]) => jobsOf(graph, job.eval)),
    };
  });
}

/** Work is shared by jobs. */
function jobsOf({ works }: Graph, evaluation: EvalHash): QueuedJob[] {
  const { task = '', jobs = [] } = works.get(evaluation) ?? {};
  return jobs.map((id) => ({ id, task }));
}

function queueReason({ status, statusReason }: Partial<Verdict> = {}): string | undefined {
  if (status === undefined || stageOf(status) !== 'waiting') return undefined;
  return statusReason ? `${status}: ${statusReason}` : status;
}

function unanswered({ jobs }: Submission): Waiting {
  return { jobs: jobs.length, reason: 'submitted, but the executor’s answer is not known yet' };
}

function ready(graph: Graph, evaluation: EvalHash): Waiting[] {
  const work = graph.works.get(evaluation);
  if (work?.state !== 'ready' || isInline(graph, work)) return [];
  const limits = Object.keys(work.options.limits ?? {});
  const reason = limits.length > 0 ? `ready, within the limit of ${limits.join(' and ')}` : 'ready to be submitted';
  return [{ jobs: 1, reason }];
}

function summed(all: readonly Waiting[]): Waiting[] {
  const jobs = new Map<string, number>();
  for (const one of all) jobs.set(one.reason, (jobs.get(one.reason) ?? 0) + one.jobs);
  return [...jobs].map(([reason, count]) => ({ jobs: count, reason })).sort((a, b) => b.jobs - a.jobs);
}
