/**
 * Sends claimed submissions: a token bucket, so that the account's rate of requests is not used up by one handler.
 *
 * 1. The clock is looked at right before each request: none begins that could outlast its sender.
 * 2. No request is outstanding when it returns.
 * 3. What was not sent is withdrawn: nobody ever saw it, so its jobs are ready again.
 */

import type { Fact } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import type { SubmissionId } from '../values/ids.ts';
import { requestOf } from './claim.ts';
import type { Executor, SubmissionRequest, SubmitOutcome } from './executor.ts';
import { executorOf } from './executors.ts';
import type { World } from './ports.ts';

/** Requests that may wait for their answers together. */
const OUTSTANDING_MAX = 10;
/**
 * Submissions claimed in one round. What a handler that dies has claimed and not acknowledged waits for its deadline and
 * a look-up each, and the fuller a round, the later the events that came meanwhile are heard.
 */
const SUBMISSIONS_MAX = 200;

/** How one round sends its requests. */
export interface Pace {
  /** When the last request may begin, ms since the epoch. */
  readonly sendEnd: number;
  /** Submissions claimed in the round. */
  claimed: number;
  /** Requests that may be sent at once, to each executor that had some. */
  readonly buckets: Map<Executor, Bucket>;
}

/** Below zero: how many have been let in ahead of their time. */
interface Bucket {
  tokens: number;
  at: number;
}

/** Of a round from `start` to `hardEnd`: no request begins that could outlast it; of a short round half the time is left. */
export function paceOf({ executors }: Pick<World, 'executors'>, start: number, hardEnd: number): Pace {
  const requestMsMax = Math.max(0, ...Object.values(executors).map(({ limits }) => limits.requestMsMax));
  return { sendEnd: hardEnd - Math.min(requestMsMax, (hardEnd - start) / 2), claimed: 0, buckets: new Map() };
}

/** How many submissions to the executor may be claimed now, so that all can be sent in time. */
export function roomFor({ sendEnd, claimed, buckets }: Pace, executor: Executor, now: number): number {
  if (now >= sendEnd) return 0;
  const { submissionsPerSecond } = executor.limits;
  // The bucket may have been emptied by what this round has sent before.
  const atOnce = buckets.has(executor) ? 0 : submissionsPerSecond;
  const inTime = atOnce + Math.floor(((sendEnd - now) * submissionsPerSecond) / 1000);
  return Math.max(0, Math.min(inTime, SUBMISSIONS_MAX - claimed));
}

/** Takes a token; gives how long to wait before it may be used. */
function takeToken({ buckets }: Pace, executor: Executor, now: number): number {
  const { submissionsPerSecond } = executor.limits;
  const intervalMs = 1000 / submissionsPerSecond;
  const bucket = buckets.get(executor) ?? { tokens: submissionsPerSecond, at: now };
  buckets.set(executor, bucket);
  bucket.tokens = Math.min(submissionsPerSecond, bucket.tokens + (now - bucket.at) / intervalMs) - 1;
  bucket.at = now;
  return Math.max(0, Math.ceil(-bucket.tokens * intervalMs));
}

export interface Sent {
  /** The answers in the order of the claims; an unknown answer is none. */
  readonly facts: readonly Fact[];
  /** Requests that the executor put off. */
  readonly throttled: number;
  /** Why the executor takes nothing from us. */
  readonly denied: string | undefined;
}

/** Sends what was claimed, in order. */
export async function sendClaimed(
  world: World,
  graph: Graph,
  claimed: readonly SubmissionId[],
  pace: Pace,
): Promise<Sent> {
  const { clock } = world;
  const { sendEnd } = pace;
  const answers = claimed.map((submission): Fact | undefined => ({ type: 'withdrawn', submission }));
  const outstanding = new Set<Promise<void>>();
  const errors: unknown[] = [];
  // A request that was throttled or denied, or met a broken world, speaks for all after it.
  let isStopped = false;
  let throttled = 0;
  let denied: string | undefined;
  const send = async (at: number, executor: Executor, request: SubmissionRequest): Promise<void> => {
    try {
      const outcome = await executor.submit(request);
      answers[at] = answerFact(request.submission, outcome);
      isStopped ||= outcome.kind === 'throttled' || outcome.kind === 'denied';
      if (outcome.kind === 'throttled') throttled++;
      if (outcome.kind === 'denied') denied ??= outcome.reason;
    } catch (error) {
      errors.push(error);
      isStopped = true;
    }
  };
  for (const [at, id] of claimed.entries()) {
    if (outstanding.size >= OUTSTANDING_MAX) await Promise.race(outstanding);
    const executor = executorOf(world, graph, graph.submissions.get(id)?.executor ?? '');
    const waitMs = takeToken(pace, executor, clock.now());
    if (isStopped || clock.now() + waitMs > sendEnd) break;
    if (waitMs > 0) await clock.sleep(waitMs);
    const request = requestOf(world, graph, id);
    if (isStopped || clock.now() > sendEnd) break;
    if (!request) continue;
    const sending = send(at, executor, request).finally(() => outstanding.delete(sending));
    outstanding.add(sending);
  }
  await Promise.all(outstanding);
  if (errors.length > 0) throw errors[0];
  return { facts: answers.flatMap((answer) => answer ?? []), throttled, denied };
}

function answerFact(submission: SubmissionId, outcome: SubmitOutcome): Fact | undefined {
  switch (outcome.kind) {
    case 'accepted':
      return { type: 'acknowledged', submission, ids: [outcome.id] };
    case 'throttled':
    case 'denied':
      return { type: 'withdrawn', submission };
    case 'refused':
      return { type: 'refused', submission, reason: outcome.reason };
    case 'unknown':
      return undefined;
  }
}
