/**
 * One completion on a run of many jobs: of scripts in groups of a thousand, one ends, `advance` hears of it and takes the run
 * one round further. Warm: its graph is in memory. Cold: nothing is. On the local cloud with objects and attempts as on AWS.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { present } from '../core/values/present.ts';
import { type BenchCloud, type BenchCloudOptions, openBenchCloud, type TimedInvocation } from './cloud.ts';
import { type Measurement, sizesOf } from './measurement.ts';
import { countOf } from './requests.ts';

export const round: Measurement = {
  title: 'one completion on a run of many jobs, warm and cold',
  usage: '[JOBS…]',
  async *measure(words) {
    for (const count of sizesOf(words, [100, 1_000, 10_000, 100_000])) yield* roundsOf(count);
  },
};

/** Jobs that are still to end when it is measured. */
const LIVE_MAX = 1_000;
const WARM_ROUNDS = 40;
const COLD_ROUNDS = 10;

export async function* roundsOf(
  count: number,
  { live = Math.min(LIVE_MAX, count), warm = WARM_ROUNDS, cold = COLD_ROUNDS } = {},
  jobs: Pick<BenchCloudOptions, 'echo'> = {},
) {
  const turns = turnstile(count - live);
  const cloud = await openBenchCloud({ ...jobs, storage: 's3', turn: turns.pass });
  try {
    const run = await cloud.start('bench.groups', { count });
    await quiet(cloud, () => heardOf(cloud) >= count - live);
    const one = async (isCold: boolean): Promise<TimedInvocation> => {
      if (isCold) cloud.cool();
      const before = cloud.invocations.length;
      const expected = heardOf(cloud) + 1;
      turns.let(1);
      await quiet(cloud, () => heardOf(cloud) >= expected);
      return present(
        cloud.invocations.slice(before).find(({ ended }) => ended === 1),
        'invocation that heard of the end',
      );
    };
    for (const [temperature, rounds] of [
      ['warm', warm],
      ['cold', cold],
    ] as const) {
      const measured: TimedInvocation[] = [];
      for (let at = 0; at < rounds; at++) measured.push(await one(temperature === 'cold'));
      yield rowOf({ count, live, temperature }, measured);
    }
    turns.let(count);
    const { result } = await cloud.ended(run);
    const expected = (count * (count - 1)) / 2;
    if (result?.[0] !== expected)
      throw new Error(`the sum of ${count} lines is ${JSON.stringify(result)}, not ${expected}`);
  } finally {
    turns.let(count);
    await cloud.close();
  }
}

function heardOf({ invocations }: BenchCloud): number {
  return invocations.reduce((sum, { ended }) => sum + ended, 0);
}

function rowOf(
  { count, live, temperature }: { readonly count: number; readonly live: number; readonly temperature: string },
  measured: readonly TimedInvocation[],
) {
  const middle = (of: (one: TimedInvocation) => number): number => median(measured.map(of));
  return {
    jobs: count,
    live,
    graph: temperature,
    rounds: measured.length,
    ms: middle(({ ms }) => ms),
    'CPU ms': middle(({ cpuMs }) => cpuMs),
    'read units': middle(({ requests }) => requests.readUnits),
    'write units': middle(({ requests }) => requests.writeUnits),
    'S3 requests': middle(({ requests }) => countOf(requests, 'S3 ')),
  };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

/** Longer than the window of a queue and the delay of a wake-up together. */
const QUIET_MS = 120;

/** Resolves when it is so, and nothing was taken further for a while. */
async function quiet({ invocations }: BenchCloud, isSo: () => boolean): Promise<void> {
  for (let before = -1; !isSo() || invocations.length > before; ) {
    before = invocations.length;
    await sleep(QUIET_MS);
  }
}

/** Lets as many pass as it is told to, one after another. */
function turnstile(first: number) {
  let open = first;
  const waiting: (() => void)[] = [];
  return {
    pass: (): Promise<void> => {
      if (open > 0) {
        open--;
        return Promise.resolve();
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    let(more: number): void {
      open += more;
      for (const pass of waiting.splice(0, more)) {
        open--;
        pass();
      }
    },
  };
}
