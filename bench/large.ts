/** What is large on the command line: very many calls in one list, a list of lists, a value of many megabytes through two tasks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalEngine, redex } from './engines.ts';
import type { Figures, Measurement } from './measurement.ts';
import { peaksOf } from './process.ts';
import { sumOfSquares } from './rerun.ts';

export const large: Measurement = {
  title: 'very many calls in one list, a list of lists, and a value of 50 MB through two tasks',
  usage: '',
  async *measure() {
    for (const kind of KINDS) yield await largeRun(redex, kind);
  },
};

interface LargeKind {
  readonly what: string;
  readonly workflow: 'inline' | 'grid' | 'heavy';
  readonly count: number;
}

const KINDS: readonly LargeKind[] = [
  { what: '100,000 inline calls in one list', workflow: 'inline', count: 100_000 },
  { what: 'a list of lists, 1,000 × 1,000', workflow: 'grid', count: 1_000 },
  { what: '50 MB through two tasks (aim 3 s)', workflow: 'heavy', count: 50 * 1024 * 1024 },
];

const VALUES: Readonly<Record<LargeKind['workflow'], (count: number) => number>> = {
  inline: sumOfSquares,
  grid: (count) => count * count,
  heavy: (count) => count,
};

export async function largeRun(engine: LocalEngine, { what, workflow, count }: LargeKind): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'redex-bench-'));
  try {
    const { value, ran } = await engine.run(folder, workflow, count);
    const expected = VALUES[workflow](count);
    if (value !== expected) throw new Error(`${what}: the value is ${value}, not ${expected}`);
    return { what, s: ran.seconds, 'CPU s': ran.cpuSeconds, 'peak by process': peaksOf(ran) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
