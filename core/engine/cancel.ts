/** Cancel: a fact, and a mark that every runner reads when it claims its work. */
import type { RunId } from '../graph/facts.ts';
import type { World } from './ports.ts';
import { type RoundOptions, type RoundReport, round } from './round.ts';

/** Nothing new starts from now on; what is in flight is terminated. The run is terminal when all of that has ended. */
export async function cancel(
  world: World,
  run: RunId,
  reason: string,
  options: RoundOptions = {},
): Promise<RoundReport> {
  await world.attempts.cancel(run);
  return round(world, run, [], { ...options, facts: [{ type: 'cancelled', at: world.clock.now(), reason }] });
}
