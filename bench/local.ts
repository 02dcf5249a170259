/**
 * The command line, cold and with everything cached, beside redun's and Snakemake's: one after another, in turns, each in a folder
 * of its own. A job is what one more of them costs: the run of one is taken off. What is not here is skipped, in a line.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FoundEngine, type LocalEngine, others, redex } from './engines.ts';
import { type Figures, type Measurement, sizesOf } from './measurement.ts';
import { sumOfSquares } from './rerun.ts';

export const local: Measurement = {
  title: 'inline calls, hops and scripts of the command line, beside redun and Snakemake',
  usage: '[JOBS] (of the others; of redex ten times as many inline)',
  async *measure(words) {
    const [count] = sizesOf(words, [200]);
    const engines = [redex, ...(await others())];
    for (const kind of KINDS) yield* rowsOf(kind, engines, count ?? 0);
  },
};

export interface LocalKind {
  readonly workflow: string;
  /** Of the count that is asked for. */
  readonly share: { readonly redex: number; readonly others: number };
  /** Of redun's time a job that redex may take, cold and cached; undefined: nothing is aimed at. */
  readonly aims: { readonly cold: number; readonly cached?: number };
  readonly value: (count: number) => number;
}

const sumBelow = (count: number): number => (count * (count - 1)) / 2;

const KINDS: readonly LocalKind[] = [
  {
    workflow: 'inline',
    share: { redex: 10, others: 1 },
    aims: { cold: 1 / 50, cached: 1 / 50 },
    value: sumOfSquares,
  },
  { workflow: 'hops', share: { redex: 5, others: 0.5 }, aims: { cold: 1 / 20 }, value: () => 0 },
  { workflow: 'main', share: { redex: 1, others: 0.25 }, aims: { cold: 1 / 20 }, value: sumBelow },
  { workflow: 'pythons', share: { redex: 0.25, others: 0.25 }, aims: { cold: 1 / 20 }, value: sumBelow },
];

const ROUNDS = 2;

interface TimeTaken {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Of one engine, the least that any round took: whatever else the machine does only adds to it. */
interface Times {
  readonly count: number;
  one: TimeTaken;
  oneAgain: TimeTaken;
  cold: TimeTaken;
  cached: TimeTaken;
}

export async function* rowsOf(
  kind: LocalKind,
  engines: readonly FoundEngine[],
  count: number,
  rounds = ROUNDS,
): AsyncGenerator<Figures> {
  const here = engines.filter(
    (engine): engine is LocalEngine => 'run' in engine && engine.workflows.has(kind.workflow),
  );
  const times = new Map<string, Times>();
  for (let round = 0; round < rounds; round++) {
    for (const engine of here) {
      const share = engine.name === redex.name ? kind.share.redex : kind.share.others;
      const news = await timesOf(kind, engine, Math.max(2, Math.round(count * share)));
      const before = times.get(engine.name);
      times.set(engine.name, before ? least(before, news) : news);
    }
  }
  const own = times.get(redex.name);
  for (const engine of engines) {
    const taken = times.get(engine.name);
    if (taken) yield* ['cold', 'cached'].map((how) => rowOf(kind, engine.name, how === 'cached', taken, own));
    else if ('skipped' in engine) {
      yield { what: kind.workflow, engine: engine.name, jobs: 0, 'run s': `skipped: ${engine.skipped}` };
    }
  }
}

async function timesOf(kind: LocalKind, engine: LocalEngine, count: number): Promise<Times> {
  const inFolder = async (jobs: number): Promise<readonly [TimeTaken, TimeTaken]> => {
    const folder = await mkdtemp(join(tmpdir(), 'redex-bench-'));
    try {
      const runs: TimeTaken[] = [];
      for (const _ of ['cold', 'cached']) {
        const { value, ran } = await engine.run(folder, kind.workflow, jobs);
        const expected = kind.value(jobs);
        if (value !== expected) throw new Error(`${kind.workflow} of ${engine.name} gave ${value}, not ${expected}`);
        runs.push(ran);
      }
      const [cold = NOTHING, cached = NOTHING] = runs;
      return [cold, cached];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  const [one, oneAgain] = await inFolder(1);
  const [cold, cached] = await inFolder(count);
  return { count, one, oneAgain, cold, cached };
}

const NOTHING: TimeTaken = { seconds: 0, cpuSeconds: 0 };

function least(a: Times, b: Times): Times {
  const lesser = (x: TimeTaken, y: TimeTaken): TimeTaken => ({
    seconds: Math.min(x.seconds, y.seconds),
    cpuSeconds: Math.min(x.cpuSeconds, y.cpuSeconds),
  });
  return {
    count: a.count,
    one: lesser(a.one, b.one),
    oneAgain: lesser(a.oneAgain, b.oneAgain),
    cold: lesser(a.cold, b.cold),
    cached: lesser(a.cached, b.cached),
  };
}

function rowOf(kind: LocalKind, engine: string, isCached: boolean, times: Times, own: Times | undefined): Figures {
  const each = (of: keyof TimeTaken, { count, one, oneAgain, cold, cached }: Times): number =>
    (1000 * (isCached ? cached[of] - oneAgain[of] : cold[of] - one[of])) / (count - 1);
  const aim = isCached ? kind.aims.cached : kind.aims.cold;
  const ms = each('seconds', times);
  const isOther = engine !== redex.name && own !== undefined;
  return {
    what: isCached ? `${kind.workflow}, cached` : kind.workflow,
    engine,
    jobs: times.count,
    'run s': (isCached ? times.cached : times.cold).seconds,
    'run of one s': (isCached ? times.oneAgain : times.one).seconds,
    'ms/job': ms,
    'CPU ms/job': each('cpuSeconds', times),
    'times redex’s': isOther ? ms / each('seconds', own) : 1,
    // Where other work on the machine blurs the time.
    'CPU times': isOther ? each('cpuSeconds', times) / each('cpuSeconds', own) : 1,
    aim: isOther && aim !== undefined ? `${Math.round(1 / aim)} times or more` : '',
  };
}
