/** Ends what a stopping run has in flight, where its policy or its user wants that. */
import { runOf } from '../graph/graph.ts';
import { executorOf } from './executors.ts';
import type { World } from './ports.ts';
import type { LiveRun } from './warm.ts';

/**
 * Stops every open submission, once while the graph is warm: the ends of thousands of jobs are as many rounds. Harmless to
 * repeat. A draining run's jobs run on.
 */
export async function stopSubmissions(world: World, live: LiveRun): Promise<void> {
  const { graph } = live.draft;
  if (graph.stopping === 'failing' && runOf(graph).failure === 'drain') return;
  const reason = graph.stopping ?? 'cancelling';
  live.terminated ??= new Set();
  const { terminated } = live;
  const stops = [...graph.submissions.values()].flatMap(({ executor, ids }) =>
    ids
      .filter((id) => !terminated.has(id))
      .map(async (id) => {
        await executorOf(world, graph, executor).stop(id, reason);
        terminated.add(id);
      }),
  );
  await Promise.all(stops);
}
