/** Why a run that is not over waits, for people and for programs. */
import type { RunSummary, World } from '../core/engine/ports.ts';
import { type Waiting, whyWaiting } from '../core/engine/waiting.ts';
import { isOver } from './watch.ts';

/** Where no process carries the run on, there is no executor to ask. */
export function waitingOf(world: World, summary: RunSummary, alive: boolean): Promise<readonly Waiting[]> {
  return alive && !isOver(summary) ? whyWaiting(world, summary.run) : Promise.resolve([]);
}

export function waitingLines(summary: RunSummary, waiting: readonly Waiting[]): string[] {
  const lines = waiting.map(({ jobs, reason }) => `  ${jobs} ${jobs === 1 ? 'job' : 'jobs'}: ${reason}`);
  const blocked = isOver(summary) ? undefined : summary.blocked;
  if (blocked) lines.push(`  the queue stands still since ${new Date(blocked.at).toISOString()}: ${blocked.reason}`);
  return lines.length > 0 ? ['Waiting:', ...lines] : [];
}
