/**
 * The reducer alone: facts folded into a graph, demands asked for after each, no engine, store or process. Four shapes:
 *
 * - `chain`: f(n) returns f(n - 1); one job is live at a time.
 * - `fan-out`: one list of n calls.
 * - `diamond`: n levels of two calls, each given both of the level before.
 * - `recursion`: a sum by halves, n leaves deep in calls of calls.
 *
 * Fails when a run does not end with its value, or with another number of jobs.
 */
import * as v from 'valibot';
import { type Attempt, demandsOf } from '../core/graph/demands.ts';
import { type Draft, draftOf } from '../core/graph/draft.ts';
import { evolve } from '../core/graph/evolve.ts';
import type { Fact, StartedFact } from '../core/graph/facts.ts';
import { callable } from '../core/language/callable.ts';
import { decode } from '../core/values/decode.ts';
import { encode } from '../core/values/encode.ts';
import { digest } from '../core/values/hash.ts';
import { runNamed } from '../core/values/ids.ts';
import type { Program } from '../core/values/program.ts';
import type { Table } from '../core/values/table.ts';
import { type Measurement, sizesOf } from './measurement.ts';

interface ProgramShape {
  /** What the run is asked for. */
  readonly root: (size: number) => unknown;
  /** What the functions of its tasks return. */
  readonly tasks: Readonly<Record<string, (...args: readonly number[]) => unknown>>;
  readonly jobs: (size: number) => number;
  readonly value: (size: number) => unknown;
}

const task = (name: string): ((...args: readonly unknown[]) => unknown) => callable(name);
const [next, each, level, sum] = [task('next'), task('each'), task('level'), task('sum')];

const SHAPES: Readonly<Record<string, ProgramShape>> = {
  chain: {
    root: (size) => next(size),
    tasks: { next: (left: number) => (left === 0 ? 'end' : next(left - 1)) },
    jobs: (size) => size + 1,
    value: () => 'end',
  },
  'fan-out': {
    root: (size) => Array.from({ length: size }, (_, at) => each(at)),
    tasks: { each: (at: number) => at },
    jobs: (size) => size,
    value: (size) => Array.from({ length: size }, (_, at) => at),
  },
  diamond: {
    root(size) {
      let pair: readonly unknown[] = [0, 0];
      for (let at = 0; at < size / 2; at++) pair = [level(at, 0, ...pair), level(at, 1, ...pair)];
      return pair;
    },
    tasks: { level: (at: number, side: number) => at * 2 + side },
    jobs: (size) => 2 * Math.ceil(size / 2),
    value: (size) => [2 * Math.ceil(size / 2) - 2, 2 * Math.ceil(size / 2) - 1],
  },
  recursion: {
    root: (size) => sum(0, size),
    tasks: {
      sum: (from: number, to: number) => {
        if (to - from <= 1) return [from];
        const middle = Math.floor((from + to) / 2);
        return [sum(from, middle), sum(middle, to)];
      },
    },
    jobs: (size) => 2 * size - 1,
    value: (size) => tree(0, size),
  },
};

function tree(from: number, to: number): unknown {
  if (to - from <= 1) return [from];
  const middle = Math.floor((from + to) / 2);
  return [tree(from, middle), tree(middle, to)];
}

export const reduce: Measurement = {
  title: 'facts folded into a graph: a chain, a fan-out, a diamond and a recursion',
  usage: '[JOBS…]',
  *measure(words) {
    for (const size of sizesOf(words, [1_000, 10_000, 100_000])) {
      for (const shape of Object.keys(SHAPES)) yield reduceRun(shape, size);
    }
  },
};

/** Folds a run of the shape from its first fact to its last. The time is the reducer's and the hashes', without the tasks'. */
export function reduceRun(shape: string, size: number) {
  const { root, tasks, jobs, value } = present(shape);
  const draft = draftOf();
  const before = heapBytes();
  let facts = 0;
  let spent = 0;
  let pending = { jobs: 0, bytes: 0 };
  const fold = (fact: Fact): void => {
    const begin = performance.now();
    if (!evolve(draft, fact)) throw new Error(`a fact of the type ${fact.type} does not apply`);
    spent += performance.now() - begin;
    facts++;
  };
  fold(started(tasks, encode(root(size))));
  for (;;) {
    const begin = performance.now();
    const { inline } = demandsOf(draft.graph);
    spent += performance.now() - begin;
    if (inline.length === 0) break;
    if (inline.length > pending.jobs) pending = { jobs: inline.length, bytes: heapBytes() - before };
    for (const attempt of inline) fold(returned(tasks, attempt));
  }
  fold({ type: 'ended', at: 0 });
  check(shape, draft, value(size), jobs(size));
  const seconds = spent / 1000;
  return {
    shape,
    jobs: jobs(size),
    facts,
    seconds,
    'facts/s': facts / seconds,
    'pending at once': pending.jobs,
    // A few jobs' heap is lost in everything else.
    'bytes/pending': pending.jobs < 1_000 ? 0 : pending.bytes / pending.jobs,
    'peak RSS MB': process.resourceUsage().maxRSS / 1000,
  };
}

function present(shape: string): ProgramShape {
  const found = SHAPES[shape];
  if (!found) throw new Error(`there is no shape ${shape}: ${Object.keys(SHAPES).join(', ')}`);
  return found;
}

function started(tasks: ProgramShape['tasks'], root: Table): StartedFact {
  const run = runNamed('bench');
  return {
    type: 'started',
    run,
    workflow: 'bench',
    args: {},
    root,
    program: programOf(tasks),
    at: 0,
    tags: {},
    failure: 'drain',
    cache: false,
  };
}

function programOf(tasks: ProgramShape['tasks']): Program {
  const infos = Object.keys(tasks).map((name) => [name, { hash: digest('task', name), options: {} }] as const);
  return {
    bundle: digest('bench', 'bundle'),
    tasks: Object.fromEntries(infos),
    executors: {},
    limits: {},
    context: {},
  };
}

function returned(tasks: ProgramShape['tasks'], { evaluation, task: name, attempt, args }: Attempt): Fact {
  const run = tasks[name];
  if (!run) throw new Error(`there is no task ${name}`);
  const expression = encode(run(...v.parse(v.array(v.number()), plain(args))));
  return { type: 'returned', eval: evaluation, attempt, expression, measured: {} };
}

function plain(table: Table): unknown {
  const refuse = (): never => {
    throw new Error('the bench passes plain values');
  };
  return decode(table, { task: refuse, expression: refuse });
}

function check(shape: string, { graph }: Draft, value: unknown, jobs: number): void {
  const { end } = graph;
  if (end?.status !== 'DONE') throw new Error(`${shape} ended ${end?.status ?? 'not at all'}`);
  const expected = JSON.stringify(encode(value));
  const isLarge = JSON.stringify(end.value).startsWith('[["ref"');
  if (!isLarge && JSON.stringify(end.value) !== expected)
    throw new Error(`${shape} has another value than ${expected}`);
  const done = [...graph.tally.values()].reduce((sum, tally) => sum + tally.DONE, 0);
  if (done !== jobs) throw new Error(`${shape} has ${done} jobs that are done, not ${jobs}`);
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
