/**
 * The journal in DynamoDB: one item an entry, under (run, `j#` and the padded sequence).
 *
 * 1. An entry is written only where none is: that one condition is all the concurrency control there is.
 * 2. Reads are strongly consistent.
 */

import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  type PutItemCommandInput,
  paginateQuery,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { JournalDamaged } from '../engine/lost.ts';
import type { Entry, Journal, Objects } from '../engine/ports.ts';
import type { Fact } from '../graph/facts.ts';
import { type RunId, runNamed } from '../values/ids.ts';
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

const SEQUENCE_DIGITS = 10;
const SEQUENCE_MAX = 10 ** SEQUENCE_DIGITS - 1;

function sortKey(sequence: number): string {
  return `j#${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`;
}

export function appendParams(table: string, entry: Omit<Entry, 'facts'>, body: Item[string]): PutItemCommandInput {
  return {
    TableName: table,
    Item: {
      run: { S: entry.run },
      sort: { S: sortKey(entry.sequence) },
      ...VERSION,
      sequence: { N: String(entry.sequence) },
      nonce: { S: entry.nonce },
      at: { N: String(entry.at) },
      body,
    },
    ConditionExpression: 'attribute_not_exists(#run)',
    ExpressionAttributeNames: { '#run': 'run' },
  };
}

export function readAfterParams(table: string, run: RunId, sequence: number): QueryCommandInput {
  return {
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: '#run = :run AND #sort BETWEEN :first AND :last',
    ExpressionAttributeNames: { '#run': 'run', '#sort': 'sort' },
    ExpressionAttributeValues: {
      ':run': { S: run },
      ':first': { S: sortKey(sequence + 1) },
      ':last': { S: sortKey(SEQUENCE_MAX) },
    },
  };
}

export function dynamoJournal(client: DynamoDBClient, table: string, objects: Objects): Journal {
  return {
    async append(entry) {
      const { facts, ...head } = entry;
      const body = await pack(objects, `journal/${entry.run}/${entry.sequence}-${entry.nonce}`, facts, BODY_BYTES_MAX);
      try {
        await client.send(new PutItemCommand(appendParams(table, head, body)));
        return 'appended';
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return 'taken';
        throw error;
      }
    },

    async readAfter(run, sequence) {
      const items: Item[] = [];
      for await (const page of paginateQuery({ client }, readAfterParams(table, run, sequence))) {
        items.push(...(page.Items ?? []));
      }
      return Promise.all(items.map((item) => entryOf(objects, item)));
    },
  };
}

async function entryOf(objects: Objects, item: Item): Promise<Entry> {
  const run = runNamed(textOf(item.run));
  const sequence = numberOf(item.sequence);
  checkVersion(`entry ${sequence} of the journal of run ${run}`, item);
  const facts = await unpack<Fact[]>(objects, item.body).catch((error: unknown) => {
    if (!(error instanceof Damaged)) throw error;
    throw new JournalDamaged(`entry ${sequence} of the journal of run ${run} cannot be read: ${error.message}`);
  });
  return { run, sequence, nonce: textOf(item.nonce), at: numberOf(item.at), facts };
}
