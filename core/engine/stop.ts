/** Ends what a stopping run has in flight, where its policy or its user wants that. */
import type { Graph } from '../graph/graph.ts';
import { runOf } from '../graph/graph.ts';
import { STOP_REASONS } from './causes.ts';
import type { World } from './ports.ts';

/** Terminates every job of every open submission; harmless to repeat. A draining run's jobs run on. */
export async function stopSubmissions(world: World, graph: Graph): Promise<void> {
  if (graph.stopping === 'failing' && runOf(graph).failure === 'drain') return;
  const reason = STOP_REASONS[graph.stopping ?? 'cancelling'];
  const ids = [...graph.submissions.values()].flatMap((submission) => submission.ids);
  await Promise.all(ids.map((id) => world.batch.terminate(id, reason)));
}
