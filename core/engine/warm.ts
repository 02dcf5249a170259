/** Graphs that stay in memory between the rounds of one process: each the fold of its run's entries 1..sequence. */

import type { Draft } from '../graph/draft.ts';
import type { RunId } from '../values/ids.ts';

export interface LiveRun {
  readonly run: RunId;
  readonly draft: Draft;
  /** Of the last entry folded. */
  sequence: number;
  /** Of the newest snapshot known. */
  snapshot: number;
  /** Of the newest stored summary known: written by this process, or found when the run was loaded. */
  summarised?: number;
  /** Set when the run was loaded and has ended, and its user wants it taken up again. */
  retry?: true;
  /** Why the executor takes no job of ours, and when it said so, ms since the epoch. */
  denied?: { readonly reason: string; readonly at: number };
  /** The executor's ids of jobs that this process has terminated. */
  terminated?: Set<string>;
}

/** A round takes the graph out while it works on it; another round of the same run meanwhile loads its own. */
export interface WarmGraphs {
  take(run: RunId): LiveRun | undefined;
  keep(live: LiveRun): void;
}

/** Keeps the graphs used last. */
export function warmGraphs(countMax: number): WarmGraphs {
  const graphs = new Map<RunId, LiveRun>();
  return {
    take(run) {
      const live = graphs.get(run);
      graphs.delete(run);
      return live;
    },
    keep(live) {
      graphs.delete(live.run);
      graphs.set(live.run, live);
      for (const oldest of graphs.keys()) {
        if (graphs.size <= countMax) break;
        graphs.delete(oldest);
      }
    },
  };
}
