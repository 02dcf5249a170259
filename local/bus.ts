/**
 * The event bus. Its rules: what Batch tells, and wake-ups after a delay, go to the queue; the end of a run goes to who
 * listens; nobody wants anything else. A message on its way to the queue survives the process, and one for a run that
 * is held waits until that is taken up again.
 */
import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { RUN_ENDED, WAKE_UP } from '../core/aws/bus.ts';
import { parseWakeUp } from '../core/aws/events.ts';
import type { RunId } from '../core/graph/facts.ts';
import type { SentMessage } from './batch/jobs.ts';
import { type BusEvent, busEvent } from './batch/shapes.ts';
import type { BatchStore } from './batch/store.ts';
import type { Chaos } from './chaos.ts';
import type { Queue } from './queue.ts';

export type RunEndedListener = (detail: unknown) => void;

export interface Bus {
  /** Hands an event of Batch to the queue; `accepted` is called when it has arrived for good. */
  deliver(event: BusEvent, accepted: () => void): void;
  /** The answer to PutEvents. */
  put(request: unknown): unknown;
  /** Gives the function that ends the listening. */
  onRunEnded(listener: RunEndedListener): () => void;
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
type PutEntry = v.InferOutput<typeof PutEvents>['Entries'][number];

export interface BusOptions {
  readonly store: BatchStore;
  readonly queue: Queue;
  readonly chaos: Chaos;
  readonly isHeld: (run: RunId) => boolean;
  /** The cloud's queue holds messages back, so that a round that is still going on is not disturbed. */
  readonly wakeUpDelayMs: number;
}

export function openBus({ store, queue, chaos, isHeld, wakeUpDelayMs }: BusOptions): Bus {
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
    const at = Date.now();
    const event = busEvent(at, entry.Source, entry.DetailType, detail);
    if (entry.DetailType === WAKE_UP) {
      const dueAt = at + wakeUpDelayMs;
      const sent = { message: randomUUID(), body: JSON.stringify(event), dueAt };
      store.record({ type: 'sent', at, ...sent });
      sendRecorded(sent);
    } else if (entry.DetailType === RUN_ENDED) for (const listener of listeners) listener(detail);
    return { EventId: event.id };
  };

  for (const message of store.state.messages.values()) sendRecorded(message);

  return {
    deliver: (event, accepted) => send(JSON.stringify(event), Date.now(), accepted),
    put: (request) => {
      const Entries = v.parse(PutEvents, request).Entries.map(putEntry);
      return { FailedEntryCount: Entries.filter((entry) => 'ErrorCode' in entry).length, Entries };
    },
    onRunEnded: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    carryOn: (run) => {
      for (const message of store.state.messages.values()) if (runOf(message.body) === run) sendRecorded(message);
    },
  };
}

/** The run that a wake-up is for. */
function runOf(body: string): RunId | undefined {
  return parseWakeUp(JSON.parse(body))?.run;
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
