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
import type { SubmissionRequest, SubmitOutcome, World } from './ports.ts';

/** AWS Batch takes 50 SubmitJob a second for account and region: a full bucket and a second's refill stay below that. */
const BURST = 20;
const PER_SECOND = 20;
/** Requests that may wait for their answers together. */
const OUTSTANDING_MAX = 10;
/** After this a request is given up (its answer is unknown then), so it is not begun with less time left. */
const REQUEST_MS_MAX = 13_000;
/**
 * Submissions claimed in one round. What a handler that dies has claimed and not acknowledged waits for its deadline and
 * a look-up each, and the fuller a round, the later the events that came meanwhile are heard.
 */
const SUBMISSIONS_MAX = 200;

const INTERVAL_MS = 1000 / PER_SECOND;

/** When the last request of a round from `start` to `hardEnd` may begin; of a short one half the time is left. */
export function sendEndOf(start: number, hardEnd: number): number {
  return hardEnd - Math.min(REQUEST_MS_MAX, (hardEnd - start) / 2);
}

/** How many submissions may be claimed now, after `claimed` in the same round, so that all can be sent in time. */
export function submissionsThatFit(now: number, sendEnd: number, claimed: number): number {
  if (now >= sendEnd) return 0;
  // The bucket may have been emptied by what this round has sent before.
  const inTime = (claimed === 0 ? BURST : 0) + Math.floor((sendEnd - now) / INTERVAL_MS);
  return Math.max(0, Math.min(inTime, SUBMISSIONS_MAX - claimed));
}

/** Requests that may be sent at once, and as of when. Below zero: how many have been let in ahead of their time. */
export interface Bucket {
  tokens: number;
  at: number;
}

export function fullBucket(now: number): Bucket {
  return { tokens: BURST, at: now };
}

/** Takes a token; gives how long to wait before it may be used. */
function takeToken(bucket: Bucket, now: number): number {
  bucket.tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / INTERVAL_MS) - 1;
  bucket.at = now;
  return Math.max(0, Math.ceil(-bucket.tokens * INTERVAL_MS));
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
  { sendEnd, bucket }: { readonly sendEnd: number; readonly bucket: Bucket },
): Promise<Sent> {
  const { clock } = world;
  const answers = claimed.map((submission): Fact | undefined => ({ type: 'withdrawn', submission }));
  const outstanding = new Set<Promise<void>>();
  const errors: unknown[] = [];
  // A request that was throttled or denied, or met a broken world, speaks for all after it.
  let isStopped = false;
  let throttled = 0;
  let denied: string | undefined;
  const send = async (at: number, id: SubmissionId, request: SubmissionRequest): Promise<void> => {
    try {
      const outcome = await world.batch.submit(request);
      answers[at] = answerFact(id, outcome);
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
    const waitMs = takeToken(bucket, clock.now());
    if (isStopped || clock.now() + waitMs > sendEnd) break;
    if (waitMs > 0) await clock.sleep(waitMs);
    const request = requestOf(world, graph, id);
    if (isStopped || clock.now() > sendEnd) break;
    if (!request) continue;
    const sending = send(at, id, request).finally(() => outstanding.delete(sending));
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
