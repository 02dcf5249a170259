/** Retry: a run that failed or was cancelled goes on with the same bundle, from the next round on; only what has no value is run. */
import type { RunId } from '../values/ids.ts';
import type { RunStatus, World } from './ports.ts';
import { type RoundOptions, round } from './round.ts';
import { mayRetry } from './statuses.ts';

/** Attempt numbers go on where they were. A run that is running or done stays as it is. */
export async function retry(world: World, run: RunId, options: RoundOptions = {}): Promise<RunStatus | 'unknown'> {
  let summary = await world.summaries.get(run);
  if (summary?.sequence === 0) {
    // It never began, or its summary is damaged: then a round writes that anew.
    await round(world, run, [], options);
    summary = await world.summaries.get(run);
  }
  if (!summary || summary.sequence === 0 || !mayRetry(summary.status)) {
    return summary?.sequence ? summary.status : 'unknown';
  }
  const { endedAt: _endedAt, result: _result, traceback: _traceback, otherErrors: _others, ...rest } = summary;
  // It comes seconds later, whatever has become of this handler by then; until the next line is done it changes nothing.
  await world.bus.wake(run, 'soon');
  await world.attempts.reopen(run);
  // From now on any round of the run records the retry. Clocks differ: the summary must be newer.
  const updatedAt = Math.max(world.clock.now(), summary.updatedAt + 1);
  await world.summaries.put({ ...rest, status: 'RUNNING', updatedAt, open: { ready: true }, retry: true });
  await world.bus.wake(run, 'now');
  return 'RUNNING';
}
