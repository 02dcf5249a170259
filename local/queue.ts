/** The queue between the event bus and `advance`: an SQS standard queue and its Lambda, within one process. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { appendJsonLines } from './json-lines.ts';

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

export interface Queue {
  /** `accepted` is called when the handler has taken the message, or it was given up. */
  send(message: { readonly body: string; readonly dueAt: number; readonly accepted: () => void }): void;
  /** Whether no message waits or is being handled. */
  idle(): boolean;
  /** Ends when the present invocation has; what waits is not delivered. */
  stop(): Promise<void>;
}

interface Message {
  readonly id: string;
  readonly body: string;
  readonly accepted: () => void;
  dueAt: number;
  receives: number;
}

const BATCH_MAX = 100;
/** How long the first message of a batch waits for company. */
const WINDOW_MS = 15;
const RECEIVES_MAX = 10;
const RETRY_MS_FIRST = 200;
const RETRY_MS_MAX = 30_000;

export function openQueue({ handler, deadLetters, retryMsFirst = RETRY_MS_FIRST, trouble, warn }: QueueOptions): Queue {
  let waiting: Message[] = [];
  let inHand = 0;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;
  let pumping: Promise<void> | undefined;

  /** Sees to it that there is a look at the queue when its first message is due. */
  const wake = (): void => {
    if (stopped || pumping || waiting.length === 0) return;
    const due = waiting.reduce((first, { dueAt }) => Math.min(first, dueAt), Number.POSITIVE_INFINITY);
    const at = Math.max(Date.now(), due + WINDOW_MS);
    if (timer && timerAt <= at) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(() => {
      timer = undefined;
      timerAt = Number.POSITIVE_INFINITY;
      pumping = pump().finally(() => {
        pumping = undefined;
        wake();
      });
    }, at - Date.now());
  };

  const pump = async (): Promise<void> => {
    for (let batch = takeDue(); batch.length > 0 && !stopped; batch = takeDue()) {
      inHand = batch.length;
      const failed = await receive(handler, batch);
      for (const message of batch) {
        const reason = failed.get(message.id);
        if (reason === undefined) message.accepted();
        else if (message.receives >= RECEIVES_MAX) bury(message, reason);
        else {
          trouble(reason);
          waiting.push({
            ...message,
            dueAt: Date.now() + Math.min(retryMsFirst * 2 ** (message.receives - 1), RETRY_MS_MAX),
          });
        }
      }
      inHand = 0;
      // Lets in what has been waiting for the event loop meanwhile.
      await sleep(0);
    }
  };

  const takeDue = (): Message[] => {
    const now = Date.now();
    const batch: Message[] = [];
    const rest: Message[] = [];
    for (const message of waiting) (message.dueAt <= now && batch.length < BATCH_MAX ? batch : rest).push(message);
    if (!stopped) waiting = rest;
    return stopped ? [] : batch;
  };

  const bury = (message: Message, reason: string): void => {
    const letters = appendJsonLines(deadLetters);
    letters.append({ at: Date.now(), message: message.id, receives: message.receives, reason, body: message.body });
    letters.close();
    warn(`an event could not be handled and was put into ${deadLetters}: ${reason}`);
    message.accepted();
  };

  return {
    send: ({ body, dueAt, accepted }) => {
      waiting.push({ id: randomUUID(), body, accepted, dueAt, receives: 0 });
      wake();
    },
    idle: () => waiting.length === 0 && inHand === 0,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await pumping;
    },
  };
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
  return { count: lines.length, reason: newest && (JSON.parse(newest) as { readonly reason: string }).reason };
}

/** One invocation. Gives the reason why a message must come again. */
async function receive(handler: QueueHandler, batch: readonly Message[]): Promise<ReadonlyMap<string, string>> {
  for (const message of batch) message.receives += 1;
  const records = batch.map(({ id, body, receives }) => ({
    messageId: id,
    body,
    attributes: { ApproximateReceiveCount: String(receives) },
  }));
  try {
    return await handler({ Records: records });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return new Map(batch.map(({ id }) => [id, reason]));
  }
}
