/**
 * What is waited for before anything runs: sizes of the functions as they are deployed, how long Node takes to load each, and
 * how long the command line takes to show its first table, beside redun's first job. The least of some tries, in turns.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FUNCTIONS, packageFunctions } from '../stack/build.ts';
import { type LocalEngine, others, redex } from './engines.ts';
import type { Figures, Measurement } from './measurement.ts';
import { timed } from './process.ts';

export const start: Measurement = {
  title: 'sizes of functions, how long they take to load, and the first table on the screen',
  usage: '',
  async *measure() {
    yield* functionRows();
    yield* firstTables([redex, ...(await others()).filter((engine): engine is LocalEngine => 'run' in engine)]);
  },
};

const ROOT = join(import.meta.dirname, '..');
const TRIES = 3;

async function* functionRows(): AsyncGenerator<Figures> {
  for (const { name, programBytes, archiveBytes } of await packageFunctions()) {
    const own = `import(${JSON.stringify(join(ROOT, FUNCTIONS, name, 'index.js'))}).then(({ handler }) => process.exit(handler ? 0 : 1))`;
    let loaded = Number.POSITIVE_INFINITY;
    let bare = Number.POSITIVE_INFINITY;
    for (let round = 0; round < TRIES; round++) {
      loaded = Math.min(loaded, (await timed([process.execPath, '-e', own], { cwd: ROOT })).seconds);
      bare = Math.min(bare, (await timed([process.execPath, '-e', 'process.exit()'], { cwd: ROOT })).seconds);
    }
    yield { what: name, 'program KB': programBytes / 1000, 'zip KB': archiveBytes / 1000, ms: (loaded - bare) * 1000 };
  }
}

/** Each on a terminal, since a table is shown on nothing else. */
export async function* firstTables(engines: readonly LocalEngine[], tries = TRIES): AsyncGenerator<Figures> {
  const least = new Map<string, number>();
  for (let round = 0; round < tries; round++) {
    for (const { name, first } of engines) {
      if (!first) continue;
      const ms = await untilShown(first.words, first.shows);
      least.set(name, Math.min(ms, least.get(name) ?? Number.POSITIVE_INFINITY));
    }
  }
  for (const [name, ms] of least)
    yield { what: `${name}, the first job on the screen`, 'program KB': 0, 'zip KB': 0, ms };
}

async function untilShown(words: readonly string[], shows: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'redex-bench-'));
  try {
    const begin = performance.now();
    const command = words.map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let shownAt: number | undefined;
    let said = '';
    for await (const chunk of child.stdout) {
      said += String(chunk);
      if (said.includes(shows)) shownAt ??= performance.now();
    }
    if (shownAt === undefined) throw new Error(`${command} never showed ${shows}: ${said.slice(-2_000)}`);
    return shownAt - begin;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
