/**
 * `node bench/costs.ts [COUNT]`: what a run of so many scripts (200), and one of so many inline calls, ask of AWS on the
 * packaged stack, in requests and units, for a thousand of them; and what the stack costs when nobody uses it. It needs moto:
 * `test/python-tools.sh`.
 *
 * Calls of functions take as long as they do here, where moto answers; jobs end two at a time, so that each call of `advance`
 * hears of few: both make it more than on AWS. Not counted: machines, logs, transfer, what is kept, and
 * that Lambda asks an empty queue for messages.
 */

import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { keysOf, stored } from '../core/values/json.ts';
import { UNITS } from '../functions/metrics.ts';
import { type Deployed, openDeployed } from '../test/cloud/deployed.ts';
import type { Answered } from '../test/cloud/gate.ts';
import { ofType } from '../test/stack/template.ts';
import { hasMoto } from '../test/support/moto.ts';

/** US dollars each, of us-east-1 in 2025. */
const PRICES = {
  'DynamoDB write units': 0.625e-6,
  'DynamoDB read units': 0.125e-6,
  'S3 PUT and LIST': 5e-6,
  'S3 GET and HEAD': 0.4e-6,
  'SQS requests': 0.4e-6,
  'events put on the bus': 1e-6,
  'Lambda calls': 0.2e-6,
  /** On arm64. */
  'Lambda GB-seconds': 13.3334e-6,
} as const;
/** A month of an alarm, and of a metric of one's own: those of functions/metrics.ts, and one that a filter makes of logs. */
const ALARM = 0.1;
const METRIC = 0.3;
const MONTH_HOURS = 730;

type Kind = keyof typeof PRICES;
type Counts = Record<Kind, number>;

const KINDS = keysOf(PRICES);
const noCounts = (): Counts => ({
  'DynamoDB write units': 0,
  'DynamoDB read units': 0,
  'S3 PUT and LIST': 0,
  'S3 GET and HEAD': 0,
  'SQS requests': 0,
  'events put on the bus': 0,
  'Lambda calls': 0,
  'Lambda GB-seconds': 0,
});

const WRITE_UNIT_BYTES = 1024;
const READ_UNIT_BYTES = 4096;

/** As the wire has it: bytes are base64. */
type WireItem = Readonly<Record<string, AttributeValue>>;

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
function bytesOf(item: WireItem): number {
  const sizes = Object.entries(item).map(([name, { S = '', N, B }]) => {
    if (N !== undefined) return name.length + Math.ceil(N.length / 2) + 1;
    return name.length + (B === undefined ? Buffer.byteLength(S) : Buffer.from(String(B), 'base64').length);
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));
/** Half of it where the read need not be consistent. What is not there is one unit. */
const readUnits = (bytes: number, isConsistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) * (isConsistent ? 1 : 0.5);

interface DynamoRequest {
  readonly Item?: WireItem;
  readonly Items?: readonly WireItem[];
  readonly Key?: WireItem;
  readonly ConsistentRead?: boolean;
  readonly ExpressionAttributeValues?: WireItem;
  readonly RequestItems?: Readonly<
    Record<string, { readonly Keys?: readonly WireItem[]; readonly ConsistentRead?: boolean } & Puts>
  >;
  readonly Responses?: Readonly<Record<string, readonly WireItem[]>>;
}

type Puts = readonly { readonly PutRequest?: { readonly Item: WireItem } }[];

function dynamoUnits({ action, asked, body }: Answered): { readonly kind: Kind; readonly units: number } {
  const request = stored<DynamoRequest>(asked.body.toString());
  const answer = stored<DynamoRequest>(body.toString() || '{}');
  const write = (units: number) => ({ kind: 'DynamoDB write units', units }) as const;
  const read = (units: number) => ({ kind: 'DynamoDB read units', units }) as const;
  const batches = Object.entries(request.RequestItems ?? {});
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  switch (action) {
    case 'dynamodb:PutItem':
      return write(writeUnits(bytesOf(request.Item ?? {})));
    case 'dynamodb:UpdateItem':
      // The item is at least what is set in it.
      return write(writeUnits(bytesOf({ ...request.Key, ...request.ExpressionAttributeValues })));
    case 'dynamodb:DeleteItem':
      return write(1);
    case 'dynamodb:BatchWriteItem':
      return write(
        sum(batches.flatMap(([, puts]) => puts.map(({ PutRequest }) => writeUnits(bytesOf(PutRequest?.Item ?? {}))))),
      );
    case 'dynamodb:GetItem':
      return read(readUnits(bytesOf(answer.Item ?? {}), request.ConsistentRead === true));
    case 'dynamodb:Query':
      return read(readUnits(sum((answer.Items ?? []).map(bytesOf)), request.ConsistentRead === true));
    case 'dynamodb:BatchGetItem':
      return read(
        sum(
          batches.flatMap(([table, { Keys = [], ConsistentRead = false }]) => {
            const found = (answer.Responses?.[table] ?? []).map((item) => readUnits(bytesOf(item), ConsistentRead));
            return [...found, (Keys.length - found.length) * readUnits(0, ConsistentRead)];
          }),
        ),
      );
    default:
      throw new Error(`${action} has no price here`);
  }
}

function count(into: Counts, answered: Answered): void {
  const { action, asked } = answered;
  if (action.startsWith('dynamodb:')) {
    const { kind, units } = dynamoUnits(answered);
    into[kind] += units;
  } else if (action.startsWith('s3:')) {
    const isRead = (asked.method === 'GET' || asked.method === 'HEAD') && action !== 's3:ListBucket';
    if (asked.method !== 'DELETE') into[isRead ? 'S3 GET and HEAD' : 'S3 PUT and LIST']++;
  } else if (action.startsWith('sqs:')) into['SQS requests']++;
  else if (action.startsWith('events:')) into['events put on the bus']++;
}

/** What is asked for while `act` goes on. */
async function measured({ world }: Deployed, act: () => Promise<void>): Promise<Counts> {
  const counts = noCounts();
  world.answered = (answered) => count(counts, answered);
  world.called = (name, ms) => {
    const resource = world.template.Resources[`${name[0]?.toUpperCase()}${name.slice(1)}LambdaFunction`];
    counts['Lambda calls']++;
    counts['Lambda GB-seconds'] += (ms / 1000) * (resource?.Properties.MemorySize / 1024);
  };
  // Rules put a message for each event, and Lambda takes and deletes ten of them with a request.
  world.deliveries = () => {
    counts['SQS requests'] += 1 + 2 / 10;
    return [0];
  };
  await act();
  return counts;
}

function costOf(counts: Counts): number {
  return KINDS.reduce((sum, kind) => sum + counts[kind] * PRICES[kind], 0);
}

function show(title: string, counts: Counts, times: number): void {
  process.stdout.write(`${title}\n`);
  for (const kind of KINDS) {
    const number = counts[kind] * times;
    const dollars = (number * PRICES[kind]).toFixed(4);
    process.stdout.write(`  ${kind.padEnd(24)} ${number.toFixed(0).padStart(9)}  $${dollars}\n`);
  }
  process.stdout.write(`  ${'together'.padEnd(34)}  $${(costOf(counts) * times).toFixed(4)}\n`);
}

async function main(jobs: number): Promise<void> {
  const removals: (() => Promise<void>)[] = [];
  const deployed = await openDeployed((remove) => removals.push(remove));
  const { world } = deployed;
  const run = async (workflow: string, to = jobs) => {
    const summary = await deployed.ended(await deployed.start({ workflow, args: { to }, cache: false }));
    if (summary.status !== 'DONE') throw new Error(`${workflow} is ${summary.status}: ${summary.traceback}`);
  };
  const sweep = async () => void (await world.invoke('sweep', {}));
  try {
    // What is loaded once is not what a run costs.
    await sweep();
    await run('cloud.scripts', 2);
    show(`1,000 scripts, measured with ${jobs}`, await measured(deployed, () => run('cloud.scripts')), 1000 / jobs);
    show(`1,000 inline calls, measured with ${jobs}`, await measured(deployed, () => run('cloud.inline')), 1000 / jobs);
    const hours = await measured(deployed, sweep);
    const sweeps = MONTH_HOURS * 12;
    show('a month of sweeps, one each five minutes', hours, sweeps);
    const alarms = ofType(world.template, 'AWS::CloudWatch::Alarm').length;
    const metrics = Object.keys(UNITS).length + 1;
    const standing = alarms * ALARM + metrics * METRIC;
    const idle = (standing + costOf(hours) * sweeps).toFixed(2);
    process.stdout.write(
      `a month of nothing: $${idle}, of which ${alarms} alarms and ${metrics} metrics $${standing.toFixed(2)}\n`,
    );
  } finally {
    await deployed.close();
    for (const remove of removals) await remove();
  }
}

if (!hasMoto()) throw new Error('moto is not installed: test/python-tools.sh installs it');
await main(Number(process.argv[2] ?? 200));
process.exit();
