/** The results of other runs: which may be reused, and why others may not. */

import type { Lookup } from '../graph/demands.ts';
import type { Fact } from '../graph/facts.ts';
import { type Leaf, type Leaves, leavesOf, refsOf, withLarge } from '../values/contents.ts';
import type { EvalHash } from '../values/ids.ts';
import type { Target } from '../values/places.ts';
import { SCRIPT_TASK } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import { lookAt } from './looking.ts';
import type { Meeting } from './meeting.ts';
import { loadLarge, loadValue, ValueGone } from './objects.ts';
import { overwrittenAmong, relyOn } from './overwritten.ts';
import { placesAmong, placesFor, targetsOf } from './places.ts';
import type { Evaluation } from './ports.ts';

/** The age from which a used entry is written again, so that it expires long after its last use. */
const REFRESH_AFTER_MS = 24 * 3_600_000;

export async function lookUp(meeting: Meeting, lookups: readonly Lookup[]): Promise<Fact[]> {
  if (lookups.length === 0) return [];
  const evaluations = lookups.map((lookup) => lookup.evaluation);
  const { world, run, findings } = meeting;
  const found = [...(await world.cache.read(evaluations.filter((one) => !findings.evaluations.has(one)))).values()];
  // What this run itself found out holds throughout, whether it is stored yet or not: another context may want it again.
  const own = [
    ...evaluations.flatMap((one) => findings.evaluations.get(one) ?? []),
    ...found.filter((entry) => entry.run === run),
  ];
  const others = await validOnes(
    meeting,
    found.filter((entry) => entry.run !== run),
  );
  const valid = new Map([...own.map((entry) => [entry.hash, entry] as const), ...others]);
  for (const evaluation of valid.keys()) meeting.trust.reused.add(evaluation);
  const missed = evaluations.filter((evaluation) => !valid.has(evaluation));
  const writes = await writesOf(
    meeting,
    lookups.filter((lookup) => valid.has(lookup.evaluation)),
  );
  const facts: Fact[] = [...valid.values()].map(({ hash: evaluation, expression }) => {
    const places = writes.get(evaluation) ?? [];
    return { type: 'reused', eval: evaluation, expression, ...(places.length > 0 && { writes: places }) };
  });
  const now = world.clock.now();
  for (const entry of valid.values()) {
    if (now - entry.at > REFRESH_AFTER_MS) findings.evaluations.set(entry.hash, { ...entry, at: now });
  }
  return missed.length > 0 ? [...facts, { type: 'missed', evals: missed }] : facts;
}

/** Where the scripts among them have put what is reused; of one whose list of places is lost that is not known. */
async function writesOf({ world, findings }: Meeting, lookups: readonly Lookup[]): Promise<Map<EvalHash, string[]>> {
  const targets = new Map<EvalHash, readonly Target[]>();
  const load = async ({ evaluation, args }: Lookup): Promise<void> => {
    try {
      if (args) targets.set(evaluation, await targetsOf(world.objects, args, findings.large));
    } catch (error) {
      if (!(error instanceof ValueGone)) throw error;
    }
  };
  await Promise.all(lookups.map(load));
  const placeOf = await placesFor(
    world.files,
    [...targets.values()].flat().map(({ location }) => location),
  );
  return new Map([...targets].map(([evaluation, found]) => [evaluation, placesAmong(placeOf, found)]));
}

async function validOnes(meeting: Meeting, entries: readonly Evaluation[]): Promise<Map<EvalHash, Evaluation>> {
  const flaws = await flawsOf(meeting, entries);
  return new Map(entries.flatMap((entry, at) => (flaws[at] ? [] : [[entry.hash, entry]])));
}

/** Why a cached evaluation cannot be used: what of it has changed since, or that a large value in it is lost. */
export interface Flaw {
  /** Locations of files whose versions are others or cannot be seen, also inside operators and nested expressions. */
  readonly files: readonly string[];
  /** Tasks that are gone; of those it was said to rest on, also the changed ones. */
  readonly tasks: readonly string[];
}

/** Of each entry in order; undefined where it is valid, or may be reused on trust. */
export async function flawsOf(meeting: Meeting, entries: readonly Evaluation[]): Promise<(Flaw | undefined)[]> {
  const looks = await looksAt(meeting, entries);
  const changed = looks.flatMap((look) => changedAlone(look) ?? []);
  const isOverwritten = await overwrittenAmong(meeting.trust, changed, {
    read: (evals) => meeting.world.cache.read(evals),
    changedIn: async (others) => (await looksAt(meeting, others)).map(changedAlone),
  });
  return looks.map((look): Flaw | undefined => {
    if (!look) return { files: [], tasks: [] };
    const files = look.changed.filter((leaf) => !isOverwritten(leaf)).map(({ location }) => location);
    if (files.length + look.tasks.length > 0) return { files: [...new Set(files)], tasks: look.tasks };
    for (const leaf of look.changed) relyOn(meeting.trust, leaf);
    return undefined;
  });
}

interface Look {
  readonly changed: readonly Leaf[];
  readonly tasks: readonly string[];
}

function changedAlone(look: Look | undefined): readonly Leaf[] | undefined {
  return look?.tasks.length === 0 ? look.changed : undefined;
}

/** Undefined where a large value of the entry is lost. */
async function looksAt(meeting: Meeting, entries: readonly Evaluation[]): Promise<(Look | undefined)[]> {
  const leaves = await Promise.all(entries.map(({ expression }) => allLeavesOf(meeting, expression)));
  const seen = await lookAt(
    meeting.world.files,
    leaves.flatMap((known) => known?.files ?? []),
    meeting.program.web,
  );
  const known = meeting.program.tasks;
  return entries.map(({ requires = {} }, at): Look | undefined => {
    const found = leaves[at];
    if (!found) return undefined;
    const tasks = [
      ...found.tasks.filter((task) => task !== SCRIPT_TASK && known[task] === undefined),
      ...Object.keys(requires).filter((task) => known[task]?.hash !== requires[task]),
    ];
    const changed = found.files.filter(({ location, version }) => seen.get(location) !== version);
    return { changed, tasks: [...new Set(tasks)] };
  });
}

/** The files of a list of arguments; none where a large value of it is lost, which fails whoever needs it. */
export async function leavesIn(
  { world, findings }: Pick<Meeting, 'world' | 'findings'>,
  args: Table,
): Promise<readonly Leaf[]> {
  try {
    return leavesOf(await loadLarge(world.objects, args, findings.large)).files;
  } catch (error) {
    if (error instanceof ValueGone) return [];
    throw error;
  }
}

/**
 * The leaves of an expression and of the large values in it. Undefined when one of those, at any depth, is gone or
 * damaged, whether it has leaves or not: who reuses the entry may need it.
 */
async function allLeavesOf({ world }: Meeting, expression: Table): Promise<Leaves | undefined> {
  let whole = expression;
  try {
    for (let { refs } = leavesOf(whole); refs.length > 0; { refs } = leavesOf(whole)) {
      const loaded = await Promise.all(
        [...new Set(refs)].map(async (hash) => [hash, await loadValue(world.objects, hash)] as const),
      );
      whole = withLarge(whole, new Map(loaded));
    }
    // Without leaves, and so nothing is kept of them.
    for (const hash of new Set(refsOf(whole))) await loadLarge(world.objects, await loadValue(world.objects, hash));
  } catch (error) {
    if (error instanceof ValueGone) return undefined;
    throw error;
  }
  return leavesOf(whole);
}
