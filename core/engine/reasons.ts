/**
 * Why a job would run although others like it may have run before. Told from the cache, and from the newest run of the
 * same workflow: its program has the hashes of its tasks, its journal the arguments of its calls.
 */

import type { Attempt } from '../graph/demands.ts';
import { draftOf } from '../graph/draft.ts';
import { evolve } from '../graph/evolve.ts';
import { evalsOf, type Fact, type StartedFact } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import type { EvalHash, RunId } from '../values/ids.ts';
import { isKind, leafIn, listIn, recordIn } from '../values/nodes.ts';
import { at } from '../values/present.ts';
import { type Program, SCRIPT_TASK, type TaskInfo } from '../values/program.ts';
import { scriptArgumentsIn } from '../values/script-arguments.ts';
import { hashesOf, type Index, type Node, rootOf, type Table } from '../values/table.ts';
import { JournalDamaged } from './lost.ts';
import type { Meeting } from './meeting.ts';
import type { Entry, World } from './ports.ts';
import { flawsOf } from './reuse.ts';

export type Reason =
  /** The run, the task or the call reads nothing from other runs. */
  | { readonly kind: 'cache off' }
  /** The newest run of the workflow, if there is one, had no job of this task. */
  | { readonly kind: 'new task' }
  /** With the helpers that changed, by name and file, where its own code did not. */
  | { readonly kind: 'changed code'; readonly helpers?: readonly string[] }
  /** Locations, of files read or made. */
  | { readonly kind: 'changed file'; readonly files: readonly string[] }
  /** A cached result calls tasks that are gone, or rests on tasks that changed. */
  | { readonly kind: 'changed tasks'; readonly tasks: readonly string[] }
  /** What differs from the most similar call before; empty where nothing can be said. */
  | { readonly kind: 'new arguments'; readonly arguments: readonly string[] }
  /** The newest run had the same call, but no result of it was kept: it failed, was stopped, or has expired. */
  | { readonly kind: 'no result' };

/** Runs that are looked through for the newest one of the workflow. */
const RUNS_MAX = 50;
/** Jobs of that run; of a larger one the journal is not read. */
const JOBS_MAX = 20_000;

/** Reads only. Of each attempt, in order. */
export async function reasonsFor(
  world: Pick<World, 'cache' | 'journal' | 'summaries'>,
  meeting: Meeting,
  started: StartedFact,
  attempts: readonly Attempt[],
): Promise<Reason[]> {
  if (attempts.length === 0) return [];
  const cached = await world.cache.read(attempts.map((attempt) => attempt.evaluation));
  const entries = [...cached.values()];
  const flaws = await flawsOf(meeting, entries);
  const flawOf = new Map(entries.map((entry, position) => [entry.hash, flaws[position]]));
  const before = await previousRun(world, started.workflow);
  return attempts.map((attempt) => {
    const { cache, cacheScope } = attempt.options;
    if (!started.cache || cache === false || cacheScope === 'none') return { kind: 'cache off' };
    const flaw = flawOf.get(attempt.evaluation);
    if (flaw && flaw.files.length > 0) return { kind: 'changed file', files: flaw.files };
    if (flaw && flaw.tasks.length > 0) return { kind: 'changed tasks', tasks: flaw.tasks };
    return comparedWith(before, started.program, attempt);
  });
}

interface Previous {
  readonly program: Program;
  /** Arguments by task, oldest first; undefined when the run is too large to be read for this. */
  readonly calls: ReadonlyMap<string, ReadonlyMap<EvalHash, Table>> | undefined;
  readonly tasks: ReadonlySet<string>;
}

async function previousRun(
  world: Pick<World, 'journal' | 'summaries'>,
  workflow: string,
): Promise<Previous | undefined> {
  const runs = await world.summaries.list({ limit: RUNS_MAX });
  const newest = runs.find((summary) => summary.workflow === workflow && summary.sequence > 0);
  if (!newest) return undefined;
  const tasks = new Set(Object.keys(newest.tally));
  const jobs = Object.values(newest.tally).flatMap((counts) => Object.values(counts));
  const isLarge = jobs.reduce((sum, count) => sum + count, 0) > JOBS_MAX;
  const entries = isLarge ? [] : await readableEntries(world, newest.run);
  const first = entries[0]?.facts.find((fact) => fact.type === 'started');
  if (!first) return undefined;
  return { program: first.program, tasks, calls: callsIn(entries.flatMap(({ facts }) => facts)) };
}

/** Of a run whose journal is damaged nothing can be told. */
async function readableEntries({ journal }: Pick<World, 'journal'>, run: RunId): Promise<Entry[]> {
  try {
    return await journal.readAfter(run, 0);
  } catch (error) {
    if (error instanceof JournalDamaged) return [];
    throw error;
  }
}

/** Folds the facts: every piece of work is named by one before it leaves the graph. */
function callsIn(facts: readonly Fact[]): Map<string, Map<EvalHash, Table>> {
  const draft = draftOf();
  const calls = new Map<string, Map<EvalHash, Table>>();
  for (const fact of facts) {
    for (const evaluation of evalsOf(fact)) note(calls, draft.graph, evaluation);
    evolve(draft, fact);
  }
  return calls;
}

function note(calls: Map<string, Map<EvalHash, Table>>, graph: Graph, evaluation: EvalHash): void {
  const work = graph.works.get(evaluation);
  if (!work) return;
  const known = calls.get(work.task) ?? new Map<EvalHash, Table>();
  calls.set(work.task, known.set(evaluation, work.args));
}

function comparedWith(before: Previous | undefined, program: Program, { task, evaluation, args }: Attempt): Reason {
  if (!before?.tasks.has(task)) return { kind: 'new task' };
  const [then, now] = [before.program.tasks[task], program.tasks[task]];
  if (then?.hash !== now?.hash) {
    const helpers = changedHelpers(then?.helpers ?? {}, now?.helpers ?? {});
    return { kind: 'changed code', ...(helpers.length > 0 && { helpers }) };
  }
  const calls = before.calls?.get(task);
  if (calls?.has(evaluation)) return { kind: 'no result' };
  const differences = [...(calls?.values() ?? [])].map((other) => differenceOf(task, args, other)).reverse();
  const [nearest] = differences.sort((a, b) => a.count - b.count);
  if (!nearest) return { kind: 'new arguments', arguments: [] };
  if (nearest.arguments.length === 0) return { kind: 'changed file', files: nearest.files };
  return { kind: 'new arguments', arguments: nearest.isAll ? [] : nearest.arguments };
}

function changedHelpers(then: NonNullable<TaskInfo['helpers']>, now: NonNullable<TaskInfo['helpers']>): string[] {
  const names = new Set([...Object.keys(then), ...Object.keys(now)]);
  return [...names].filter((name) => then[name] !== now[name]).sort();
}

interface Difference {
  readonly arguments: readonly string[];
  /** Files whose versions alone are others. */
  readonly files: readonly string[];
  readonly count: number;
  /** Nothing is the same: then the two calls have nothing to do with each other. */
  readonly isAll: boolean;
}

/** Two lists of arguments, position by position; a record in one place is compared key by key. */
function differenceOf(task: string, now: Table, before: Table): Difference {
  const [a, b] = [partsOf(task, now), partsOf(task, before)];
  const names = [...new Set([...a.keys(), ...b.keys()])];
  const changed = names.filter((name) => a.get(name) !== b.get(name));
  const [c, d] = [partsOf(task, unversioned(now)), partsOf(task, unversioned(before))];
  const real = changed.filter((name) => c.get(name) !== d.get(name));
  const versions = new Map(filesIn(before));
  const files = filesIn(now).flatMap(([location, version]) =>
    versions.has(location) && versions.get(location) !== version ? [location] : [],
  );
  const isAll = names.length > 1 && real.length === names.length;
  return { arguments: real, files: [...new Set(files)], count: real.length, isAll };
}

/** The hashes of the arguments, by name. */
function partsOf(task: string, args: Table): Map<string, string> {
  const hashes = hashesOf(args);
  const parts = new Map<string, string>();
  for (const [name, place] of namedArguments(task, args)) parts.set(name, at(hashes, place));
  return parts;
}

/** The only argument of a task is named by its fields alone, if it has some. */
function namedArguments(task: string, args: Table): (readonly [name: string, place: Index])[] {
  const script = task === SCRIPT_TASK ? scriptArgumentsIn(args) : undefined;
  // An author knows of the settings that one is called env.
  if (script) {
    const { text, inputs, outputs, settings } = script;
    return Object.entries({ text, inputs, outputs, env: settings });
  }
  const places = listIn(rootOf(args)) ?? [];
  return places.flatMap((place, position) => {
    const name = `argument ${position + 1}`;
    const record = recordIn(at(args, place));
    if (!record) return [[name, place] as const];
    const prefix = places.length === 1 ? '' : `${name}.`;
    return record.keys.map((key, field) => [prefix + key, at(record.values, field)] as const);
  });
}

/** The table with every file as if nobody had looked at it. */
function unversioned(table: Table): Table {
  return table.map((node): Node => (isKind(node, 'file', 'dir') ? [node[0], node[1], null] : node));
}

function filesIn(table: Table): (readonly [location: string, version: string | null])[] {
  return table.flatMap((node) => {
    const leaf = leafIn(node);
    return leaf ? [[leaf.location, leaf.version] as const] : [];
  });
}
