/**
 * The engine's own events on EventBridge. The delay of a wake-up is the queue's: EventBridge delivers at once.
 */
import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsCommandInput,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import type { Bus } from '../engine/ports.ts';

export const EVENT_SOURCE = 'redex';
export const WAKE_UP = 'redex wake-up';
export const RUN_ENDED = 'redex run ended';

export function putEventParams(
  bus: string,
  type: typeof WAKE_UP | typeof RUN_ENDED,
  detail: Readonly<Record<string, unknown>>,
): PutEventsCommandInput {
  const entry: PutEventsRequestEntry = {
    EventBusName: bus,
    Source: EVENT_SOURCE,
    DetailType: type,
    Detail: JSON.stringify(detail),
  };
  return { Entries: [entry] };
}

export function eventBus(client: EventBridgeClient, bus: string, stack: string): Bus {
  /** Throws when the bus did not take the event: a request succeeds even when its entries failed. */
  async function send(params: PutEventsCommandInput): Promise<void> {
    const answer = await client.send(new PutEventsCommand(params));
    const failed = answer.Entries?.find((entry) => entry.ErrorCode !== undefined);
    if (failed)
      throw new Error(`the event bus ${bus} refused an event: ${failed.ErrorCode} ${failed.ErrorMessage ?? ''}`);
  }

  return {
    wake: (run) => send(putEventParams(bus, WAKE_UP, { stack, run })),
    ended: ({ run, workflow, status, startedAt, endedAt, tags }) =>
      send(putEventParams(bus, RUN_ENDED, { stack, run, workflow, status, startedAt, endedAt, tags })),
  };
}
