/** Runs that cannot be loaded any more, since their journal is damaged: they end by name instead of never. */
import type { RunId } from '../values/ids.ts';
import type { RunStatus, RunSummary, World } from './ports.ts';

/** An entry is there, and what it says is gone or is something else. Trying again will not help. */
export class JournalDamaged extends Error {
  override readonly name = 'JournalDamaged';
}

const ADVICE = 'What its jobs came to is in the cache: start the same workflow again.';

/** Nothing of the run is written from now on. Which of its jobs are in flight nobody knows: what they do counts for nothing. */
export async function endDamaged(world: World, run: RunId, error: JournalDamaged): Promise<RunStatus | 'unknown'> {
  const found = await world.summaries.get(run);
  if (!found) return 'unknown';
  if (found.endedAt !== undefined) return found.status;
  await world.attempts.cancel(run);
  const { open: _open, blocked: _blocked, retry: _retry, ...summary } = found;
  // Clocks differ: the summary must be newer.
  const now = Math.max(world.clock.now(), summary.updatedAt + 1);
  const traceback = `${error.name}: ${error.message}\n${ADVICE}`;
  const ended: RunSummary = { ...summary, status: 'FAILED', updatedAt: now, endedAt: now, traceback };
  await world.bus.ended(ended);
  await world.summaries.put(ended);
  return ended.status;
}
