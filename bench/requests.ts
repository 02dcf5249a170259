/** Every request that the SDK clients of this process send, counted, and answered as late as on AWS where that is asked for. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Client } from '@smithy/core/client';
import * as v from 'valibot';

/** By `Service Operation`, as `DynamoDB PutItem`. */
export interface Requests {
  readonly counts: Readonly<Record<string, number>>;
  readonly readUnits: number;
  readonly writeUnits: number;
}

/** ms that an answer takes longer, by service. */
export type Latencies = Readonly<Record<string, number>>;

/** Small requests within a region, median; of AWS's own words where it says anything, else what is commonly seen. */
export const AWS_LATENCIES: Latencies = { DynamoDB: 5, S3: 25, Batch: 60, EventBridge: 20, SQS: 10 };

const Capacity = v.object({ CapacityUnits: v.number() });
const Answer = v.object({ ConsumedCapacity: v.optional(v.union([Capacity, v.array(Capacity)]), []) });

const READS: ReadonlySet<string> = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan']);
const WRITES: ReadonlySet<string> = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem']);

const counts: Record<string, number> = {};
const units = { read: 0, write: 0 };
let latencies: Latencies = {};
const tapped = new WeakSet<object>();

/** From here on answers take longer by so much. */
export function emulateLatencies(to: Latencies): void {
  latencies = to;
}

/** Since the process began. */
export function requestsSoFar(): Requests {
  return { counts: { ...counts }, readUnits: units.read, writeUnits: units.write };
}

export function requestsSince(earlier: Requests): Requests {
  const later = requestsSoFar();
  const news = Object.entries(later.counts).flatMap(([name, count]) => {
    const more = count - (earlier.counts[name] ?? 0);
    return more > 0 ? [[name, more] as const] : [];
  });
  return {
    counts: Object.fromEntries(news),
    readUnits: later.readUnits - earlier.readUnits,
    writeUnits: later.writeUnits - earlier.writeUnits,
  };
}

/** Requests whose name begins so, as `S3` or `Batch SubmitJob`. */
export function countOf({ counts: by }: Requests, prefix: string): number {
  return Object.entries(by).reduce((sum, [name, count]) => (name.startsWith(prefix) ? sum + count : sum), 0);
}

type Tapped = Pick<DynamoDBClient, 'middlewareStack'>;

/** A client is tapped when it first sends: whoever made it, and wherever. */
export function tapClients(): void {
  const { send } = Client.prototype;
  if (tapped.has(Client.prototype)) return;
  tapped.add(Client.prototype);
  Object.defineProperty(Client.prototype, 'send', {
    configurable: true,
    writable: true,
    value(this: Tapped, ...words: readonly unknown[]): unknown {
      if (!tapped.has(this)) tap(this);
      return Reflect.apply(send, this, words);
    },
  });
}

function tap(client: Tapped): void {
  tapped.add(client);
  client.middlewareStack.add(
    (next, { clientName = '', commandName = '' }) =>
      async (args) => {
        const service = clientName.replace(/Client$/, '');
        const operation = commandName.replace(/Command$/, '');
        const name = `${service} ${operation}`;
        counts[name] = (counts[name] ?? 0) + 1;
        const ms = latencies[service];
        if (ms !== undefined) await sleep(ms);
        if (service !== 'DynamoDB') return next(args);
        const isData = READS.has(operation) || WRITES.has(operation);
        const told = isData && { ReturnConsumedCapacity: 'TOTAL' as const };
        const result = await next({ ...args, input: { ...args.input, ...told } });
        const { ConsumedCapacity } = v.parse(Answer, result.output);
        units[READS.has(operation) ? 'read' : 'write'] += [ConsumedCapacity]
          .flat()
          .reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0);
        return result;
      },
    { step: 'initialize', name: 'countsRequests', priority: 'low' },
  );
}
