/**
 * Results whose file a script of the same run has overwritten, which was given it: where jobs write one place in turn, all
 * but the last one's. Such a result is still good for one thing, to be given to the call that overwrote it, where that
 * one's result is good and is reused too. Whether it will be is known only when the reducer comes to that call. So:
 *
 * 1. It is reused on trust, and the trust ends with the pass of the reducer: either the overwriting call was reused in it
 *    as well, or the pass is made again without.
 * 2. No function is run that is given such a file: what is there is no longer what it was given.
 */

import type { Attempt } from '../graph/demands.ts';
import type { Graph } from '../graph/graph.ts';
import type { Leaf } from '../values/contents.ts';
import { digest } from '../values/hash.ts';
import { type EvalHash, evalNamed, type RunId } from '../values/ids.ts';
import type { Table } from '../values/table.ts';
import type { Evaluation } from './ports.ts';

/** The task name of such notes in the cache. */
const OVERWRITTEN_TASK = 'redex.overwritten';

function noteKey({ kind, location, version }: Leaf): EvalHash {
  return evalNamed(digest('overwritten', JSON.stringify([kind, location, version])));
}

/** For the cache: which call overwrites the file that it is given. Whether it ever did is told by that call's own entry. */
export function overwriteNote(leaf: Leaf, by: EvalHash, run: RunId, at: number): Evaluation {
  return { hash: noteKey(leaf), task: OVERWRITTEN_TASK, expression: [by], run, at };
}

/** What a pass of the reducer takes on trust. */
export interface Trust {
  /** Calls that turned out not to be reused: nothing rests on them any more. */
  readonly withdrawn: ReadonlySet<EvalHash>;
  /** By the key of an overwritten file, the call that overwrote it and what that call's own result rests on. */
  readonly known: Map<EvalHash, Overwriting | undefined>;
  /** By the key of an overwritten file, the call that reused results rest on. */
  readonly relied: Map<EvalHash, EvalHash>;
  /** Calls whose results were reused in this pass. */
  readonly reused: Set<EvalHash>;
  /** Calls on which a result was reused, and that another call needs the file of. */
  readonly refuted: Set<EvalHash>;
}

interface Overwriting {
  readonly by: EvalHash;
  /** Files of its result that have other versions now. */
  readonly changed: readonly Leaf[];
}

export function trustWithout(withdrawn: ReadonlySet<EvalHash>): Trust {
  return { withdrawn, known: new Map(), relied: new Map(), reused: new Set(), refuted: new Set() };
}

/** What the cache says of entries: the files of each that changed, or undefined where it is of no use in any case. */
export interface Sight {
  read(evals: readonly EvalHash[]): Promise<ReadonlyMap<EvalHash, Evaluation>>;
  changedIn(entries: readonly Evaluation[]): Promise<readonly (readonly Leaf[] | undefined)[]>;
}

/** Of the changed files, those that a call has overwritten which was given them and whose own result holds; by key. */
export async function overwrittenAmong(
  trust: Trust,
  changed: readonly Leaf[],
  sight: Sight,
): Promise<(leaf: Leaf) => boolean> {
  const isUnknown = (leaf: Leaf) => !trust.known.has(noteKey(leaf));
  for (let open = changed.filter(isUnknown); open.length > 0; ) {
    const keys = [...new Set(open.map(noteKey))];
    const notes = await sight.read(keys);
    const calls = new Map(keys.flatMap((key) => callIn(notes.get(key)) ?? []).map((call) => [call, true]));
    const entries = [...(await sight.read([...calls.keys()])).values()];
    const changes = await sight.changedIn(entries);
    const changedBy = new Map(entries.map((entry, at) => [entry.hash, changes[at]]));
    for (const key of keys) {
      const by = callIn(notes.get(key));
      const rest = by && changedBy.get(by);
      trust.known.set(key, by && rest ? { by, changed: rest } : undefined);
    }
    open = [...changedBy.values()].flatMap((rest) => rest ?? []).filter(isUnknown);
  }
  const holds = new Map<EvalHash, boolean>();
  return (leaf) => isOverwritten(trust, leaf, holds);
}

function callIn(note: Evaluation | undefined): EvalHash | undefined {
  const [call] = note?.expression ?? [];
  return typeof call === 'string' ? evalNamed(call) : undefined;
}

/** Down to a result that is there as it was made: calls that overwrite each other's in a circle hold each other up by nothing. */
function isOverwritten(trust: Trust, leaf: Leaf, holds: Map<EvalHash, boolean>): boolean {
  const key = noteKey(leaf);
  const decided = holds.get(key);
  if (decided !== undefined) return decided;
  holds.set(key, false);
  const found = trust.known.get(key);
  const result =
    found !== undefined &&
    !trust.withdrawn.has(found.by) &&
    found.changed.every((other) => isOverwritten(trust, other, holds));
  holds.set(key, result);
  return result;
}

/** Notes that a result with this file is reused. */
export function relyOn(trust: Trust, leaf: Leaf): void {
  const found = trust.known.get(noteKey(leaf));
  if (found) trust.relied.set(noteKey(leaf), found.by);
}

/** Of the attempts, those that are given no file of which another version is there; the calls relied on are refuted. */
export async function withoutOverwritten(
  trust: Trust,
  attempts: readonly Attempt[],
  leavesIn: (args: Table) => Promise<readonly Leaf[]>,
): Promise<readonly Attempt[]> {
  if (trust.relied.size === 0) return attempts;
  const kept = await Promise.all(
    attempts.map(async (attempt) => {
      const calls = (await leavesIn(attempt.args)).flatMap((leaf) => trust.relied.get(noteKey(leaf)) ?? []);
      for (const call of calls) trust.refuted.add(call);
      return calls.length === 0;
    }),
  );
  return attempts.filter((_, at) => kept[at]);
}

/** The calls that results were reused for in vain. */
export function broken({ relied, reused, refuted }: Trust, graph: Graph): Set<EvalHash> {
  const before = relied.size > 0 ? new Set(graph.written.values()) : new Set();
  const missing = [...relied.values()].filter((call) => !reused.has(call) && !before.has(call));
  return new Set([...missing, ...refuted]);
}
