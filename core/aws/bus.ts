/**
 * What the engine tells. Its own wake-ups go straight to the queue of events, each with its delay, which a target of
 * EventBridge cannot have; what others may want to hear goes to an event bus.
 */

import { type EventBridgeClient, PutEventsCommand, type PutEventsCommandInput } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand, type SendMessageCommandInput, type SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import type { Bus } from '../engine/ports.ts';
import { parseRunId, type RunId } from '../values/ids.ts';

const EVENT_SOURCE = 'redex';
const WAKE_UP = 'redex wake-up';
export const RUN_STARTED = 'redex run started';
export const RUN_ENDED = 'redex run ended';

/** So that a round that is still going on is not disturbed. */
const WAKE_UP_SECONDS = 3;

export interface Addresses {
  /** Name of the event bus. */
  readonly bus: string;
  /** URL of the queue of events. */
  readonly queue: string;
}

export function putEventParams(
  bus: string,
  type: typeof RUN_STARTED | typeof RUN_ENDED,
  detail: Readonly<Record<string, unknown>>,
): PutEventsCommandInput {
  return {
    Entries: [{ EventBusName: bus, Source: EVENT_SOURCE, DetailType: type, Detail: JSON.stringify(detail) }],
  };
}

/** In the envelope of EventBridge, as everything that comes to the queue. */
export function wakeUpEvent(stack: string, run: RunId): Readonly<Record<string, unknown>> {
  return { source: EVENT_SOURCE, 'detail-type': WAKE_UP, detail: { stack, run } };
}

const WakeUp = v.object({
  source: v.literal(EVENT_SOURCE),
  'detail-type': v.literal(WAKE_UP),
  detail: v.object({ stack: v.string(), run: v.string() }),
});

/** The inverse of `wakeUpEvent`; undefined for every other event. */
export function parseWakeUp(event: unknown): { readonly stack: string; readonly run: RunId } | undefined {
  const parsed = v.safeParse(WakeUp, event);
  const run = parsed.success ? parseRunId(parsed.output.detail.run) : undefined;
  return parsed.success && run !== undefined ? { stack: parsed.output.detail.stack, run } : undefined;
}

export function wakeUpParams(queue: string, stack: string, run: RunId, when: 'soon' | 'now'): SendMessageCommandInput {
  const MessageBody = JSON.stringify(wakeUpEvent(stack, run));
  return { QueueUrl: queue, MessageBody, DelaySeconds: when === 'now' ? 0 : WAKE_UP_SECONDS };
}

export interface BusClients {
  readonly events: EventBridgeClient;
  readonly sqs: SQSClient;
}

export function eventBus({ events, sqs }: BusClients, { bus, queue }: Addresses, stack: string): Bus {
  /** Throws when the bus did not take the event: a request succeeds even when its entries failed. */
  async function send(params: PutEventsCommandInput): Promise<void> {
    const answer = await events.send(new PutEventsCommand(params));
    const failed = answer.Entries?.find((entry) => entry.ErrorCode !== undefined);
    if (failed)
      throw new Error(`the event bus ${bus} refused an event: ${failed.ErrorCode} ${failed.ErrorMessage ?? ''}`);
  }

  return {
    async wake(run, when) {
      await sqs.send(new SendMessageCommand(wakeUpParams(queue, stack, run, when)));
    },
    started: ({ run, workflow, startedAt, tags }) =>
      send(putEventParams(bus, RUN_STARTED, { stack, run, workflow, startedAt, tags })),
    ended: ({ run, workflow, status, startedAt, endedAt, tags }) =>
      send(putEventParams(bus, RUN_ENDED, { stack, run, workflow, status, startedAt, endedAt, tags })),
  };
}
