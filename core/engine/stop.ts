/** Ends what a stopping run has in flight, where its policy or its user wants that. */
import { runOf } from '../graph/graph.ts';
import { STOP_REASONS } from './causes.ts';
import type { World } from './ports.ts';
import type { LiveRun } from './warm.ts';

/**
 * Terminates every job of every open submission, once while the graph is warm: the ends of thousands of jobs are as many
 * rounds. Harmless to repeat. A draining run's jobs run on.
 */
export async function stopSubmissions(world: World, live: LiveRun): Promise<void> {
  const { graph } = live.draft;
  if (graph.stopping === 'failing' && runOf(graph).failure === 'drain') return;
  const reason = STOP_REASONS[graph.stopping ?? 'cancelling'];
  live.terminated ??= new Set();
  const { terminated } = live;
  const ids = [...graph.submissions.values()].flatMap((submission) => submission.ids);
  const terminate = async (id: string): Promise<void> => {
    await world.batch.terminate(id, reason);
    terminated.add(id);
  };
  await Promise.all(ids.filter((id) => !terminated.has(id)).map(terminate));
}
