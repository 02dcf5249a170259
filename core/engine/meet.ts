/** Meets the demands of the reducer: look-ups, looks at files, loads of large values, and inline tasks, all at once. */

import type { Attempt, Demands } from '../graph/demands.ts';
import { errorOf } from '../graph/errors.ts';
import type { Fact } from '../graph/facts.ts';
import type { Computation } from '../graph/graph.ts';
import { openLeavesOf, spill, spillParts } from '../values/contents.ts';
import type { Hash, RunId } from '../values/ids.ts';
import { unknownKind } from '../values/never.ts';
import { listIn } from '../values/nodes.ts';
import { applyOperator } from '../values/operators.ts';
import { get } from '../values/operators-get.ts';
import { at, present } from '../values/present.ts';
import { SCRIPT_TASK } from '../values/program.ts';
import { rootOf, subtable, type Table } from '../values/table.ts';
import { lookAt, withSeen } from './looking.ts';
import type { Meeting } from './meeting.ts';
import { getSealed, keys, loadLarge, ValueGone } from './objects.ts';
import { withoutOverwritten } from './overwritten.ts';
import type { Objects, TaskResult } from './ports.ts';
import { leavesIn, lookUp } from './reuse.ts';

/**
 * An entry has about so many facts at the most, however many calls come ready at once, unless a result was reused on
 * trust: what is not appended yet takes memory, is lost with the process, and is seen by nobody who watches the run.
 */
export const PASS_FACTS_MAX = 10_000;

/** No more than one entry's worth of what brings a fact each. */
function inPart(demands: Demands): Demands {
  const { lookup, inline } = demands;
  return { ...demands, lookup: lookup.slice(0, PASS_FACTS_MAX), inline: inline.slice(0, PASS_FACTS_MAX) };
}

/** One wave: every demand that can be met now, met concurrently; inline tasks as far as the time allows. */
export async function meet(meeting: Meeting, all: Demands): Promise<Fact[]> {
  const demands = inPart(all);
  const facts = await Promise.all([
    observeArguments(meeting, demands.observe),
    computeAll(meeting, demands.compute),
    join(meeting, demands.join),
    lookUp(meeting, demands.lookup),
    runAllInline(meeting, await withoutOverwritten(meeting.trust, demands.inline, (args) => leavesIn(meeting, args))),
  ]);
  return facts.flat();
}

/** Takes large parts out of a table; they are stored with the round. */
function keep({ findings }: Meeting, { table, large }: { table: Table; large: ReadonlyMap<Hash, Table> }): Table {
  for (const [hash, part] of large) findings.large.set(hash, part);
  return table;
}

/**
 * The tables with the file literals of their data parts looked at, or why that failed, each for itself. Large values that
 * hold literals are loaded for it.
 */
async function observeAll(meeting: Meeting, tables: readonly Table[]): Promise<TaskResult[]> {
  const whole = await Promise.all(tables.map((table) => loadedForLook(meeting, table)));
  const places = whole.flatMap((one) => (one.ok ? openLeavesOf(one.table).files : []));
  const seen = await lookAt(meeting.world.files, places, meeting.program.web);
  return whole.map((one) => (one.ok ? withSeen(one.table, seen) : one));
}

async function loadedForLook({ world, findings }: Meeting, table: Table): Promise<TaskResult> {
  if (openLeavesOf(table).refs.length === 0) return { ok: true, table };
  try {
    return { ok: true, table: await loadLarge(world.objects, table, findings.large) };
  } catch (error) {
    if (!(error instanceof ValueGone)) throw error;
    return { ok: false, error: errorOf(error) };
  }
}

async function observeArguments(meeting: Meeting, demands: Demands['observe']): Promise<Fact[]> {
  const wanted = demands.filter(({ call }) => !meeting.unseen.has(call));
  const results = await observeAll(
    meeting,
    wanted.map(({ args }) => args),
  );
  return wanted.flatMap(({ call }, place): Fact[] => {
    const seen = at(results, place);
    if (seen.ok) return [{ type: 'observed', call, args: keep(meeting, spillParts(seen.table)) }];
    meeting.unseen.set(call, { type: 'unseen', call, error: keep(meeting, spill(seen.error)) });
    return [];
  });
}

type Load = (table: Table) => Promise<Table>;

/** A large value is loaded once a wave, however many operators want it. */
function computeAll(meeting: Meeting, demands: Demands['compute']): Promise<Fact[]> {
  const { world, findings } = meeting;
  const loads = new Map<string, Promise<Table>>();
  const load: Load = (table) => {
    const key = JSON.stringify(table);
    const loading = loads.get(key) ?? loadLarge(world.objects, table, findings.large);
    loads.set(key, loading);
    return loading;
  };
  return Promise.all(demands.map((demand) => compute(meeting, demand, load)));
}

async function compute(meeting: Meeting, demand: Demands['compute'][number], load: Load): Promise<Fact> {
  const { application, computation } = demand;
  try {
    const value = await computed(meeting, computation, load);
    return { type: 'computed', application, ok: true, value };
  } catch (error) {
    // A store that cannot be reached says nothing of the value: the round is tried again.
    if (!(error instanceof OperatorError || error instanceof ValueGone)) throw error;
    const why = error instanceof OperatorError ? error.cause : error;
    return { type: 'computed', application, ok: false, value: keep(meeting, spill(errorOf(why))) };
  }
}

async function computed(meeting: Meeting, computation: Computation, load: Load): Promise<Table> {
  switch (computation.of) {
    case 'whole':
      return await load(computation.value);
    case 'top':
      return keep(meeting, spillParts(await load(computation.value)));
    case 'operator':
      return await operatorValue(meeting, computation, load);
    default:
      return unknownKind('computation', computation);
  }
}

async function operatorValue(
  meeting: Meeting,
  { name, operands }: Extract<Computation, { readonly of: 'operator' }>,
  load: Load,
): Promise<Table> {
  // A part is looked for where the large value is; beside the key it would be copied for each.
  const parts = name === 'get' ? elementsOf(operands) : [operands];
  const loaded = await Promise.all(parts.map(load));
  try {
    const first = at(loaded, 0);
    return keep(meeting, spill(name === 'get' ? get(first, at(loaded, 1)) : applyOperator(name, first)));
  } catch (cause) {
    throw new OperatorError(name, { cause });
  }
}

/** What an operator threw, told apart from what went wrong around it. */
class OperatorError extends Error {}

function elementsOf(list: Table): Table[] {
  return present(listIn(rootOf(list)), 'list of operands').map((index) => subtable(list, index));
}

/** Each segment is read once, however many of its jobs are wanted. A value that the store has lost fails who wants it. */
async function join(meeting: Meeting, demands: Demands['join']): Promise<Fact[]> {
  const { world, run } = meeting;
  const segments = [...new Set(demands.map(({ segment }) => segment))];
  const read = segments.map(async (name) => [name, await loadSegment(world.objects, run, name)] as const);
  const values = new Map(await Promise.all(read));
  return demands.map(({ job, segment }): Fact => {
    const found = values.get(segment);
    const value = found?.ok ? found.values[job] : undefined;
    if (value) return { type: 'joined', job, value };
    const why =
      found && !found.ok ? found.error : new ValueGone(`the value of the job ${job} is not where it was kept`);
    return { type: 'gone', job, error: keep(meeting, spill(errorOf(why))) };
  });
}

type LoadedSegment =
  | { readonly ok: true; readonly values: Readonly<Record<string, Table>> }
  | { readonly ok: false; readonly error: ValueGone };

async function loadSegment(objects: Objects, run: RunId, name: Hash): Promise<LoadedSegment> {
  try {
    return { ok: true, values: await getSealed<Record<string, Table>>(objects, keys.done(run, name)) };
  } catch (error) {
    if (!(error instanceof ValueGone)) throw error;
    return { ok: false, error };
  }
}

/** Computing one after another, 10 s each, they still end in what a round of 15 minutes keeps in reserve. */
const INLINE_AT_ONCE = 32;

/** What is not begun stays ready. The first ones are begun in any case, so that every round gets somewhere. */
async function runAllInline(meeting: Meeting, attempts: readonly Attempt[]): Promise<Fact[]> {
  const { world, until = Number.POSITIVE_INFINITY } = meeting;
  const facts: Fact[] = [];
  for (let begun = 0; begun < attempts.length && (begun === 0 || world.clock.now() <= until); begun += INLINE_AT_ONCE) {
    const some = attempts.slice(begun, begun + INLINE_AT_ONCE);
    facts.push(...(await Promise.all(some.map((attempt) => runInline(meeting, attempt)))));
  }
  return facts;
}

async function runInline(meeting: Meeting, attempt: Attempt): Promise<Fact> {
  const { evaluation, attempt: number } = attempt;
  const { world } = meeting;
  const startedAt = world.clock.now();
  const returned = await resultOf(meeting, attempt);
  const measured = { startedAt, endedAt: world.clock.now() };
  const [result = returned] = returned.ok ? await observeAll(meeting, [returned.table]) : [];
  if (!result.ok) {
    const error = keep(meeting, spill(result.error));
    return { type: 'failed', eval: evaluation, attempt: number, cause: 'program', error, measured };
  }
  const expression = keep(meeting, spill(result.table));
  return { type: 'returned', eval: evaluation, attempt: number, expression, measured };
}

async function resultOf({ world, program, findings }: Meeting, { task, args }: Attempt): Promise<TaskResult> {
  if (task === SCRIPT_TASK) return scriptInline();
  try {
    return await world.host.run(program.bundle, task, await loadLarge(world.objects, args, findings.large));
  } catch (error) {
    if (error instanceof ValueGone) return { ok: false, error: errorOf(error) };
    throw error;
  }
}

function scriptInline(): TaskResult {
  return { ok: false, error: errorOf(new TypeError("a script cannot run in the reducer; give it executor: 'batch'")) };
}
