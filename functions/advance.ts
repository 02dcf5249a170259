/**
 * Takes runs forward: one round for each run that the events speak of. Comes as an SQS batch of EventBridge events, or as
 * one bare event.
 *
 * 1. What is not ours, or not understood, is passed over: it can never be handled better.
 * 2. Events of one run are handled together; a run that fails gives back its own events only.
 * 3. Runs whose events have failed before come last, so that a poisoned run does not hold up the others.
 */
import middy from '@middy/core';
import type { SQSBatchResponse } from 'aws-lambda';
import * as v from 'valibot';
import { parseVerdict, parseWakeUp } from '../core/aws/events.ts';
import type { Verdict, World } from '../core/engine/ports.ts';
import { type RoundOptions, round } from '../core/engine/round.ts';
import { parseJobName } from '../core/engine/spec.ts';
import type { RunId } from '../core/graph/facts.ts';
import { type Handler, handlerOf, hardEndOf, type Invocation } from './invocation.ts';
import { described, log } from './log.ts';
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
}

/** A round is not begun with less than this left: its submissions could not be waited for. */
const ROUND_MS_MIN = 15_000;

export function makeAdvance(open: () => World): Handler<SQSBatchResponse> {
  const wrapped = middy().handler(async (event: unknown, invocation: Invocation): Promise<SQSBatchResponse> => {
    const world = open();
    const failed: Message[] = [];
    for (const work of workOf(world.stack, messagesOf(event))) {
      const remainingMs = invocation.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY;
      const done = remainingMs >= ROUND_MS_MIN && (await advanceRun(world, work, hardEndOf(world, invocation)));
      if (!done) failed.push(...work.messages);
    }
    const identifiers = failed.flatMap(({ id }) => id ?? []);
    // Whoever sends a bare event tries again when the invocation fails.
    if (identifiers.length < failed.length) throw new Error('the event could not be handled: see the log');
    return { batchItemFailures: identifiers.map((itemIdentifier) => ({ itemIdentifier })) };
  });
  return handlerOf(wrapped);
}

async function advanceRun(world: World, { run, verdicts }: Work, options: RoundOptions): Promise<boolean> {
  try {
    const { status } = await round(world, run, verdicts, options);
    if (status === 'unknown') log('events of a run that is not there', { run });
    return true;
  } catch (error) {
    log('a round failed', { run, error: described(error) });
    return false;
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
    const verdict = parseVerdict(message.event);
    const run = verdict ? parseJobName(stack, verdict.name)?.run : wakeUpOf(stack, message.event);
    if (!run || (verdict && !isTerminal(verdict))) continue;
    const work = works.get(run) ?? { run, verdicts: [], messages: [] };
    works.set(run, work);
    work.messages.push(message);
    if (verdict) work.verdicts.push(verdict);
  }
  return [...works.values()].sort((a, b) => receivesOf(a) - receivesOf(b));
}

/** That a job waits or runs changes nothing in its run: such events cost no read. */
function isTerminal({ status }: Verdict): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED';
}

function wakeUpOf(stack: string, event: unknown): RunId | undefined {
  const wakeUp = parseWakeUp(event);
  return wakeUp?.stack === stack ? wakeUp.run : undefined;
}

function receivesOf({ messages }: Work): number {
  return Math.max(...messages.map(({ receives }) => receives));
}

export const handler = makeAdvance(openWorld);
