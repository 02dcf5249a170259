/** What a run that is not over waits for, for people and for programs. */
import type { RunSummary } from '../core/engine/ports.ts';
import type { QueuedJob, RunQueue, WaitingJobs } from '../core/engine/waiting.ts';
import type { Client } from './client.ts';
import type { ReadSession } from './session/reading.ts';
import { isOver } from './watch.ts';

/** Where nothing carries the run on, there is no executor to ask. */
export async function queueOf(
  { client, alive, isHeld }: ReadSession,
  { run, ...summary }: RunSummary,
): Promise<RunQueue> {
  return alive && !isOver(summary) && !isHeld(run) ? await client.call('waiting', { run }) : NO_QUEUE;
}

const NO_QUEUE: RunQueue = { waiting: [], queued: [] };

/** Looking means to load the run: not too often, and not what is large. */
const LOOK_PERIOD_MS = 2000;
const LOOKED_AT_NODES_MAX = 20_000;

/** For who watches a run: what is in the queue, as of the last look. */
export function queueWatcher(client: Client): (summary: RunSummary) => Promise<readonly QueuedJob[]> {
  let queued: readonly QueuedJob[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  return async (summary) => {
    const isRunning = Object.values(summary.tally).some(({ running }) => running > 0);
    if (!isRunning || (summary.liveNodes ?? 0) > LOOKED_AT_NODES_MAX) return [];
    if (performance.now() - lookedAt < LOOK_PERIOD_MS) return queued;
    // A look that fails shows nothing: whether the run is in trouble is not for the table to find out.
    queued = await client.call('waiting', { run: summary.run }).then(
      (queue) => queue.queued,
      () => [],
    );
    lookedAt = performance.now();
    return queued;
  };
}

export function waitingLines(summary: RunSummary, waiting: readonly WaitingJobs[]): string[] {
  const lines = waiting.map(({ jobs, reason }) => `  ${jobs} ${jobs === 1 ? 'job' : 'jobs'}: ${reason}`);
  const blocked = isOver(summary) ? undefined : summary.blocked;
  if (blocked) lines.push(`  the queue stands still since ${new Date(blocked.at).toISOString()}: ${blocked.reason}`);
  return lines.length > 0 ? ['Waiting:', ...lines] : [];
}
