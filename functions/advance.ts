/**
 * Takes runs forward: one round for each run that the events speak of. Comes as an SQS batch of EventBridge events, or as
 * one bare event.
 *
 * 1. What is not ours, or not understood, is passed over: it can never be handled better.
 * 2. Events of one run are handled together; a run that fails gives back its own events only.
 * 3. Runs whose events have failed before come last, so that a poisoned run does not hold up the others.
 * 4. What is given back is given back with its reason: in the log and, for who calls from the same process, in the answer.
 */
import middy from '@middy/core';
import type { SQSBatchResponse } from 'aws-lambda';
import * as v from 'valibot';
import { parseBlocked, parseVerdict, parseWakeUp } from '../core/aws/events.ts';
import { noteBlocked } from '../core/engine/blocked.ts';
import type { Verdict, World } from '../core/engine/ports.ts';
import { type RoundOptions, round } from '../core/engine/round.ts';
import { parseJobName } from '../core/engine/spec.ts';
import type { RunId } from '../core/graph/facts.ts';
import { type Handler, handlerOf, hardEndOf, type Invocation } from './invocation.ts';
import { described, log, logsFailure } from './log.ts';
import { world as openWorld } from './world.ts';

const QueueBatch = v.object({
  Records: v.array(
    v.object({
      messageId: v.string(),
      body: v.string(),
      attributes: v.optional(v.object({ ApproximateReceiveCount: v.optional(v.string(), '1') }), {}),
    }),
  ),
});

/** As Lambda reads it, and beside that why, by message: Lambda looks at nothing but the identifiers. */
export interface AdvanceAnswer extends SQSBatchResponse {
  readonly reasons?: Readonly<Record<string, string>>;
}

interface Message {
  /** undefined for a bare event. */
  readonly id: string | undefined;
  readonly receives: number;
  readonly event: unknown;
}

interface Work {
  readonly run: RunId;
  readonly verdicts: Verdict[];
  readonly messages: Message[];
  /** Whether there is anything that may take the run forward. */
  isDue: boolean;
  /** Why a queue stands still that one of its jobs is at the head of. */
  blocked: string | undefined;
}

/** A round is not begun with less than this left: its submissions could not be waited for. */
const ROUND_MS_MIN = 15_000;
const OUT_OF_TIME = 'there was no time left for it';

export function makeAdvance(open: () => World): Handler<AdvanceAnswer> {
  const advanced = async (event: unknown, invocation: Invocation): Promise<AdvanceAnswer> => {
    const world = open();
    const reasons: Record<string, string> = {};
    let isBareFailed = false;
    for (const work of workOf(world.stack, messagesOf(event))) {
      const remainingMs = invocation.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY;
      const problem =
        remainingMs >= ROUND_MS_MIN ? await advanceRun(world, work, hardEndOf(world, invocation)) : OUT_OF_TIME;
      if (problem === undefined) continue;
      for (const { id } of work.messages) {
        if (id === undefined) isBareFailed = true;
        else reasons[id] = problem;
      }
    }
    // Whoever sends a bare event tries again when the invocation fails.
    if (isBareFailed) throw new Error('the event could not be handled: see the log');
    const batchItemFailures = Object.keys(reasons).map((itemIdentifier) => ({ itemIdentifier }));
    return batchItemFailures.length > 0 ? { batchItemFailures, reasons } : { batchItemFailures };
  };
  return handlerOf(middy().use(logsFailure('events could not be handled')).handler(advanced));
}

/** Gives the reason why it could not be done; undefined when it was. */
async function advanceRun(world: World, work: Work, options: RoundOptions): Promise<string | undefined> {
  const { run, verdicts, isDue, blocked } = work;
  try {
    if (isDue) {
      const { status, denied } = await round(world, run, verdicts, options);
      if (status === 'unknown') log('events of a run that is not there', { run });
      // For an alarm: the run stands still, and goes on by itself when this is put right.
      if (denied !== undefined) log('jobs cannot be submitted', { run, reason: denied });
    }
    if (blocked !== undefined) await noteBlocked(world, run, blocked);
    return undefined;
  } catch (error) {
    const messages = work.messages.flatMap(({ id }) => id ?? []);
    log('a round failed', { run, messages, error: described(error) });
    return error instanceof Error ? error.message : String(error);
  }
}

function messagesOf(event: unknown): Message[] {
  const batch = v.safeParse(QueueBatch, event);
  if (!batch.success) return [{ id: undefined, receives: 1, event }];
  return batch.output.Records.flatMap(({ messageId, body, attributes }) => {
    const parsed = parseJson(body);
    return parsed ? [{ id: messageId, receives: Number(attributes.ApproximateReceiveCount), event: parsed }] : [];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function workOf(stack: string, messages: readonly Message[]): Work[] {
  const works = new Map<RunId, Work>();
  for (const message of messages) {
    const heard = hear(stack, message.event);
    if (!heard) continue;
    const { run, verdict, blocked } = heard;
    const work = works.get(run) ?? { run, verdicts: [], messages: [], isDue: false, blocked: undefined };
    works.set(run, work);
    work.messages.push(message);
    work.isDue ||= blocked === undefined;
    work.blocked ??= blocked;
    if (verdict) work.verdicts.push(verdict);
  }
  return [...works.values()].sort((a, b) => receivesOf(a) - receivesOf(b));
}

interface Heard {
  readonly run: RunId;
  readonly verdict?: Verdict;
  readonly blocked?: string;
}

/** That a job waits or runs changes nothing in its run: such events cost no read, unless they say why it must wait. */
function hear(stack: string, event: unknown): Heard | undefined {
  const wakeUp = parseWakeUp(event);
  if (wakeUp) return wakeUp.stack === stack ? { run: wakeUp.run } : undefined;
  const head = parseBlocked(event);
  const verdict = head ? undefined : parseVerdict(event);
  const name = head?.name ?? verdict?.name;
  const run = name === undefined ? undefined : parseJobName(stack, name)?.run;
  if (!run) return undefined;
  if (head) return { run, blocked: head.reason };
  return verdict && (verdict.status === 'SUCCEEDED' || verdict.status === 'FAILED') ? { run, verdict } : undefined;
}

function receivesOf({ messages }: Work): number {
  return Math.max(...messages.map(({ receives }) => receives));
}

export const handler = makeAdvance(openWorld);
