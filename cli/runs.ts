/** Runs as people name them: by id, by its beginning, or not at all. */
import type { RunStatus, RunSummary, World } from '../core/engine/ports.ts';
import type { RunId } from '../core/graph/facts.ts';
import { UsageError } from './usage-error.ts';

/** How many of the newest runs are looked through for one whose id begins as given. */
const LOOKED_THROUGH_MAX = 1000;

/** The run whose id is `given` or begins so; without it the newest, of `status` if that is given. Throws UsageError. */
export async function findRun(world: World, given: string | undefined, status?: RunStatus): Promise<RunSummary> {
  if (given === undefined) {
    const [newest] = await world.summaries.list({ limit: 1, ...(status && { status }) });
    if (newest) return newest;
    throw new UsageError(status ? 'there is no unfinished run' : 'there are no runs yet');
  }
  const exact = await world.summaries.get(given as RunId);
  if (exact) return exact;
  const listed = await world.summaries.list({ limit: LOOKED_THROUGH_MAX });
  const matching = listed.filter(({ run }) => run.startsWith(given));
  const [only] = matching;
  if (only && matching.length === 1) return only;
  if (!only) throw new UsageError(`there is no run ${given}`);
  throw new UsageError(`${given} could be any of: ${matching.map(({ run }) => run).join(', ')}`);
}
