/** The queue between the event bus and `advance`: an SQS standard queue and its Lambda, within one process. */

import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { stored } from '../core/values/json.ts';
import { messageOf } from '../core/values/thrown.ts';
import { appendJsonLines } from './json-lines.ts';
import { type Fate, isEmpty, type LocalMessage, noMessages, receive, receiveAt, settle } from './messages.ts';

export interface QueueRecord {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: { readonly ApproximateReceiveCount: string };
}

/** An SQS batch as Lambda gets it, as far as handlers look. */
export interface QueueBatch {
  readonly Records: readonly QueueRecord[];
}

/** Takes a batch; gives the messages that are to come again, and why. Throws when all are. */
export type QueueHandler = (batch: QueueBatch) => Promise<ReadonlyMap<string, string>>;

export interface QueueOptions {
  readonly handler: QueueHandler;
  /** File of the messages that were given up. */
  readonly deadLetters: string;
  /** Before a message comes for the second time; doubled each time. */
  readonly retryMsFirst?: number;
  /** Is told why messages are to come again. */
  readonly trouble: (reason: string) => void;
  readonly warn: (message: string) => void;
}

export interface LocalQueue {
  /** `accepted` is called when the handler has taken the message, or it was given up. */
  send(message: { readonly body: string; readonly dueAt: number; readonly accepted: () => void }): void;
  /** Whether no message waits or is being handled. */
  idle(): boolean;
  /** Ends when the present invocation has; what waits is not delivered. */
  stop(): Promise<void>;
}

interface Delivery extends LocalMessage {
  readonly accepted: () => void;
}

const RETRY_MS_FIRST = 200;

export function openQueue({
  handler,
  deadLetters,
  retryMsFirst = RETRY_MS_FIRST,
  trouble,
  warn,
}: QueueOptions): LocalQueue {
  const messages = noMessages<Delivery>();
  let alarm: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;
  let pumping: Promise<void> | undefined;

  /** Sees to it that there is a look at the queue when its first messages are to be received. */
  const wake = (): void => {
    const at = pumping === undefined ? receiveAt(messages) : undefined;
    if (at === undefined || (alarm && alarm.at <= at)) return;
    clearTimeout(alarm?.timer);
    alarm = { at, timer: setTimeout(look, Math.max(0, at - Date.now())) };
  };

  const look = (): void => {
    alarm = undefined;
    pumping = pump().finally(() => {
      pumping = undefined;
      wake();
    });
  };

  const pump = async (): Promise<void> => {
    for (let batch = receive(messages, Date.now()); batch.length > 0; batch = receive(messages, Date.now())) {
      const failed = await invoke(handler, batch);
      for (const fate of settle(messages, failed, Date.now(), retryMsFirst)) follow(fate);
      // Lets in what has been waiting for the event loop meanwhile.
      await sleep(0);
    }
  };

  const follow = (fate: Fate<Delivery>): void => {
    if (fate.kind === 'again') trouble(fate.reason);
    else {
      if (fate.kind === 'dead') giveUp(fate.message, fate.reason);
      fate.message.accepted();
    }
  };

  const giveUp = ({ id, receives, body }: Delivery, reason: string): void => {
    const letters = appendJsonLines<DeadLetter>(deadLetters);
    letters.append({ at: Date.now(), message: id, receives, reason, body });
    letters.close();
    warn(`an event could not be handled and was put into ${deadLetters}: ${reason}`);
  };

  return {
    send: ({ body, dueAt, accepted }) => {
      messages.waiting.push({ id: randomUUID(), body, accepted, dueAt, receives: 0 });
      wake();
    },
    idle: () => isEmpty(messages),
    stop: async () => {
      messages.isStopped = true;
      clearTimeout(alarm?.timer);
      await pumping;
    },
  };
}

/** A message that was given up. */
interface DeadLetter {
  readonly at: number;
  readonly message: string;
  readonly receives: number;
  readonly reason: string;
  readonly body: string;
}

export interface DeadLetters {
  readonly count: number;
  /** Of the newest. */
  readonly reason: string | undefined;
}

/** Changes nothing, whoever is writing to the file: unlike the reading of its own records by a queue. */
export function readDeadLetters(path: string): DeadLetters {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const lines = text.split('\n').slice(0, -1);
  const newest = lines.at(-1);
  return { count: lines.length, reason: newest && stored<DeadLetter>(newest).reason };
}

/** One invocation. Gives the reason why a message must come again. */
async function invoke(handler: QueueHandler, batch: readonly LocalMessage[]): Promise<ReadonlyMap<string, string>> {
  const records = batch.map(({ id, body, receives }) => ({
    messageId: id,
    body,
    attributes: { ApproximateReceiveCount: String(receives) },
  }));
  try {
    return await handler({ Records: records });
  } catch (error) {
    const reason = messageOf(error);
    return new Map(batch.map(({ id }) => [id, reason]));
  }
}
