/**
 * What comes to the queue of events: what Batch tells, by a rule of the event bus, and wake-ups after a delay. The end of a
 * run goes from the bus to who listens; nobody wants anything else. A message on its way to the queue survives the
 * process, and one for a run that is held waits until that is taken up again.
 */

import { createHash, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { parseWakeUp, RUN_ENDED, wakeUpEvent } from '../core/aws/bus.ts';
import type { RunId } from '../core/values/ids.ts';
import type { SentMessage } from './batch/jobs.ts';
import type { BusEvent } from './batch/shapes.ts';
import type { BatchStore } from './batch/store.ts';
import type { Chaos } from './chaos.ts';
import type { LocalQueue } from './queue.ts';
import { STACK } from './settings.ts';

export type RunEndedListener = (detail: unknown) => void;

export interface LocalBus {
  /** Hands an event of Batch to the queue; `accepted` is called when it has arrived for good. */
  deliver(event: BusEvent, accepted: () => void): void;
  /** The answer to PutEvents. */
  put(request: unknown): unknown;
  /** The answer to SendMessage. */
  sendMessage(request: unknown): unknown;
  /** Gives the function that ends the listening. */
  onRunEnded(listener: RunEndedListener): () => void;
  /** Wakes the run at once. */
  wake(run: RunId): void;
  /** Sends what the last owner left to send to the run. */
  carryOn(run: RunId): void;
}

const PutEvents = v.object({
  Entries: v.pipe(
    v.array(v.object({ Source: v.string(), DetailType: v.string(), Detail: v.optional(v.string(), '') })),
    v.minLength(1),
    v.maxLength(10),
  ),
});

const SendMessage = v.object({
  MessageBody: v.pipe(v.string(), v.nonEmpty()),
  DelaySeconds: v.optional(v.number(), 0),
});

type PutEntry = v.InferOutput<typeof PutEvents>['Entries'][number];

/** Before any time: without waiting for company on the way. */
const AT_ONCE = 0;

export interface BusOptions {
  readonly store: BatchStore;
  readonly queue: LocalQueue;
  readonly chaos: Chaos;
  readonly isHeld: (run: RunId) => boolean;
  /** In place of a delay that a message asks for, which is the cloud's. */
  readonly wakeUpDelayMs: number;
}

export function openBus({ store, queue, chaos, isHeld, wakeUpDelayMs }: BusOptions): LocalBus {
  const listeners = new Set<RunEndedListener>();

  const send = (body: string, dueAt: number, accepted: () => void): void => {
    const delays = chaos.deliveries();
    if (delays.length === 0) accepted();
    for (const delay of delays) queue.send({ body, dueAt: dueAt + delay, accepted });
  };

  const sendRecorded = ({ message, body, dueAt }: SentMessage): void => {
    const run = runOf(body);
    if (run !== undefined && isHeld(run)) return;
    send(body, dueAt, () => {
      if (store.state.messages.has(message)) store.record({ type: 'delivered', at: Date.now(), of: message });
    });
  };

  const putEntry = (entry: PutEntry) => {
    const detail = parseDetail(entry.Detail);
    if (detail === undefined) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    if (entry.DetailType === RUN_ENDED) for (const listener of listeners) listener(detail);
    return { EventId: randomUUID() };
  };

  for (const message of store.state.messages.values()) sendRecorded(message);

  return {
    deliver: (event, accepted) => send(JSON.stringify(event), Date.now(), accepted),
    put: (request) => {
      const Entries = v.parse(PutEvents, request).Entries.map(putEntry);
      return { FailedEntryCount: Entries.filter((entry) => 'ErrorCode' in entry).length, Entries };
    },
    sendMessage: (request) => {
      const { MessageBody: body, DelaySeconds: delay } = v.parse(SendMessage, request);
      const at = Date.now();
      const sent = { message: randomUUID(), body, dueAt: delay === 0 ? AT_ONCE : at + wakeUpDelayMs };
      store.record({ type: 'sent', at, ...sent });
      sendRecorded(sent);
      // The SDK looks whether the body has arrived as it was sent.
      return { MessageId: sent.message, MD5OfMessageBody: createHash('md5').update(body).digest('hex') };
    },
    onRunEnded: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    wake: (run) => send(JSON.stringify(wakeUpEvent(STACK, run)), AT_ONCE, () => undefined),
    carryOn: (run) => {
      for (const message of store.state.messages.values()) if (runOf(message.body) === run) sendRecorded(message);
    },
  };
}

/** The run that a wake-up is for. */
function runOf(body: string): RunId | undefined {
  try {
    return parseWakeUp(JSON.parse(body))?.run;
  } catch {
    return undefined;
  }
}

/** The detail, which must be a JSON object. */
function parseDetail(text: string): object | undefined {
  try {
    const detail: unknown = JSON.parse(text);
    return typeof detail === 'object' && detail !== null && !Array.isArray(detail) ? detail : undefined;
  } catch {
    return undefined;
  }
}
