/**
 * The cache in DynamoDB: one item an evaluation, by eval hash.
 *
 * 1. An item counts until 90 days after its last use; DynamoDB deletes it some time later.
 * 2. A use is noted at most once a day, so that reading seldom costs a write.
 */

import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Cache, Clock, Evaluation, Objects } from '../engine/ports.ts';
import { type EvalHash, evalNamed, type Hash, runNamed } from '../values/ids.ts';
import { stored } from '../values/json.ts';
import type { Table } from '../values/table.ts';
import { getItems, putItems } from './batches.ts';
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

const DAY_SECONDS = 24 * 60 * 60;
const KEPT_SECONDS = 90 * DAY_SECONDS;

/** Seconds since the epoch, as DynamoDB's time to live wants them. */
function expiry(nowMs: number): number {
  return Math.floor(nowMs / 1000) + KEPT_SECONDS;
}

export function evaluationItem(evaluation: Evaluation, expression: Item[string], nowMs: number): Item {
  return {
    eval: { S: evaluation.hash },
    ...VERSION,
    task: { S: evaluation.task },
    run: { S: evaluation.run },
    at: { N: String(evaluation.at) },
    expression,
    ...(evaluation.requires && { requires: { S: JSON.stringify(evaluation.requires) } }),
    [EXPIRES]: { N: String(expiry(nowMs)) },
  };
}

/** Moves the expiry; does not bring back what was deleted meanwhile. */
export function touchParams(table: string, evaluation: EvalHash, nowMs: number): UpdateItemCommandInput {
  return {
    TableName: table,
    Key: { eval: { S: evaluation } },
    UpdateExpression: 'SET #expires = :expires',
    ConditionExpression: 'attribute_exists(#eval)',
    ExpressionAttributeNames: { '#expires': EXPIRES, '#eval': 'eval' },
    ExpressionAttributeValues: { ':expires': { N: String(expiry(nowMs)) } },
  };
}

export interface CacheOptions {
  /** false: reading moves no expiry. */
  readonly notesUse: boolean;
}

export function dynamoCache(
  client: DynamoDBClient,
  table: string,
  objects: Objects,
  clock: Clock,
  { notesUse }: CacheOptions = { notesUse: true },
): Cache {
  async function itemOf(evaluation: Evaluation): Promise<Item> {
    const { hash, run, at, expression } = evaluation;
    const packed = await pack(objects, `cache/${hash}/${run}-${at}-expression`, expression, PART_BYTES_MAX);
    return evaluationItem(evaluation, packed, clock.now());
  }

  async function touch(evaluation: EvalHash): Promise<void> {
    await client.send(new UpdateItemCommand(touchParams(table, evaluation, clock.now()))).catch((error: unknown) => {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    });
  }

  return {
    async read(evals) {
      const keys = [...new Set(evals)].map((hash) => ({ eval: { S: hash } }));
      const items = await getItems(client, table, keys, { consistent: false });
      const nowSeconds = clock.now() / 1000;
      const live = items.filter((item) => numberOf(item[EXPIRES]) > nowSeconds);
      const isStale = (item: Item) => numberOf(item[EXPIRES]) < nowSeconds + KEPT_SECONDS - DAY_SECONDS;
      const untouched = notesUse ? live.filter(isStale) : [];
      const [evaluations] = await Promise.all([
        Promise.all(live.map((item) => evaluationOf(objects, item).catch(missWhenDamaged))),
        Promise.all(untouched.map((item) => touch(evalNamed(textOf(item.eval))))),
      ]);
      return new Map(evaluations.flatMap((evaluation) => (evaluation ? [[evaluation.hash, evaluation]] : [])));
    },

    async write(evaluations, until) {
      const patience = until === undefined ? {} : { undoneMsMax: until - clock.now() };
      const last = new Map(evaluations.map((evaluation) => [evaluation.hash, evaluation]));
      await putItems(client, table, await Promise.all([...last.values()].map(itemOf)), patience);
    },
  };
}

/** What the cache has lost is computed again. */
function missWhenDamaged(error: unknown): undefined {
  if (!(error instanceof Damaged)) throw error;
}

async function evaluationOf(objects: Objects, item: Item): Promise<Evaluation> {
  const hash = evalNamed(textOf(item.eval));
  checkVersion(`the cache entry ${hash}`, item);
  return {
    hash,
    task: textOf(item.task),
    expression: await unpack<Table>(objects, item.expression),
    ...(item.requires && { requires: stored<Record<string, Hash>>(textOf(item.requires)) }),
    run: runNamed(textOf(item.run)),
    at: numberOf(item.at),
  };
}
