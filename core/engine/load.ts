/** load: the warm graph, else snapshot; then the journal's tail. */

import { finishedJobs, SEGMENT_JOBS_MIN, segmentName, segmentValues } from '../graph/done.ts';
import { draftOf, noEffects } from '../graph/draft.ts';
import { evolve } from '../graph/evolve.ts';
import type { Fact } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import { graphOf, type Snapshot, snapshotOf } from '../graph/snapshot.ts';
import type { RunId } from '../values/ids.ts';
import { noteBlocked } from './blocked.ts';
import { getSealed, keys, putSealed, ValueGone } from './objects.ts';
import type { Entry, RunStatus, RunSummary, World } from './ports.ts';
import type { LiveRun } from './warm.ts';

/** What a run is loaded from. */
export type Loading = Pick<World, 'clock' | 'journal' | 'liveNodesMax' | 'objects' | 'summaries' | 'warm'>;

/** The run up to its newest entry; or, without loading it, that there is none or how it ended. */
export async function loadRun(world: Loading, run: RunId): Promise<LiveRun | RunStatus | 'unknown'> {
  const warm = world.warm.take(run);
  if (warm) {
    await foldTail(world, warm);
    // Of a run that others took to its end the summary says more: whether that was told, and whether it is to go on.
    if (!warm.draft.graph.end) return warm;
  }
  const summary = await world.summaries.get(run);
  if (!summary) return 'unknown';
  // Late events of a run that ended cost one read.
  if (summary.endedAt !== undefined) return summary.status;
  const live = await loadCold(world, summary);
  await foldTail(world, live);
  if (live.sequence === 0) return 'unknown';
  if (summary.retry && live.sequence === summary.sequence) live.retry = true;
  return live;
}

/** Folds what others have appended since. */
export async function foldTail(world: Pick<World, 'journal'>, live: LiveRun): Promise<void> {
  for (const entry of await world.journal.readAfter(live.run, live.sequence)) foldEntry(live, entry);
}

export function foldEntry(live: LiveRun, entry: Entry): void {
  if (entry.sequence !== live.sequence + 1) {
    throw new Error(`the journal of ${live.run} goes from ${live.sequence} to ${entry.sequence}`);
  }
  for (const fact of entry.facts) evolve(live.draft, fact);
  live.draft.effects = noEffects();
  live.sequence = entry.sequence;
}

/** As of its newest snapshot. */
async function loadCold(world: Loading, summary: RunSummary): Promise<LiveRun> {
  await refuseTooLarge(world, summary);
  const { run } = summary;
  const newest = summary.snapshot ?? 0;
  const graph = newest > 0 ? await snapshotAt(world, run, newest) : undefined;
  const { sequence: summarised } = summary;
  if (graph) return { run, draft: draftOf(graph), sequence: newest, snapshot: newest, summarised };
  return { run, draft: draftOf(), sequence: 0, snapshot: 0, summarised };
}

/** Of one that is gone or damaged nothing is lost: the journal says the same. */
async function snapshotAt({ objects }: Loading, run: RunId, sequence: number): Promise<Graph | undefined> {
  try {
    return graphOf(await getSealed<Snapshot>(objects, keys.snapshot(run, sequence)));
  } catch (error) {
    if (error instanceof ValueGone) return undefined;
    throw error;
  }
}

/** Throws when the graph would not fit: better one run refused than a process out of memory, again and again, with all runs. */
async function refuseTooLarge(world: Loading, { run, liveNodes = 0 }: RunSummary): Promise<void> {
  const { liveNodesMax = Number.POSITIVE_INFINITY } = world;
  if (liveNodes <= liveNodesMax) return;
  const reason =
    `run ${run} is not loaded: its live graph has ${liveNodes} nodes, and REDEX_LIVE_NODES_MAX allows ${liveNodesMax}. ` +
    'Allow more, with the memory for it (about 2 KB each), and send its events again';
  await noteBlocked(world, run, reason);
  throw new Error(reason);
}

/** Entries between snapshots: a cold load folds at most about this many. */
const SNAPSHOT_INTERVAL = 64;

export function isSnapshotDue(live: LiveRun, sequence: number): boolean {
  return sequence - live.snapshot >= SNAPSHOT_INTERVAL;
}

/** Before a snapshot, finished jobs leave the live graph, so that its size follows what is going on and not what was. */
export async function letFinishedLeave(world: World, live: LiveRun): Promise<Fact[]> {
  const jobs = finishedJobs(live.draft.graph);
  if (jobs.length < SEGMENT_JOBS_MIN) return [];
  const segment = segmentName(jobs);
  await putSealed(world.objects, keys.done(live.run, segment), segmentValues(jobs));
  return [{ type: 'left', segment }];
}

/** Now and then a snapshot of the committed graph. It may be lost: the journal says the same. */
export async function snapshotIfDue(world: World, live: LiveRun): Promise<void> {
  if (!isSnapshotDue(live, live.sequence) || live.draft.graph.end) return;
  await putSealed(world.objects, keys.snapshot(live.run, live.sequence), snapshotOf(live.draft.graph));
  live.snapshot = live.sequence;
}
