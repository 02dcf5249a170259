/**
 * A map of scripts whose results are there before the engine hears of the first: SubmitJob requests, rounds, and the
 * completions that `advance` takes a second. On the local cloud, with real handlers and SDK clients; jobs run in this process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry, RunSummary } from '../core/engine/ports.ts';
import { demandsOf } from '../core/graph/demands.ts';
import { draftOf } from '../core/graph/draft.ts';
import { evolve } from '../core/graph/evolve.ts';
import { type BenchCloudOptions, openBenchCloud, type TimedInvocation } from './cloud.ts';
import { type Measurement, sizesOf } from './measurement.ts';

export const fanout: Measurement = {
  title: 'a map of scripts whose results are there: requests, rounds, completions a second',
  usage: '[JOBS…]',
  async *measure(words) {
    for (const count of sizesOf(words, [10_000, 100_000])) yield await fanOut(count);
  },
};

interface FanOutRun {
  readonly summary: RunSummary;
  /** SubmitJob requests, by size; undefined for a single job. */
  readonly submissions: readonly (number | undefined)[];
  readonly invocations: readonly TimedInvocation[];
  readonly entries: readonly Entry[];
}

export async function fanOut(count: number, jobs: Pick<BenchCloudOptions, 'echo'> = {}) {
  const { summary, submissions, invocations, entries } = await fanOutRun(count, jobs);
  check(count, summary);
  const heard = invocations.filter(({ ended }) => ended > 0);
  const seconds = sum(heard.map(({ ms }) => ms)) / 1000;
  const quarter = Math.ceil(heard.length / 4);
  return {
    jobs: count,
    SubmitJob: submissions.length,
    rounds: heard.length,
    'completions/s': count / seconds,
    'first quarter/s': rate(heard.slice(0, quarter)),
    'last quarter/s': rate(heard.slice(-quarter)),
    'CPU s': sum(heard.map(({ cpuMs }) => cpuMs)) / 1000,
    'reducer s': reducerSeconds(entries),
    requests: sum(heard.flatMap(({ requests }) => Object.values(requests.counts))),
    'peak RSS MB': process.resourceUsage().maxRSS / 1000,
  };
}

/** A job that no other ended after is the last for now. */
const QUIET_MS = 300;

/** Takes a map of so many scripts to its end. */
export async function fanOutRun(count: number, jobs: Pick<BenchCloudOptions, 'echo'> = {}): Promise<FanOutRun> {
  let done = 0;
  const held = async (): Promise<void> => {
    for (let before = 0; done > before && done < count; ) {
      before = done;
      await sleep(QUIET_MS);
    }
  };
  const cloud = await openBenchCloud({ ...jobs, storage: 'folder', done: () => done++, held });
  try {
    const run = await cloud.start('bench.main', { count });
    const summary = await cloud.ended(run);
    const entries = await cloud.world.journal.readAfter(run, 0);
    return { summary, entries, submissions: await cloud.submissions(), invocations: [...cloud.invocations] };
  } finally {
    await cloud.close();
  }
}

function check(count: number, { result, tally }: RunSummary): void {
  const expected = (count * (count - 1)) / 2;
  if (result?.length !== 1 || result[0] !== expected) {
    throw new Error(`the sum of ${count} lines is ${JSON.stringify(result)}, not ${expected}`);
  }
  const scripts = tally['redex.script']?.done;
  if (scripts !== count) throw new Error(`${scripts ?? 0} scripts are done, not ${count}`);
}

/** Of the facts of all entries, demands asked for after each entry: what of the time is the reducer's. */
function reducerSeconds(entries: readonly Entry[]): number {
  const draft = draftOf();
  const begin = performance.now();
  for (const { facts } of entries) {
    for (const fact of facts) evolve(draft, fact);
    demandsOf(draft.graph);
  }
  return (performance.now() - begin) / 1000;
}

function rate(invocations: readonly TimedInvocation[]): number {
  return sum(invocations.map(({ ended }) => ended)) / (sum(invocations.map(({ ms }) => ms)) / 1000);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
