/**
 * What runs ask of AWS, counted in the SDK clients of handlers and jobs, and priced by a dated table: for 1,000 tasks, sent as
 * arrays and one by one, and for a month in which nobody asks for anything. The services are a local cloud's, with S3 in memory.
 *
 * Functions take as long as they do here, in one process with the services: more than on AWS. Not counted: machines, logs,
 * transfer, what is kept, and that Lambda asks an empty queue for messages.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keysOf } from '../core/values/json.ts';
import { UNITS } from '../functions/metrics.ts';
import { type BenchCloud, type BenchCloudOptions, openBenchCloud } from './cloud.ts';
import { type Figures, type Measurement, sizesOf } from './measurement.ts';
import { MONTHLY, OTHERS, PRICES, PRICES_OF } from './prices.ts';
import { countOf, type Requests, requestsSince, requestsSoFar } from './requests.ts';

export const cost: Measurement = {
  title: 'what AWS would charge for 1,000 tasks, as arrays and one by one, and for a month of nothing',
  usage: '[TASKS…]',
  async *measure(words) {
    for (const count of sizesOf(words, [1_000, 100_000])) yield await costOf('arrays', count);
    yield await costOf('one by one', SINGLES);
    yield await idleCost();
    for (const { name, dollars } of OTHERS) yield { what: name, tasks: 1_000, $: dollars, of: PRICES_OF };
  },
};

/** A chain: each is a request of its own, and a call of `advance`. */
const SINGLES = 200;
/** What 1,000 tasks may cost as arrays. */
const AIM = 0.01;
/** Of the functions that take a run forward, in GB, as serverless.yml has it. */
const FUNCTION_GB = 2;

type Counts = Readonly<Record<keyof typeof PRICES, number>>;

export async function costOf(
  how: 'arrays' | 'one by one',
  count: number,
  jobs: Pick<BenchCloudOptions, 'echo'> = {},
): Promise<Figures> {
  const workflow = how === 'arrays' ? 'bench.main' : 'bench.chain';
  const cloud = await openBenchCloud({ ...jobs, storage: 's3' });
  try {
    // What is loaded once is not what a run costs.
    await cloud.ended(await cloud.start('bench.chain', { count: 2 }));
    const counts = await counted(cloud, async () => {
      const summary = await cloud.ended(await cloud.start(workflow, { count }, { cache: false }));
      const done = summary.tally['redex.script']?.done;
      if (done !== count) throw new Error(`${done ?? 0} scripts are done, not ${count}`);
      const expected = how === 'arrays' ? (count * (count - 1)) / 2 : '1\n';
      const [value] = summary.result ?? [];
      if (value !== expected)
        throw new Error(`the run came to ${JSON.stringify(value)}, not ${JSON.stringify(expected)}`);
    });
    return rowOf(`1,000 tasks, ${how}`, count, counts, 1_000 / count, how === 'arrays' ? `$${AIM} at most` : '');
  } finally {
    await cloud.close();
  }
}

/** What is asked for while `act` goes on. */
async function counted(cloud: BenchCloud, act: () => Promise<void>): Promise<Counts> {
  const before = requestsSoFar();
  const first = cloud.invocations.length;
  await act();
  const requests = requestsSince(before);
  const calls = cloud.invocations.slice(first);
  const events = calls.reduce((sum, { ended }) => sum + ended, 0);
  const wakeUps = countOf(requests, 'SQS SendMessage');
  return {
    ...countsOf(requests),
    // A rule puts a message for each event, and Lambda takes and deletes ten of them with a request.
    'SQS requests': events + wakeUps + (2 * (events + wakeUps)) / 10,
    'Lambda calls': calls.length + 1,
    'Lambda GB-seconds': (calls.reduce((sum, { ms }) => sum + ms, 0) / 1000) * FUNCTION_GB,
  };
}

function countsOf(requests: Requests): Counts {
  const gets = countOf(requests, 'S3 Get') + countOf(requests, 'S3 Head');
  return {
    'DynamoDB write units': requests.writeUnits,
    'DynamoDB read units': requests.readUnits,
    'S3 PUT and LIST': countOf(requests, 'S3 ') - gets,
    'S3 GET and HEAD': gets,
    'SQS requests': countOf(requests, 'SQS '),
    'events put on the bus': countOf(requests, 'EventBridge PutEvents'),
    'Lambda calls': 0,
    'Lambda GB-seconds': 0,
  };
}

function rowOf(what: string, tasks: number, counts: Counts, times: number, aim: string): Figures {
  const each = keysOf(PRICES).map((kind) => [kind, counts[kind] * times] as const);
  const dollars = each.reduce((sum, [kind, number]) => sum + number * PRICES[kind], 0);
  return { what, tasks, $: dollars, of: PRICES_OF, aim, ...Object.fromEntries(each) };
}

const STACK = join(import.meta.dirname, '..', 'stack');
const SWEEPS_A_MONTH = 730 * 12;

/** The sweep every five minutes, alarms, and metrics: those of functions/metrics.ts, and one that a filter makes of logs. */
async function idleCost(): Promise<Figures> {
  const cloud = await openBenchCloud({ storage: 's3' });
  try {
    await cloud.invoke('sweep', {});
    const before = requestsSoFar();
    const begin = performance.now();
    await cloud.invoke('sweep', {});
    const seconds = (performance.now() - begin) / 1000;
    const sweep = {
      ...countsOf(requestsSince(before)),
      'Lambda calls': 1,
      'Lambda GB-seconds': seconds * FUNCTION_GB,
    };
    const alarms = readFileSync(join(STACK, 'alarms.yml'), 'utf8').match(/Type: AWS::CloudWatch::Alarm/g)?.length ?? 0;
    const metrics = keysOf(UNITS).length + 1;
    const standing = alarms * MONTHLY.alarm + metrics * MONTHLY.metric;
    const sweeps = rowOf('', 0, sweep, SWEEPS_A_MONTH, '');
    const what = `a month of nothing: ${alarms} alarms, ${metrics} metrics, ${SWEEPS_A_MONTH} sweeps`;
    return { ...sweeps, what, $: standing + Number(sweeps.$) };
  } finally {
    await cloud.close();
  }
}
