/**
 * The specification of core/graph: given an expression, when facts are folded into its graph, then these are the demands,
 * the statuses and the end. No engine, world or clock: a fact is what somebody says, and nothing checks that it happened.
 * Calls are named as authors write them, `f(1)`; equal texts for different evaluations are `f(1)`, `f(1) (2)`, ….
 */

import { expect } from 'vitest';
import { demandsOf } from '../../core/graph/demands.ts';
import { draftOf } from '../../core/graph/draft.ts';
import { callChain } from '../../core/graph/ending.ts';
import { errorLine } from '../../core/graph/errors.ts';
import { evolve } from '../../core/graph/evolve.ts';
import type { Fact, StartedFact } from '../../core/graph/facts.ts';
import type { Computation, Graph, Work } from '../../core/graph/graph.ts';
import { groupAttempts } from '../../core/graph/group.ts';
import { snapshotOf } from '../../core/graph/snapshot.ts';
import { callable } from '../../core/language/callable.ts';
import type { CallOptions, Task } from '../../core/language/types.ts';
import { briefArguments, briefCall } from '../../core/values/brief.ts';
import { spill } from '../../core/values/contents.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, JobId } from '../../core/values/ids.ts';
import { type JobOptions, type Program, SCRIPT_TASK } from '../../core/values/program.ts';
import type { Table } from '../../core/values/table.ts';

/** A task of which types say nothing: it takes whatever it is given, and what it gives fits everywhere. */
export type Named = {
  (...args: readonly unknown[]): never;
  options(options: CallOptions): Named;
  partial(...args: readonly unknown[]): Named;
} & Task<[], never>;

/** A task by name: no function is behind it, since the graph never runs one. */
export function named(name: string): Named {
  return callable(name) as unknown as Named;
}

/** Run in the reducer. */
export const [f, g, h] = [named('f'), named('g'), named('h')];
/** Submitted to the executor 'batch'. */
export const [job, other] = [named('job'), named('other')];

export interface Settings extends Partial<Pick<Program, 'executors' | 'limits' | 'context'>> {
  /** Options by task: beside those above, or in their place. */
  readonly tasks?: Readonly<Record<string, JobOptions>>;
  /** Default: nothing is looked up. */
  readonly cache?: boolean;
}

const SUBMITTED: JobOptions = { executor: 'batch' };
const TASKS = { f: {}, g: {}, h: {}, job: SUBMITTED, other: SUBMITTED, [SCRIPT_TASK]: SUBMITTED };

export function programOf({ tasks, executors, limits, context }: Settings = {}): Program {
  const infos = Object.entries<JobOptions>({ ...TASKS, ...tasks });
  return {
    bundle: digest('test', 'bundle'),
    tasks: Object.fromEntries(infos.map(([name, options]) => [name, { hash: digest('task', name), options }])),
    executors: { batch: { type: 'batch' }, ...executors },
    limits: limits ?? {},
    context: context ?? {},
  };
}

export function started(expression: unknown, settings: Settings = {}): StartedFact {
  return {
    ...{ type: 'started', run: 'run1' as StartedFact['run'], workflow: 'test', args: {}, at: 0, tags: {} },
    ...{ root: held(expression), program: programOf(settings), failure: 'drain', cache: settings.cache ?? false },
  };
}

/** A value or expression as facts hold it: large values by reference. */
export function held(value: unknown): Table {
  return spill(encode(value)).table;
}

export function plain(table: Table): unknown {
  return decode(table, { task: ({ name }) => named(name), expression: () => 'an expression' });
}

export const ended: Fact = { type: 'ended', at: 3 };

/** A fact, or what it says of calls that the story so far knows by name. */
export type Told = Fact | ((story: Story) => Fact);

export function given(expression: unknown, settings: Settings = {}): Story {
  return new Story().when(started(expression, settings));
}

export class Story {
  readonly draft = draftOf();
  readonly facts: Fact[] = [];
  readonly #names = new Map<EvalHash, string>();
  readonly #evals = new Map<string, EvalHash>();
  readonly #jobs = new Map<JobId, EvalHash>();

  get graph(): Graph {
    return this.draft.graph;
  }

  /** Folds facts, each of which must apply. */
  when(...facts: readonly Told[]): this {
    for (const told of facts) {
      const fact = this.factOf(told);
      expect(evolve(this.draft, fact), `${fact.type} applies`).toBe(true);
      this.facts.push(fact);
      for (const work of this.graph.works.values()) this.#name(work);
      for (const { id, evaluation } of this.graph.jobs.values()) this.#jobs.set(id, evaluation);
    }
    return this;
  }

  /** Facts that do not apply: they leave the graph as it is. */
  passesOver(...facts: readonly Told[]): this {
    for (const told of facts) {
      const [fact, before] = [this.factOf(told), JSON.stringify(snapshotOf(this.graph))];
      expect(evolve(this.draft, fact), `${fact.type} applies`).toBe(false);
      expect(JSON.stringify(snapshotOf(this.graph))).toBe(before);
    }
    return this;
  }

  /** All demands there are, in order. */
  demands(...lines: readonly string[]): this {
    expect(demandLines(this)).toEqual(lines);
    return this;
  }

  /** All jobs of the graph, oldest first, as `f(1) DONE`. */
  jobs(...lines: readonly string[]): this {
    const all = [...this.graph.jobs.values()].sort((a, b) => a.ordinal - b.ordinal);
    expect(all.map((one) => `${this.nameOf(one.evaluation)} ${one.status}`)).toEqual(lines);
    return this;
  }

  /** Counts of a task's jobs that are not zero. */
  counts(task: string, counts: Readonly<Record<string, number>>): this {
    const tally = Object.entries(this.graph.tally.get(task) ?? {}).filter(([, count]) => count !== 0);
    expect(Object.fromEntries(tally)).toEqual(counts);
    return this;
  }

  /** What is ready to be submitted goes out in these requests. */
  groups(...groups: readonly (readonly string[])[]): this {
    const made = groupAttempts(this.graph, demandsOf(this.graph).submit, () => 10_000);
    expect(made.map((group) => group.map((attempt) => this.nameOf(attempt.evaluation)))).toEqual(groups);
    return this;
  }

  /** The next attempt of a call has these options; undefined: has none of that name. */
  wants(call: string, options: Readonly<Record<string, unknown>>): this {
    const { inline, submit } = demandsOf(this.graph);
    const attempt = [...inline, ...submit].find((one) => this.nameOf(one.evaluation) === call);
    if (!attempt) throw new Error(`${call} is not demanded`);
    const wanted = Object.keys(options).map((name) => [name, attempt.options[name as keyof JobOptions]]);
    expect(Object.fromEntries(wanted)).toEqual(options);
    return this;
  }

  /** Ended, the run has this value. */
  comesTo(value: unknown): this {
    const { end } = this.when(ended).graph;
    expect(end?.status).toBe('DONE');
    expect(plain((end as { value: Table }).value)).toEqual(value);
    return this;
  }

  /** Ended, the run has failed with `Name: message`; `chain`: in the last of these calls. */
  failsWith(line: string, ...chain: readonly string[]): this {
    const { end } = this.when(ended).graph;
    if (end?.status !== 'FAILED') throw new Error(`the run is ${end?.status}`);
    expect(errorLine(end.failure.error)).toBe(line);
    if (chain.length > 0) expect(callChain(this.graph, end.failure.origin)).toEqual(chain);
    return this;
  }

  factOf(told: Told): Fact {
    return typeof told === 'function' ? told(this) : told;
  }

  nameOf(evaluation: EvalHash): string {
    return this.#names.get(evaluation) ?? 'a call that was never seen';
  }

  evalOf(call: string): EvalHash {
    const found = this.#evals.get(call);
    if (!found) throw new Error(`there is no ${call} among ${[...this.#evals.keys()].join(', ')}`);
    return found;
  }

  /** The newest job of a call, also once it has left the graph. */
  jobOf(call: string): JobId {
    const evaluation = this.evalOf(call);
    const found = [...this.#jobs].findLast(([, of]) => of === evaluation);
    if (!found) throw new Error(`no job of ${call}`);
    return found[0];
  }

  nameOfJob(job: JobId): string {
    return this.nameOf(this.#jobs.get(job) as EvalHash);
  }

  #name({ evaluation, task, args }: Work): void {
    if (this.#names.has(evaluation)) return;
    const text = briefCall(task, briefArguments(task, args));
    let name = text;
    for (let count = 2; this.#evals.has(name); count++) name = `${text} (${count})`;
    this.#names.set(evaluation, name);
    this.#evals.set(name, evaluation);
  }
}

function computationLine(computation: Computation): string {
  if (computation.of === 'operator')
    return `compute ${briefCall(computation.name, briefArguments('', computation.operands))}`;
  return `load the ${computation.of} of ${briefCall('', briefArguments('', computation.value))}`;
}

export function demandLines(story: Story, graph = story.graph): string[] {
  const { observe, compute, join, lookup, inline, submit } = demandsOf(graph);
  const nameOf = (evaluation: EvalHash) => (graph.works.has(evaluation) ? story.nameOf(evaluation) : 'a catch');
  const again = (attempt: number) => (attempt > 1 ? `, attempt ${attempt}` : '');
  return [
    ...observe.map(({ args }) => `look at ${briefArguments('', args)}`),
    ...compute.map(({ computation }) => computationLine(computation)),
    ...join.map(({ job: id }) => `join ${story.nameOfJob(id)}`),
    ...lookup.map(({ evaluation }) => `look up ${nameOf(evaluation)}`),
    ...inline.map(({ evaluation, attempt }) => `run ${nameOf(evaluation)}${again(attempt)}`),
    ...submit.map(({ evaluation, attempt }) => `submit ${nameOf(evaluation)}${again(attempt)}`),
  ];
}
