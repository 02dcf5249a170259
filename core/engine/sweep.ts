/** The sweep: on a schedule, whatever no event will bring forward. Idle runs cost nothing beyond the list of them. */
import type { RunSummary, World } from './ports.ts';
import { type RoundOptions, round } from './round.ts';

/** How often the schedule calls. */
export const SWEEP_PERIOD_MS = 5 * 60_000;
const ASK_INTERVAL_MAX_MS = 60 * 60_000;
/** ListJobs' lag: an overdue claim is not looked up before it. */
const CLAIM_GRACE_MS = 60_000;
const ACTIVE_RUNS_MAX = 1_000;

export interface SweepReport {
  readonly active: number;
  readonly rounds: number;
  /** Runs whose round threw, with the reason. */
  readonly failures: readonly string[];
}

/** Takes every active run by itself: a round where a claim is overdue or something is ready, a question to the executor now and then. */
export async function sweep(world: World, options: RoundOptions = {}): Promise<SweepReport> {
  const limit = ACTIVE_RUNS_MAX;
  const active = [
    ...(await world.summaries.list({ status: 'RUNNING', limit })),
    ...(await world.summaries.list({ status: 'CANCELLING', limit })),
  ];
  const now = world.clock.now();
  const failures: string[] = [];
  let rounds = 0;
  for (const summary of active) {
    const ask = isAskDue(summary, now);
    if (!ask && !needsRound(summary, now)) continue;
    try {
      await round(world, summary.run, [], { ...options, ask });
      rounds++;
    } catch (error) {
      failures.push(`${summary.run}: ${String(error)}`);
    }
  }
  return { active: active.length, rounds, failures };
}

function needsRound({ open, sequence }: RunSummary, now: number): boolean {
  // Without an entry, or without a word on what is open, the run was left by a handler that died early.
  if (!open || sequence === 0) return true;
  return open.ready || (open.claimDeadline !== undefined && now > open.claimDeadline + CLAIM_GRACE_MS);
}

/** At growing intervals, from the sweep's own to an hour: half a job's age. Reckoned from the clock, so nothing is kept. */
function isAskDue({ open }: RunSummary, now: number): boolean {
  if (open?.oldestDeadline === undefined) return false;
  const age = now - open.oldestDeadline;
  if (age < SWEEP_PERIOD_MS) return false;
  const interval = Math.min(Math.max(age / 2, SWEEP_PERIOD_MS), ASK_INTERVAL_MAX_MS);
  return age % interval < SWEEP_PERIOD_MS;
}
