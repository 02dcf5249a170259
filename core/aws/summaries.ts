/** Run summaries in DynamoDB: one item a run beside its journal, listed through the status index. */

import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  paginateQuery,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Objects, RunStatus, RunSummary, Summaries } from '../engine/ports.ts';
import { RUN_STATUSES } from '../engine/statuses.ts';
import { digest } from '../values/hash.ts';
import { runNamed } from '../values/ids.ts';
import { getItems } from './batches.ts';
import {
  BODY_BYTES_MAX,
  checkVersion,
  Damaged,
  type Item,
  numberOf,
  pack,
  textOf,
  unpack,
  VERSION,
} from './packing.ts';
import { STATUS_INDEX } from './tables.ts';

const SUMMARY = 'summary';

function keyOf(run: string): Item {
  return { run: { S: run }, sort: { S: SUMMARY } };
}

export function putSummaryParams(table: string, summary: RunSummary, body: Item[string]): PutItemCommandInput {
  return {
    TableName: table,
    Item: {
      ...keyOf(summary.run),
      ...VERSION,
      status: { S: summary.status },
      startedAt: { N: String(summary.startedAt) },
      sequence: { N: String(summary.sequence) },
      updatedAt: { N: String(summary.updatedAt) },
      body,
    },
    ConditionExpression:
      'attribute_not_exists(#run) OR #sequence < :sequence OR (#sequence = :sequence AND #updatedAt < :updatedAt)',
    ExpressionAttributeNames: { '#run': 'run', '#sequence': 'sequence', '#updatedAt': 'updatedAt' },
    ExpressionAttributeValues: {
      ':sequence': { N: String(summary.sequence) },
      ':updatedAt': { N: String(summary.updatedAt) },
    },
  };
}

export function listParams(
  table: string,
  status: RunStatus,
  limit: number | undefined,
  until?: number,
): QueryCommandInput {
  return {
    TableName: table,
    IndexName: STATUS_INDEX,
    KeyConditionExpression: until === undefined ? '#status = :status' : '#status = :status AND #startedAt <= :until',
    ExpressionAttributeNames: { '#status': 'status', ...(until !== undefined && { '#startedAt': 'startedAt' }) },
    ExpressionAttributeValues: {
      ':status': { S: status },
      ...(until !== undefined && { ':until': { N: String(until) } }),
    },
    ScanIndexForward: false,
    ...(limit !== undefined && { Limit: limit }),
  };
}

/** Newest first; of two that started in the same millisecond the one with the higher id. */
function newestFirst(a: RunSummary, b: RunSummary): number {
  return b.startedAt - a.startedAt || (a.run < b.run ? 1 : -1);
}

export function dynamoSummaries(client: DynamoDBClient, table: string, objects: Objects): Summaries {
  async function runsWith(status: RunStatus, limit: number | undefined, until: number | undefined): Promise<string[]> {
    const runs: string[] = [];
    for await (const page of paginateQuery({ client }, listParams(table, status, limit, until))) {
      runs.push(...(page.Items ?? []).map((item) => textOf(item.run)));
      if (limit !== undefined && runs.length >= limit) break;
    }
    return runs;
  }

  return {
    async put(summary) {
      const key = `summaries/${summary.run}/${summary.sequence}-${summary.updatedAt}`;
      const body = await pack(objects, key, summary, BODY_BYTES_MAX);
      await client.send(new PutItemCommand(putSummaryParams(table, summary, body))).catch((error: unknown) => {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      });
    },

    async get(run) {
      const { Item: item } = await client.send(
        new GetItemCommand({ TableName: table, Key: keyOf(run), ConsistentRead: true }),
      );
      return item && summaryOf(objects, item);
    },

    async list({ status, limit, until }) {
      const statuses = status ? [status] : RUN_STATUSES;
      const runs = (await Promise.all(statuses.map((each) => runsWith(each, limit, until)))).flat();
      // A run can stand under two statuses while the index catches up.
      const keys = [...new Set(runs)].map(keyOf);
      const items = await getItems(client, table, keys, { consistent: false });
      const summaries = await Promise.all(items.map((item) => summaryOf(objects, item)));
      return summaries
        .filter((summary) => !status || summary.status === status)
        .sort(newestFirst)
        .slice(0, limit);
    },
  };
}

async function summaryOf(objects: Objects, item: Item): Promise<RunSummary> {
  checkVersion(`the summary of run ${textOf(item.run)}`, item);
  try {
    return await unpack<RunSummary>(objects, item.body);
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    return bareSummary(item, error.message);
  }
}

/**
 * What the item itself says of a run whose summary is gone or damaged, so that one does not hide all others. Sequence 0:
 * the next sweep folds the run's journal and writes the summary anew.
 */
function bareSummary(item: Item, reason: string): RunSummary {
  const run = runNamed(textOf(item.run));
  const [startedAt, updatedAt] = [numberOf(item.startedAt), numberOf(item.updatedAt)];
  return {
    run,
    workflow: '',
    args: {},
    bundle: digest('no bundle', run),
    status: statusOf(textOf(item.status)),
    sequence: 0,
    startedAt,
    updatedAt,
    tally: {},
    blocked: { reason: `its summary cannot be read: ${reason}`, at: updatedAt },
    tags: {},
  };
}

/** One that only a later version knows is none of a run that is over. */
function statusOf(text: string): RunStatus {
  return RUN_STATUSES.find((status) => status === text) ?? 'RUNNING';
}
