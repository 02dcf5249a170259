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
import type { EvalHash, RunId } from '../graph/facts.ts';
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

function expiry(nowMs: number): Item {
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
      ':expires': expiry(nowMs)[EXPIRES] as Item[string],
      ':attempt': { N: String(claim.attempt) },
      ':holder': { S: claim.holder },
    },
  };
}

/** Nothing here waits. */
type Reading = Pick<Clock, 'now' | 'nonce'>;

export function dynamoAttempts(client: DynamoDBClient, table: string, objects: Objects, clock: Reading): Attempts {
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
      const packed = await pack(objects, key, outcome, PART_BYTES_MAX);
      const write = client.send(new UpdateItemCommand(finishParams(table, claim, packed, nonce, clock.now())));
      return (await wasDone(write, run, evaluation, nonce)) ? 'recorded' : 'refused';
    },

    async read(run, evaluations) {
      const keys = [...new Set(evaluations)].map((hash) => keyOf(run, hash));
      const items = (await getItems(client, table, keys, { consistent: true })).filter(isLive);
      const read = items.map(
        async (item) => [textOf(item.eval) as EvalHash, await recordOf(objects, run, item)] as const,
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

async function recordOf(objects: Objects, run: RunId, item: Item): Promise<AttemptRecord> {
  checkVersion(`the attempt at ${textOf(item.eval)} in run ${run}`, item);
  return {
    attempt: numberOf(item.attempt),
    holder: textOf(item.holder),
    ...(item.outcome && { outcome: await outcomeOf(objects, item.outcome) }),
  };
}

/** An outcome that is lost is one all the same: the work is over, and its job fails by name. */
async function outcomeOf(objects: Objects, attribute: Item[string]): Promise<Outcome> {
  try {
    return (await unpack(objects, attribute)) as Outcome;
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    return {
      ok: false,
      error: errorValue('ValueGone', `the result of the job cannot be had: ${error.message}`),
      measured: {},
    };
  }
}
