/**
 * Takes runs forward: one round for each run that the events speak of. Comes as an SQS batch of EventBridge events, or as
 * one bare event.
 *
 * 1. What is not ours, or not understood, is passed over: it can never be handled better.
 * 2. Events of one run are handled together; a run that fails gives back its own events only, and they come again soon.
 * 3. Runs whose events have failed before come last, so that a poisoned run does not hold up the others; and each run has
 *    its share of the time, so that a long round does not, either.
 * 4. What there was no time for is sent again as new: that it had to wait is not counted against it.
 * 5. A round that does not end in time is given back like one that failed.
 * 6. What is given back is given back with its reason: in the log and, for who calls from the same process, in the answer.
 */

import type { SQSBatchResponse } from 'aws-lambda';
import * as v from 'valibot';
import { parseEvent } from '../core/aws/events.ts';
import type { EventQueue } from '../core/aws/queue.ts';
import { noteBlocked } from '../core/engine/blocked.ts';
import { endOf, type JobReport } from '../core/engine/executor.ts';
import type { World } from '../core/engine/ports.ts';
import { type RoundOptions, round } from '../core/engine/round.ts';
import { parseJobName } from '../core/engine/spec.ts';
import { ENVIRONMENT } from '../core/environment.ts';
import type { RunId } from '../core/values/ids.ts';
import {
  type Handler,
  handlerOf,
  type Invocation,
  inEnvironment,
  type Logged,
  logsFailure,
  roundOptions,
} from './invocation.ts';
import type { Log } from './log.ts';
import { described } from './log-file.ts';
import { countsRounds } from './rounds.ts';
import { eventQueue, world as openWorld } from './world.ts';

const QueueBatch = v.object({
  Records: v.array(
    v.object({
      messageId: v.string(),
      body: v.string(),
      receiptHandle: v.optional(v.string()),
      attributes: v.optional(
        v.object({ ApproximateReceiveCount: v.optional(v.string(), '1'), SentTimestamp: v.optional(v.string()) }),
        {},
      ),
    }),
  ),
});

/** As Lambda reads it, and beside that why, by message: Lambda looks at nothing but the identifiers. */
export interface AdvanceAnswer extends SQSBatchResponse {
  readonly reasons?: Readonly<Record<string, string>>;
}

interface QueueMessage {
  /** undefined for a bare event. */
  readonly id: string | undefined;
  readonly receives: number;
  /** ms since the epoch; undefined where that is not told. */
  readonly sentAt: number | undefined;
  /** As they came from the queue. */
  readonly body: string | undefined;
  readonly receipt: string | undefined;
  readonly event: unknown;
}

interface RunWork {
  readonly run: RunId;
  readonly reports: JobReport[];
  readonly messages: QueueMessage[];
  /** Whether there is anything that may take the run forward. */
  isDue: boolean;
  /** Why a queue stands still that one of its jobs is at the head of. */
  blocked: string | undefined;
}

/** A round is not begun with less than this left: its submissions could not be waited for. */
const ROUND_MS_MIN = 15_000;
/** A run has at least so long, while others wait. */
const SHARE_MS_MIN = 30_000;
const OUT_OF_TIME = 'there was no time left for it';
/** Of a call, for giving back what it had. */
const GIVE_BACK_MS = 5_000;
const OVERRAN = 'the round did not end in time';
/** Until a message comes again whose run could not be taken forward; doubled each time. */
const AGAIN_SECONDS_FIRST = 5;
const AGAIN_SECONDS_MAX = 900;

/** `queueOf`: where the events come from; undefined where that knows by itself when they come again. */
export function makeAdvance(
  open: () => World,
  queueOf: () => EventQueue | undefined = () => undefined,
): Handler<AdvanceAnswer> {
  const advanced = async (event: unknown, invocation: Logged): Promise<AdvanceAnswer> => {
    const { log } = invocation;
    const world = open();
    const queue = queueOf();
    const reasons: Record<string, string> = {};
    const failed: QueueMessage[] = [];
    const unbegun: QueueMessage[] = [];
    const messages = messagesOf(event);
    noteAges(world, messages, invocation);
    const works = workOf(world.stack, messages);
    for (const [at, work] of works.entries()) {
      const remainingMs = invocation.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY;
      if (remainingMs < ROUND_MS_MIN) {
        unbegun.push(...work.messages);
        continue;
      }
      const advancing = advanceRun(world, log, work, shareOf(world, invocation, works.length - at));
      const problem = await inTime(log, advancing, work, remainingMs);
      if (problem === undefined) continue;
      failed.push(...work.messages);
      for (const { id } of work.messages) if (id !== undefined) reasons[id] = problem;
    }
    for (const { id } of await sendAgain(log, queue, unbegun)) if (id !== undefined) reasons[id] = OUT_OF_TIME;
    await showSoon(log, queue, failed);
    const isBareFailed = [...failed, ...unbegun].some(({ id }) => id === undefined);
    // Whoever sends a bare event tries again when the invocation fails.
    if (isBareFailed) throw new Error('the event could not be handled: see the log');
    const batchItemFailures = Object.keys(reasons).map((itemIdentifier) => ({ itemIdentifier }));
    return batchItemFailures.length > 0 ? { batchItemFailures, reasons } : { batchItemFailures };
  };
  return handlerOf(advanced, countsRounds(), logsFailure('events could not be handled'));
}

function noteAges({ clock }: World, messages: readonly QueueMessage[], { rounds }: Invocation): void {
  for (const { sentAt } of messages) if (sentAt !== undefined) rounds?.onEvent(clock.now() - sentAt);
}

/** The time that a run has, of whose kind so many are left. */
function shareOf(world: World, invocation: Invocation, runs: number): RoundOptions {
  const options = roundOptions(world, invocation);
  if (options.hardEnd === undefined) return options;
  const now = world.clock.now();
  const remainingMs = options.hardEnd - now;
  return { ...options, hardEnd: now + Math.min(remainingMs, Math.max(SHARE_MS_MIN, remainingMs / runs)) };
}

/** Gives those that the queue is to show again by itself. */
async function sendAgain(
  log: Log,
  queue: EventQueue | undefined,
  messages: readonly QueueMessage[],
): Promise<readonly QueueMessage[]> {
  const bodies = messages.flatMap(({ body }) => body ?? []);
  if (!queue || bodies.length === 0) return messages;
  try {
    await queue.again(bodies);
    return [];
  } catch (error) {
    log.warn('events could not be sent again', { error: described(error) });
    return messages;
  }
}

async function showSoon(log: Log, queue: EventQueue | undefined, messages: readonly QueueMessage[]): Promise<void> {
  const hidden = messages.flatMap(({ receipt, receives }) => {
    const seconds = Math.min(AGAIN_SECONDS_FIRST * 2 ** (receives - 1), AGAIN_SECONDS_MAX);
    return receipt === undefined ? [] : [{ receipt, seconds }];
  });
  if (!queue || hidden.length === 0) return;
  await queue.showAfter(hidden).catch((error: unknown) => {
    log.warn('events come again later than they could', { error: described(error) });
  });
}

/**
 * A call that Lambda cuts off gives nothing back: all its messages would come again late, and none would count as handled.
 * So a round that does not end is left to itself, as one whose process was frozen; whatever it does yet is harmless.
 */
async function inTime(log: Log, advancing: Promise<string | undefined>, { run }: RunWork, remainingMs: number) {
  if (!Number.isFinite(remainingMs)) return await advancing;
  const { promise: cutOff, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => {
    log.error('a round failed', { run, error: OVERRAN });
    resolve(OVERRAN);
  }, remainingMs - GIVE_BACK_MS);
  try {
    return await Promise.race([advancing, cutOff]);
  } finally {
    clearTimeout(timer);
  }
}

/** Gives the reason why it could not be done; undefined when it was. */
async function advanceRun(world: World, log: Log, work: RunWork, options: RoundOptions): Promise<string | undefined> {
  const { run, reports, isDue, blocked } = work;
  try {
    if (isDue) {
      const { status, denied } = await round(world, run, reports, options);
      if (status === 'unknown') log.warn('events of a run that is not there', { run });
      // For an alarm: the run stands still, and goes on by itself when this is put right.
      if (denied !== undefined) log.error('jobs cannot be submitted', { run, reason: denied });
    }
    if (blocked !== undefined) await noteBlocked(world, run, blocked);
    return undefined;
  } catch (error) {
    const messages = work.messages.flatMap(({ id }) => id ?? []);
    log.error('a round failed', { run, messages, error: described(error) });
    return error instanceof Error ? error.message : String(error);
  }
}

function messagesOf(event: unknown): QueueMessage[] {
  const batch = v.safeParse(QueueBatch, event);
  if (!batch.success)
    return [{ id: undefined, receives: 1, sentAt: undefined, body: undefined, receipt: undefined, event }];
  return batch.output.Records.flatMap(({ messageId: id, body, receiptHandle: receipt, attributes }) => {
    const parsed = parseJson(body);
    const receives = Number(attributes.ApproximateReceiveCount);
    const sentAt = attributes.SentTimestamp === undefined ? undefined : Number(attributes.SentTimestamp);
    return parsed ? [{ id, receives, sentAt, body, receipt, event: parsed }] : [];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function workOf(stack: string, messages: readonly QueueMessage[]): RunWork[] {
  const works = new Map<RunId, RunWork>();
  for (const message of messages) {
    const heard = hear(stack, message.event);
    if (!heard) continue;
    const { run, report, blocked } = heard;
    const work = works.get(run) ?? { run, reports: [], messages: [], isDue: false, blocked: undefined };
    works.set(run, work);
    work.messages.push(message);
    work.isDue ||= blocked === undefined;
    work.blocked ??= blocked;
    if (report) work.reports.push(report);
  }
  return [...works.values()].sort((a, b) => receivesOf(a) - receivesOf(b));
}

interface RunNews {
  readonly run: RunId;
  readonly report?: JobReport;
  readonly blocked?: string;
}

/** That a job waits or runs changes nothing in its run: such events cost no read, unless they say why it must wait. */
function hear(stack: string, message: unknown): RunNews | undefined {
  const event = parseEvent(message);
  switch (event?.kind) {
    case undefined:
      return undefined;
    case 'wake-up':
      return event.stack === stack ? { run: event.run } : undefined;
    case 'blocked': {
      const run = parseJobName(stack, event.name)?.run;
      return run && { run, blocked: event.reason };
    }
    case 'report': {
      const { report } = event;
      const run = endOf(report) && parseJobName(stack, report.name)?.run;
      return run && { run, report };
    }
  }
}

function receivesOf({ messages }: RunWork): number {
  return Math.max(...messages.map(({ receives }) => receives));
}

export const handlerIn = inEnvironment((environment) =>
  makeAdvance(
    () => openWorld(environment),
    () => eventQueue(environment),
  ),
);

export const handler = handlerIn(ENVIRONMENT);
