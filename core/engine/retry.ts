/** Retry: a run that failed or was cancelled goes on with the same bundle; only what has no value is run. */
import type { RunId } from '../graph/facts.ts';
import type { World } from './ports.ts';
import { type RoundOptions, type RoundReport, round } from './round.ts';

/** Attempt numbers go on where they were. A run that is running or done stays as it is. */
export async function retry(world: World, run: RunId, options: RoundOptions = {}): Promise<RoundReport> {
  const summary = await world.summaries.get(run);
  if (!summary || summary.status === 'RUNNING' || summary.status === 'CANCELLING' || summary.status === 'DONE') {
    return { status: summary?.status ?? 'unknown', appended: 0, submitted: 0 };
  }
  const { endedAt: _endedAt, result: _result, traceback: _traceback, otherErrors: _others, ...rest } = summary;
  // Before the fact, so that whoever sweeps finds the run, whatever happens next. Clocks differ: it must be newer.
  const updatedAt = Math.max(world.clock.now(), summary.updatedAt + 1);
  await world.summaries.put({ ...rest, status: 'RUNNING', updatedAt, open: { ready: true } });
  await world.attempts.reopen(run);
  return round(world, run, [], { ...options, ended: true, facts: [{ type: 'retried', at: world.clock.now() }] });
}
