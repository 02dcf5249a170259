/**
 * SQS with Lambda's poller before `advance`, in simulated time: messages are hidden while they are received, come again unless
 * they are deleted, and go to the dead letters when they were received too often.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
import type { SQSBatchResponse } from 'aws-lambda';
import type { EventQueue } from '../../core/aws/queue.ts';
import type { Invocation } from '../../functions/invocation.ts';
import type { VirtualClock } from './memory/clock.ts';

export interface QueueTimes {
  readonly visibilitySeconds: number;
  readonly receivesMax: number;
  readonly batchSize: number;
  readonly windowSeconds: number;
  /** Of the function. */
  readonly timeoutSeconds: number;
}

interface Message {
  readonly id: string;
  readonly body: string;
  /** ms since the epoch: when it was first sent, which one that is sent again keeps. */
  readonly sentAt: number;
  visibleAt: number;
  receives: number;
}

export interface Handled {
  readonly body: string;
  /** From its first sending to the end of the call that took it. */
  readonly afterMs: number;
}

export interface SimulatedQueue extends EventQueue {
  send(event: unknown, delayMs?: number): void;
  /** One environment takes what is there, call after call, until the clock stands at `until` or later. */
  poll(advance: (event: unknown, invocation: Invocation) => Promise<SQSBatchResponse>, until: number): Promise<void>;
  readonly handled: readonly Handled[];
  /** Bodies of the dead letters. */
  readonly dead: readonly string[];
  readonly waiting: number;
}

export function simulatedQueue(clock: VirtualClock, times: QueueTimes): SimulatedQueue {
  const messages = new Map<string, Message>();
  const handled: Handled[] = [];
  const dead: string[] = [];
  /** When a body was first sent. */
  const first = new Map<string, number>();
  let ids = 0;
  /** When the call is cut off that is going on. */
  let end = Number.POSITIVE_INFINITY;
  const isCutOff = (): boolean => clock.now() > end;

  function add(body: string, delayMs: number): void {
    const id = `m${ids++}`;
    const now = clock.now();
    if (!first.has(body)) first.set(body, now);
    messages.set(id, { id, body, sentAt: first.get(body) ?? now, visibleAt: now + delayMs, receives: 0 });
  }

  function receive(): Message[] {
    const batch: Message[] = [];
    for (const message of messages.values()) {
      if (message.visibleAt > clock.now() || batch.length >= times.batchSize) continue;
      message.receives++;
      if (message.receives > times.receivesMax) {
        dead.push(message.body);
        messages.delete(message.id);
        continue;
      }
      message.visibleAt = clock.now() + times.visibilitySeconds * 1_000;
      batch.push(message);
    }
    return batch;
  }

  return {
    handled,
    dead,
    get waiting() {
      return messages.size;
    },
    send: (event, delayMs = 0) => add(JSON.stringify(event), delayMs),
    again(bodies) {
      if (!isCutOff()) for (const body of bodies) add(body, 0);
      return Promise.resolve();
    },
    showAfter(shown) {
      for (const { receipt, seconds } of isCutOff() ? [] : shown) {
        const message = messages.get(receipt);
        if (message) message.visibleAt = clock.now() + seconds * 1_000;
      }
      return Promise.resolve();
    },
    async poll(advance, until) {
      while (clock.now() < until) {
        clock.advance(times.windowSeconds * 1_000);
        const batch = receive();
        if (batch.length === 0) continue;
        end = clock.now() + times.timeoutSeconds * 1_000;
        const { batchItemFailures } = await advance(batchOf(batch), {
          getRemainingTimeInMillis: () => end - clock.now(),
        });
        // Nobody hears the answer: all of it comes again when it is no longer hidden.
        if (isCutOff()) continue;
        const kept = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        for (const { id, body, sentAt } of batch.filter((message) => !kept.has(message.id))) {
          messages.delete(id);
          const isSentAgain = [...messages.values()].some((message) => message.body === body);
          if (!isSentAgain) handled.push({ body, afterMs: clock.now() - sentAt });
        }
      }
    },
  };
}

function batchOf(messages: readonly Message[]): unknown {
  const Records = messages.map(({ id, body, receives }) => ({
    messageId: id,
    body,
    receiptHandle: id,
    attributes: { ApproximateReceiveCount: String(receives) },
    eventSource: 'aws:sqs',
  }));
  return { Records };
}
