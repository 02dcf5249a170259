/** Why a run waits: asked when somebody wants to know. */
import { isInline } from '../graph/demands.ts';
import type { EvalHash, RunId } from '../graph/facts.ts';
import type { Graph, Submission } from '../graph/graph.ts';
import { loadRun } from './load.ts';
import type { Verdict, World } from './ports.ts';

export interface Waiting {
  readonly jobs: number;
  /** For people; the executor's own words where it has any. */
  readonly reason: string;
}

/** Jobs asked about: three requests of DescribeJobs. */
const ASKED_MAX = 300;

/** Jobs that have not begun, by reason, most jobs first. Takes nothing forward. */
export async function whyWaiting(world: World, run: RunId): Promise<Waiting[]> {
  const live = await loadRun(world, run);
  if (typeof live === 'string') return [];
  const { graph } = live.draft;
  try {
    const submissions = [...graph.submissions.values()];
    const sent = submissions.filter(({ ids }) => ids.length > 0).slice(0, ASKED_MAX);
    const shareOfEach = Math.floor(ASKED_MAX / Math.max(1, sent.length));
    const asked = sent.flatMap((submission) => openJobs(graph, submission, shareOfEach));
    const verdicts = asked.length > 0 ? await world.batch.describe(asked.map(({ id }) => id)) : [];
    const known = new Map(verdicts.map((verdict) => [verdict.id, verdict]));
    return summed([
      ...asked.flatMap((one) => inQueue(known.get(one.id), one.jobs)),
      ...submissions.filter(({ ids }) => ids.length === 0).map(unanswered),
      ...[...graph.frontier].flatMap((evaluation) => ready(graph, evaluation)),
    ]);
  } finally {
    // Another process may have gone on from here by the time this graph is used again.
    delete live.summarised;
    world.warm.keep(live);
  }
}

interface Asked {
  readonly id: string;
  /** How many jobs it speaks for. */
  readonly jobs: number;
}

/** The submission's open jobs, of an array the first ones: queues are first in, first out, so the last asked speaks for the rest. */
function openJobs({ works }: Graph, { id, ids, jobs }: Submission, countMax: number): Asked[] {
  const newest = ids.at(-1) as string;
  if (jobs.length === 1) return [{ id: newest, jobs: 1 }];
  const open = [...jobs.keys()].filter((at) => works.get(jobs[at]?.eval as EvalHash)?.submission === id);
  return open
    .slice(0, countMax)
    .map((at, order) => ({ id: `${newest}:${at}`, jobs: order === countMax - 1 ? open.length - order : 1 }));
}

function inQueue(verdict: Verdict | undefined, jobs: number): Waiting[] {
  const { status, statusReason } = verdict ?? {};
  if (status !== 'SUBMITTED' && status !== 'PENDING' && status !== 'RUNNABLE' && status !== 'STARTING') return [];
  return [{ jobs, reason: statusReason ? `${status}: ${statusReason}` : status }];
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
