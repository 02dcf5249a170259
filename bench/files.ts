/** Files that a run looks at: very many small ones, beside `sha256sum` of the same, in turns; and a large one, with its memory. */
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runRedex } from './engines.ts';
import { type Figures, type Measurement, sizesOf } from './measurement.ts';
import { peaksOf, timed } from './process.ts';

export const files: Measurement = {
  title: '20,000 small files beside sha256sum, and a sparse one of 20 GB',
  usage: '[FILES [GB]]',
  async *measure(words) {
    const [count, gigabytes] = sizesOf(words, [20_000, 20]);
    const folder = await mkdtemp(join(tmpdir(), 'redex-bench-'));
    try {
      yield* smallFiles(folder, count ?? 0);
      if (gigabytes !== undefined) yield await largeFile(folder, gigabytes);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

export type RunFiles = typeof runRedex;

const ROUNDS = 2;
const AIM = 2;

/** What looking at the files takes is the run without what a run of one takes. */
export async function* smallFiles(folder: string, count: number, run: RunFiles = runRedex): AsyncGenerator<Figures> {
  await mkdir(join(folder, 'small'));
  for (let at = 0; at < count; at++) await writeFile(join(folder, 'small', String(at)), `${at}\n`);
  const taken: Record<string, number[]> = {};
  const note = (what: string, seconds: number): void => {
    taken[what] = [...(taken[what] ?? []), seconds];
  };
  for (let round = 0; round < ROUNDS; round++) {
    const sums = await timed(['bash', '-c', 'find small -type f -print0 | xargs -0 sha256sum | wc -l'], {
      cwd: folder,
    });
    if (Number(sums.stdout) !== count) throw new Error(`sha256sum has seen ${sums.stdout.trim()} files, not ${count}`);
    note('sha256sum', sums.seconds);
    note('of one', await look(folder, 1, run));
    note('cold', await look(folder, count, run));
    note('unchanged', await look(folder, count, run));
    await rm(join(folder, '.redex'), { recursive: true, force: true });
  }
  const least = (what: string): number => Math.min(...(taken[what] ?? []));
  for (const what of ['sha256sum', 'cold', 'unchanged']) {
    const seconds = what === 'sha256sum' ? least(what) : least(what) - least('of one');
    yield {
      what: what === 'sha256sum' ? what : `redex, ${what}`,
      files: count,
      'run s': least(what),
      'looking s': seconds,
      'times sha256sum': seconds / least('sha256sum'),
      aim: what === 'sha256sum' ? '' : `${AIM} at most`,
      peak: '',
    };
  }
}

async function look(folder: string, count: number, run: RunFiles): Promise<number> {
  const { value, ran } = await run(folder, 'files', '--folder', 'small', '--count', String(count));
  const expected = count + count - 1;
  if (value !== expected) throw new Error(`the run of ${count} files came to ${value}, not ${expected}`);
  return ran.seconds;
}

async function largeFile(folder: string, gigabytes: number): Promise<Figures> {
  const path = join(folder, 'huge');
  const file = await open(path, 'w');
  await file.truncate(gigabytes * 10 ** 9);
  await file.close();
  const sums = await timed(['sha256sum', path], { cwd: folder });
  const { value, ran } = await runRedex(folder, 'huge', '--given', path);
  if (value !== 1) throw new Error(`the run of one file came to ${value}, not 1`);
  return {
    what: `redex, ${gigabytes} GB`,
    files: 1,
    'run s': ran.seconds,
    'looking s': ran.seconds,
    'times sha256sum': ran.seconds / sums.seconds,
    aim: 'flat memory',
    peak: peaksOf(ran),
  };
}
