/**
 * A run that was run before: inline calls on the command line, cold and unchanged, with the memory of every process; and a map of
 * scripts that a local cloud has taken to its end, run again by the command line, which submits nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBenchCloud, submissionsIn } from './cloud.ts';
import { redex } from './engines.ts';
import { type Figures, type Measurement, sizesOf } from './measurement.ts';
import { peaksOf, type Ran } from './process.ts';

export const rerun: Measurement = {
  title: 'an unchanged run, and what it was cold: time, and memory in every process',
  usage: '[JOBS…]',
  async *measure(words) {
    for (const count of sizesOf(words, [10_000])) {
      yield* inlineRows(count);
      yield* scriptRows(count);
    }
  },
};

async function* inlineRows(count: number): AsyncGenerator<Figures> {
  const root = await mkdtemp(join(tmpdir(), 'redex-bench-'));
  try {
    for (const what of ['inline calls, cold', 'inline calls, unchanged']) {
      const { value, ran } = await redex.run(root, 'inline', count);
      check(value, sumOfSquares(count));
      yield rowOf(what, count, ran, 0);
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function* scriptRows(count: number): AsyncGenerator<Figures> {
  const root = await mkdtemp(join(tmpdir(), 'redex-bench-'));
  const folder = join(root, '.redex');
  try {
    const cloud = await openBenchCloud({ storage: 'folder', root });
    try {
      await cloud.ended(await cloud.start('bench.main', { count }));
    } finally {
      await cloud.close();
    }
    const before = (await submissionsIn(folder)).length;
    const { value, ran } = await redex.run(root, 'main', count);
    check(value, (count * (count - 1)) / 2);
    const submitted = (await submissionsIn(folder)).length - before;
    if (submitted > 0) throw new Error(`an unchanged run submitted ${submitted} times`);
    yield rowOf('scripts, unchanged', count, ran, submitted);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function rowOf(what: string, jobs: number, ran: Ran, submissions: number): Figures {
  return {
    what,
    jobs,
    s: ran.seconds,
    'CPU s': ran.cpuSeconds,
    SubmitJob: submissions,
    'peak by process': peaksOf(ran),
  };
}

/** Of the numbers below. */
export function sumOfSquares(count: number): number {
  return ((count - 1) * count * (2 * count - 1)) / 6;
}

function check(value: number, expected: number): void {
  if (value !== expected) throw new Error(`the sum is ${value}, not ${expected}`);
}
