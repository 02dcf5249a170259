/**
 * A chain of Batch jobs: from the end of one to the beginning of the next, on the local cloud with objects and attempts as on
 * AWS, and with answers as late as on AWS. A queue of the local cloud waits 15 ms for company; machines wait for nothing.
 */
import { type BenchCloudOptions, openBenchCloud } from './cloud.ts';
import { type Measurement, sizesOf } from './measurement.ts';
import { AWS_LATENCIES, countOf, emulateLatencies, type Latencies } from './requests.ts';

export const hop: Measurement = {
  title: 'a chain of Batch jobs: from the end of one to the beginning of the next',
  usage: '[HOPS]',
  async *measure(words) {
    for (const count of sizesOf(words, [100])) {
      yield await hopsOf(count, 'none', {});
      yield await hopsOf(count, 'as on AWS', AWS_LATENCIES);
    }
  },
};

export async function hopsOf(
  count: number,
  name: string,
  latencies: Latencies,
  jobs: Pick<BenchCloudOptions, 'echo'> = {},
) {
  const begun: number[] = [];
  const ended: number[] = [];
  const cloud = await openBenchCloud({
    ...jobs,
    storage: 's3',
    turn: () => {
      begun.push(performance.now());
      return Promise.resolve();
    },
    done: () => ended.push(performance.now()),
  });
  try {
    // Connections and workers are not what a hop takes.
    await cloud.ended(await cloud.start('bench.chain', { count: 2 }));
    begun.length = 0;
    ended.length = 0;
    const first = cloud.invocations.length;
    emulateLatencies(latencies);
    const { result } = await cloud.ended(await cloud.start('bench.chain', { count }, { cache: false }));
    emulateLatencies({});
    if (result?.[0] !== '1\n') throw new Error(`the last of ${count} lines is ${JSON.stringify(result)}, not 1`);
    if (begun.length !== count) throw new Error(`${begun.length} jobs began, not ${count}`);
    const hops = begun.slice(1).map((at, index) => at - (ended[index] ?? Number.NaN));
    const rounds = cloud.invocations.slice(first).filter(({ requests }) => countOf(requests, 'Batch SubmitJob') > 0);
    const own = rounds.map(({ ms }) => ms);
    const requests = rounds.map(({ requests: { counts } }) => Object.values(counts).reduce((sum, n) => sum + n, 0));
    return {
      jobs: count,
      latency: name,
      'hop ms': quantile(hops, 0.5),
      'p95 ms': quantile(hops, 0.95),
      'advance ms': quantile(own, 0.5),
      'CPU ms': quantile(
        rounds.map(({ cpuMs }) => cpuMs),
        0.5,
      ),
      requests: quantile(requests, 0.5),
    };
  } finally {
    emulateLatencies({});
    await cloud.close();
  }
}

function quantile(numbers: readonly number[], share: number): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length * share)] ?? Number.NaN;
}
