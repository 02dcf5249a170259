/** Why a run stands still, noted on its summary: no entry of its journal, and the run's next step takes it away. */
import type { RunId } from '../values/ids.ts';
import type { World } from './ports.ts';

export async function noteBlocked(
  world: Pick<World, 'clock' | 'summaries'>,
  run: RunId,
  reason: string,
): Promise<void> {
  const summary = await world.summaries.get(run);
  if (!summary || summary.endedAt !== undefined || summary.blocked?.reason === reason) return;
  const at = world.clock.now();
  await world.summaries.put({ ...summary, blocked: { reason, at }, updatedAt: Math.max(at, summary.updatedAt + 1) });
}
