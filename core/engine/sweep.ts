/** The sweep: on a schedule, whatever no event will bring forward. Idle runs cost nothing beyond the list of them. */
import type { RunSummary, World } from './ports.ts';
import { type RoundOptions, round } from './round.ts';

/** How often the schedule calls. */
export const SWEEP_PERIOD_MS = 5 * 60_000;
const ASK_INTERVAL_MAX_MS = 60 * 60_000;
/** A round is not begun with less than this left: its submissions could not be waited for. */
const ROUND_MS_MIN = 15_000;
/** A run without a first entry for this long never gets one: whoever was starting it is gone, as a Lambda lives for 15 minutes. */
const BEGIN_MS_MAX = 20 * 60_000;

export interface SweepReport {
  readonly active: number;
  readonly rounds: number;
  /** Runs that were not looked at for want of time: the next sweep begins elsewhere. */
  readonly left: number;
  /** Runs whose round threw, or whose jobs the executor does not take, with the reason. */
  readonly failures: readonly string[];
}

export interface SweepOptions extends RoundOptions {
  /** How often the schedule calls; default 5 minutes. */
  readonly periodMs?: number | undefined;
}

/** Takes every active run by itself: a round where a claim is overdue or something is ready, a question to the executor now and then. */
export async function sweep(
  world: World,
  { periodMs = SWEEP_PERIOD_MS, ...options }: SweepOptions = {},
): Promise<SweepReport> {
  const now = world.clock.now();
  const active = turned(
    [
      ...(await world.summaries.list({ status: 'RUNNING' })),
      ...(await world.summaries.list({ status: 'CANCELLING' })),
    ].filter(({ run }) => !world.held?.has(run)),
    Math.floor(now / periodMs),
  );
  const lastStart = (options.hardEnd ?? Number.POSITIVE_INFINITY) - ROUND_MS_MIN;
  const failures: string[] = [];
  let rounds = 0;
  for (const [at, summary] of active.entries()) {
    if (world.clock.now() > lastStart) return { active: active.length, rounds, left: active.length - at, failures };
    const ask = isAskDue(summary, now, periodMs);
    if (!ask && !needsRound(world, summary, now)) continue;
    try {
      const { status, denied } = await round(world, summary.run, [], { ...options, ask, summarised: summary.sequence });
      if (denied !== undefined) failures.push(`${summary.run}: ${denied}`);
      if (status === 'unknown' && now - summary.updatedAt > BEGIN_MS_MAX) await giveUp(world, summary);
      rounds++;
    } catch (error) {
      failures.push(`${summary.run}: ${String(error)}`);
    }
  }
  return { active: active.length, rounds, left: 0, failures };
}

/** The same list begun elsewhere, so that no run is always the last. */
function turned<T>(list: readonly T[], by: number): T[] {
  const first = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

/** The run was asked for but never begun: nothing of it is anywhere. */
async function giveUp(world: World, { open: _open, ...summary }: RunSummary): Promise<void> {
  const now = world.clock.now();
  const traceback = 'The run was never begun: whoever was starting it ended too early. Start it again.';
  const ended: RunSummary = { ...summary, status: 'FAILED', updatedAt: now, endedAt: now, traceback };
  await world.bus.ended(ended);
  await world.summaries.put(ended);
}

function needsRound({ sender, executors }: World, { open, sequence }: RunSummary, now: number): boolean {
  // Without an entry, or without a word on what is open, the run was left by a handler that died early.
  if (!open || sequence === 0) return true;
  // An exclusive sender need not wait for the deadlines of those before it.
  const lagMsMin = Math.min(...Object.values(executors).map(({ limits }) => limits.lookupLagMs));
  const isOverdue = (deadline: number) => sender.exclusive || now > deadline + lagMsMin;
  return open.ready || (open.claimDeadline !== undefined && isOverdue(open.claimDeadline));
}

/**
 * At growing intervals: when a job's age has doubled, from the sweep's own period on, and every hour. Reckoned from the
 * clock, so nothing is kept.
 */
function isAskDue({ open }: RunSummary, now: number, periodMs: number): boolean {
  if (open?.oldestDeadline === undefined) return false;
  const age = now - open.oldestDeadline;
  if (age < periodMs) return false;
  const doubled = periodMs * 2 ** Math.floor(Math.log2(age / periodMs));
  const sinceDue = age < ASK_INTERVAL_MAX_MS ? age - doubled : age % ASK_INTERVAL_MAX_MS;
  return sinceDue < periodMs;
}
