/**
 * Claims to work in DynamoDB: one item for (run, evaluation), and a mark `cancelled` beside them in a cancelled run. The
 * items of a run lie in 16 shards, each with a mark of its own: a partition takes 1,000 writes and 3,000 reads a second,
 * and the jobs of a large array begin all at once.
 *
 * 1. A condition sees one item only, so the mark is read before a claim; a cancel that falls in between is seen by
 *    `holds`, which is asked again before anything is staged out.
 * 2. A write that was refused may have been done, its answer lost and the SDK trying again: every write has a nonce
 *    that tells its writer so. Without it a second try would refuse its own job.
 * 3. Items count for 30 days; DynamoDB deletes them some time later.
 */

import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { AttemptRecord, Attempts, Clock, Objects, Outcome } from '../engine/ports.ts';
import { errorValue } from '../graph/errors.ts';
import { type EvalHash, evalNamed, type RunId } from '../values/ids.ts';
import { getItems } from './batches.ts';
import {
  checkVersion,
  Damaged,
  type Item,
  numberOf,
  PART_BYTES_MAX,
  pack,
  textOf,
  unpack,
  VERSION,
} from './packing.ts';
import { EXPIRES } from './tables.ts';

/** Sort key of a cancelled run's mark: no eval hash looks like it. */
const CANCELLED = 'cancelled';

const KEPT_SECONDS = 30 * 24 * 60 * 60;

interface Claim {
  readonly run: RunId;
  readonly eval: EvalHash;
  readonly attempt: number;
  readonly holder: string;
}

/** An eval hash begins with any of these as often as with any other. */
const SHARDS = [...'0123456789abcdef'];

function keyOf(run: RunId, evaluation: EvalHash): Item {
  return { shard: { S: shardOf(run, evaluation) }, eval: { S: evaluation } };
}

function shardOf(run: RunId, evaluation: EvalHash): string {
  return `${run}#${evaluation[0]}`;
}

function markKey(shard: string): Item {
  return { shard: { S: shard }, eval: { S: CANCELLED } };
}

function markKeys(run: RunId): Item[] {
  return SHARDS.map((digit) => markKey(`${run}#${digit}`));
}

function expiry(nowMs: number): Record<typeof EXPIRES, Item[string]> {
  return { [EXPIRES]: { N: String(Math.floor(nowMs / 1000) + KEPT_SECONDS) } };
}

export function claimParams(table: string, claim: Claim, nonce: string, nowMs: number): PutItemCommandInput {
  return {
    TableName: table,
    Item: {
      ...keyOf(claim.run, claim.eval),
      ...VERSION,
      attempt: { N: String(claim.attempt) },
      holder: { S: claim.holder },
      nonce: { S: nonce },
      ...expiry(nowMs),
    },
    ConditionExpression: 'attribute_not_exists(#shard) OR #attempt < :attempt OR #expires <= :now',
    ExpressionAttributeNames: { '#shard': 'shard', '#attempt': 'attempt', '#expires': EXPIRES },
    ExpressionAttributeValues: {
      ':attempt': { N: String(claim.attempt) },
      ':now': { N: String(Math.floor(nowMs / 1000)) },
    },
  };
}

export function finishParams(
  table: string,
  claim: Claim,
  outcome: Item[string],
  nonce: string,
  nowMs: number,
): UpdateItemCommandInput {
  return {
    TableName: table,
    Key: keyOf(claim.run, claim.eval),
    UpdateExpression: 'SET #outcome = :outcome, #nonce = :nonce, #expires = :expires',
    ConditionExpression: '#attempt = :attempt AND #holder = :holder AND attribute_not_exists(#outcome)',
    ExpressionAttributeNames: {
      '#outcome': 'outcome',
      '#nonce': 'nonce',
      '#expires': EXPIRES,
      '#attempt': 'attempt',
      '#holder': 'holder',
    },
    ExpressionAttributeValues: {
      ':outcome': outcome,
      ':nonce': { S: nonce },
      ':expires': expiry(nowMs)[EXPIRES],
      ':attempt': { N: String(claim.attempt) },
      ':holder': { S: claim.holder },
    },
  };
}

/** Where outcomes are that no item takes and that are not in the store: in the scratch space of their executor. */
export interface Exchange {
  /** The objects at `s3://bucket/prefix/`. */
  readonly open: (location: string) => Objects;
  /** Of a runner: where it puts its own. */
  readonly own?: string | undefined;
}

/** Nothing here waits. */
type ClaimClock = Pick<Clock, 'now' | 'nonce'>;

/** Without an exchange, all outcomes are in `objects`. */
export function dynamoAttempts(
  client: DynamoDBClient,
  table: string,
  objects: Objects,
  clock: ClaimClock,
  exchange?: Exchange,
): Attempts {
  const isLive = (item: Item) => numberOf(item[EXPIRES]) > clock.now() / 1000;

  async function get(key: Item): Promise<Item | undefined> {
    const { Item: item } = await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
    return item && isLive(item) ? item : undefined;
  }

  /** Whether the write under `nonce` was done. */
  async function wasDone(write: Promise<unknown>, run: RunId, evaluation: EvalHash, nonce: string): Promise<boolean> {
    try {
      await write;
      return true;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return (await get(keyOf(run, evaluation)))?.nonce?.S === nonce;
    }
  }

  return {
    async claim(run, evaluation, attempt, holder) {
      if (await get(markKey(shardOf(run, evaluation)))) return 'refused';
      const claim = { run, eval: evaluation, attempt, holder };
      const nonce = clock.nonce();
      const write = client.send(new PutItemCommand(claimParams(table, claim, nonce, clock.now())));
      return (await wasDone(write, run, evaluation, nonce)) ? 'claimed' : 'refused';
    },

    async holds(run, evaluation, attempt, holder) {
      const keys = [markKey(shardOf(run, evaluation)), keyOf(run, evaluation)];
      const items = (await getItems(client, table, keys, { consistent: true })).filter(isLive);
      if (items.some((item) => item.eval?.S === CANCELLED)) return false;
      return items.some((item) => numberOf(item.attempt) === attempt && item.holder?.S === holder);
    },

    async finish(run, evaluation, attempt, holder, outcome) {
      const claim = { run, eval: evaluation, attempt, holder };
      const nonce = clock.nonce();
      const key = `outcomes/${run}/${evaluation}-${attempt}-${nonce}`;
      const packed = await packOutcome({ objects, exchange }, key, outcome);
      const write = client.send(new UpdateItemCommand(finishParams(table, claim, packed, nonce, clock.now())));
      return (await wasDone(write, run, evaluation, nonce)) ? 'recorded' : 'refused';
    },

    async read(run, evaluations) {
      const keys = [...new Set(evaluations)].map((hash) => keyOf(run, hash));
      const items = (await getItems(client, table, keys, { consistent: true })).filter(isLive);
      const read = items.map(
        async (item) => [evalNamed(textOf(item.eval)), await recordOf({ objects, exchange }, run, item)] as const,
      );
      return new Map(await Promise.all(read));
    },

    async cancel(run) {
      const marks = markKeys(run).map((key) => ({ ...key, ...VERSION, ...expiry(clock.now()) }));
      await Promise.all(marks.map((mark) => client.send(new PutItemCommand({ TableName: table, Item: mark }))));
    },

    async reopen(run) {
      const keys = markKeys(run);
      await Promise.all(keys.map((key) => client.send(new DeleteItemCommand({ TableName: table, Key: key }))));
    },
  };
}

interface OutcomePlaces {
  readonly objects: Objects;
  readonly exchange: Exchange | undefined;
}

/** What is in the scratch space is named by its whole location. */
async function packOutcome({ objects, exchange }: OutcomePlaces, key: string, outcome: Outcome): Promise<Item[string]> {
  const own = exchange?.own;
  if (own === undefined) return await pack(objects, key, outcome, PART_BYTES_MAX);
  const packed = await pack(exchange?.open(own) ?? objects, key, outcome, PART_BYTES_MAX);
  return packed.S === undefined ? packed : { S: `${own.replace(/\/?$/, '/')}${packed.S}` };
}

/** Keys of outcomes begin with this folder, wherever they are. */
const ELSEWHERE = /^(s3:\/\/.*?)(outcomes\/[^/]+\/[^/]+)$/s;

async function unpackOutcome({ objects, exchange }: OutcomePlaces, attribute: Item[string]): Promise<Outcome> {
  const [, location, key] = ELSEWHERE.exec(attribute.S ?? '') ?? [];
  if (location === undefined || key === undefined) return await unpack(objects, attribute);
  if (!exchange) throw new Damaged(`${attribute.S} is in no place that is known here`);
  return await unpack(exchange.open(location), { S: key });
}

async function recordOf(places: OutcomePlaces, run: RunId, item: Item): Promise<AttemptRecord> {
  checkVersion(`the attempt at ${textOf(item.eval)} in run ${run}`, item);
  return {
    attempt: numberOf(item.attempt),
    holder: textOf(item.holder),
    ...(item.outcome && { outcome: await outcomeOf(places, item.outcome) }),
  };
}

/** An outcome that is lost is one all the same: the work is over, and its job fails by name. */
async function outcomeOf(places: OutcomePlaces, attribute: Item[string]): Promise<Outcome> {
  try {
    return await unpackOutcome(places, attribute);
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    return {
      ok: false,
      error: errorValue('ValueGone', `the result of the job cannot be had: ${error.message}`),
      measured: {},
    };
  }
}
