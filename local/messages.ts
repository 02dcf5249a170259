/** The messages of a queue: those that wait, and the batch that a handler has. Pure but for being kept in place. */

export interface LocalMessage {
  readonly id: string;
  readonly body: string;
  /** ms since the epoch: not received before. */
  readonly dueAt: number;
  /** How often a handler has had it. */
  readonly receives: number;
}

export interface Messages<M extends LocalMessage> {
  waiting: M[];
  inHand: readonly M[];
  /** From then on nothing is received. */
  isStopped: boolean;
}

/** What becomes of a message that a handler had. */
export type Fate<M extends LocalMessage> =
  | { readonly kind: 'accepted'; readonly message: M }
  | { readonly kind: 'again'; readonly message: M; readonly reason: string }
  | { readonly kind: 'dead'; readonly message: M; readonly reason: string };

const BATCH_MAX = 100;
/** How long the first message of a batch waits for company. */
const WINDOW_MS = 15;
const RECEIVES_MAX = 10;
const RETRY_MS_MAX = 30_000;

export function noMessages<M extends LocalMessage>(): Messages<M> {
  return { waiting: [], inHand: [], isStopped: false };
}

export function isEmpty({ waiting, inHand }: Messages<LocalMessage>): boolean {
  return waiting.length === 0 && inHand.length === 0;
}

/** When messages are to be received next; undefined: not before another is sent. */
export function receiveAt({ waiting, isStopped }: Messages<LocalMessage>): number | undefined {
  if (isStopped || waiting.length === 0) return undefined;
  return waiting.reduce((first, { dueAt }) => Math.min(first, dueAt), Number.POSITIVE_INFINITY) + WINDOW_MS;
}

/** Gives the messages that are due, as many as a batch has, into the handler's hand. */
export function receive<M extends LocalMessage>(messages: Messages<M>, now: number): readonly M[] {
  if (messages.isStopped) return [];
  const batch: M[] = [];
  const rest: M[] = [];
  for (const message of messages.waiting) {
    if (message.dueAt <= now && batch.length < BATCH_MAX) batch.push({ ...message, receives: message.receives + 1 });
    else rest.push(message);
  }
  messages.waiting = rest;
  messages.inHand = batch;
  return batch;
}

/**
 * The handler has had the batch. Messages in `failed`, by id and with the reason, come again, each time after twice as
 * long; after ten times they are given up.
 */
export function settle<M extends LocalMessage>(
  messages: Messages<M>,
  failed: ReadonlyMap<string, string>,
  now: number,
  retryMsFirst: number,
): readonly Fate<M>[] {
  const fates = messages.inHand.map((message): Fate<M> => {
    const reason = failed.get(message.id);
    if (reason === undefined) return { kind: 'accepted', message };
    if (message.receives >= RECEIVES_MAX) return { kind: 'dead', message, reason };
    const dueAt = now + Math.min(retryMsFirst * 2 ** (message.receives - 1), RETRY_MS_MAX);
    return { kind: 'again', message: { ...message, dueAt }, reason };
  });
  messages.inHand = [];
  for (const { kind, message } of fates) if (kind === 'again') messages.waiting.push(message);
  return fates;
}
