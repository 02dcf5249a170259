/** Batched reads and writes, sent again for what DynamoDB left undone. */

import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetItemCommand, BatchWriteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { httpStatusOf } from './http-status.ts';
import type { Item } from './packing.ts';

const GET_KEYS_MAX = 100;
const WRITE_ITEMS_MAX = 25;
/** How long undone parts are sent again. The SDK's own retries deal with requests that were throttled as a whole. */
const UNDONE_MS_MAX = 10_000;
/** As many as the SDK keeps connections for on a small function, with room for others'. */
const REQUESTS_AT_ONCE = 32;
const PAUSE_MS = 25;
const PAUSE_MS_MAX = 2000;

export interface UndoneLimit {
  /** ms; after that, what is still undone is an error. Whoever says it also waits out trouble that outlasts the SDK's retries. */
  readonly undoneMsMax?: number;
}

export function chunked<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}

/** The items that exist among `keys`, in no order. Keys must differ from each other. */
export async function getItems(
  client: DynamoDBClient,
  table: string,
  keys: readonly Item[],
  options: { readonly consistent: boolean } & UndoneLimit,
): Promise<Item[]> {
  const found: Item[] = [];
  const getChunk = (chunk: Item[]) =>
    untilDone(`reading ${table}`, chunk, options, async (left) => {
      const answer = await client.send(
        new BatchGetItemCommand({ RequestItems: { [table]: { Keys: left, ConsistentRead: options.consistent } } }),
      );
      found.push(...(answer.Responses?.[table] ?? []));
      return answer.UnprocessedKeys?.[table]?.Keys ?? [];
    });
  await inTurns(chunked(keys, GET_KEYS_MAX), getChunk);
  return found;
}

/** Puts all items; their keys must differ from each other. */
export async function putItems(
  client: DynamoDBClient,
  table: string,
  items: readonly Item[],
  patience: UndoneLimit = {},
): Promise<void> {
  const putChunk = (chunk: Item[]) =>
    untilDone(`writing ${table}`, chunk, patience, async (left) => {
      const answer = await client.send(
        new BatchWriteItemCommand({ RequestItems: { [table]: left.map((item) => ({ PutRequest: { Item: item } })) } }),
      );
      return (answer.UnprocessedItems?.[table] ?? []).flatMap(({ PutRequest }) =>
        PutRequest?.Item ? [PutRequest.Item] : [],
      );
    });
  await inTurns(chunked(items, WRITE_ITEMS_MAX), putChunk);
}

/** Sends a few requests at once, whatever their number: each has a connection, and time that runs from when it is made. */
async function inTurns<T>(chunks: readonly T[], send: (chunk: T) => Promise<void>): Promise<void> {
  // Who throws in a loop over it ends it for all.
  const left = (function* () {
    yield* chunks;
  })();
  const sendOn = async (): Promise<void> => {
    for (const chunk of left) await send(chunk);
  };
  await Promise.all(Array.from({ length: Math.min(REQUESTS_AT_ONCE, chunks.length) }, sendOn));
}

async function untilDone(
  what: string,
  all: Item[],
  { undoneMsMax }: UndoneLimit,
  send: (left: Item[]) => Promise<Item[]>,
): Promise<void> {
  const end = Date.now() + (undoneMsMax ?? UNDONE_MS_MAX);
  for (let left = all, tries = 1; ; tries++) {
    const pauseMs = Math.random() * Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** tries);
    const isLate = (): boolean => Date.now() + pauseMs > end;
    left = await send(left).catch((error: unknown) => {
      if (undoneMsMax === undefined || isLate() || !mayPass(error)) throw error;
      return left;
    });
    if (left.length === 0) return;
    if (isLate()) throw new Error(`${what}: ${left.length} items were still undone after ${tries} requests`);
    await sleep(pauseMs);
  }
}

const THROTTLED = 429;

/** Whether the same request may be answered better later. */
function mayPass(error: unknown): boolean {
  // Every error of a request has it, also those of the network.
  if (!(error instanceof Error && '$metadata' in error)) return false;
  const status = httpStatusOf(error) ?? THROTTLED;
  return status === THROTTLED || status >= 500 || /Throttling|ThroughputExceeded|LimitExceeded/.test(error.name);
}
