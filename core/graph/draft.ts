/** One evolution of the graph in progress: where it changes, what is yet to be propagated, and what it asks to be kept. */

import { spill } from '../values/contents.ts';
import type { EvalHash, Hash } from '../values/ids.ts';
import { at, valueAt } from '../values/present.ts';
import type { Table } from '../values/table.ts';
import { Edits } from './edits.ts';
import { emptyGraph } from './fields.ts';
import type { GivenParts, Graph, GraphNode, Job, JobStatus, NodeId, Settlement, Tally, Wait } from './graph.ts';

/** A recovered catch, to be kept in the cache. */
export interface Recovery {
  readonly key: EvalHash;
  readonly expression: Table;
  readonly requires: Readonly<Record<string, Hash>>;
}

/** What evolving brought to light that must be stored before the facts are: by whoever appends them, never on replay. */
export interface Effects {
  /** Large values made by the reducer itself. */
  readonly large: Map<Hash, Table>;
  /** Catches that recovered. */
  readonly recoveries: Recovery[];
}

export interface Draft {
  readonly graph: Graph;
  readonly edits: Edits;
  /** New nodes that have not been looked at, and settled ones whose users do not know yet. */
  readonly queue: NodeId[];
  /** Nodes known to have a catch on every way to the root: until an edge is added, or the queue is empty. */
  readonly guarded: Set<NodeId>;
  effects: Effects;
}

export function draftOf(graph: Graph = emptyGraph()): Draft {
  return { graph, edits: new Edits(), queue: [], guarded: new Set(), effects: noEffects() };
}

export function noEffects(): Effects {
  return { large: new Map(), recoveries: [] };
}

/** A node that is in the graph, since another takes it as an input. */
export function liveNode({ graph }: Draft, id: NodeId): GraphNode {
  return valueAt(graph.nodes, id);
}

/** The value of an input that is known to have one. */
export function inputValue(draft: Draft, input: NodeId): Table {
  const { outcome } = liveNode(draft, input);
  if (!outcome || !('value' in outcome)) throw new Error(`node ${input} has no value`);
  return outcome.value;
}

/** The values of all parts of a node whose inputs are known to have theirs. */
export function partValues(draft: Draft, inputs: readonly NodeId[], given: GivenParts): Table[] {
  if (!given) return inputValues(draft, inputs);
  let next = 0;
  return given.map((part) => part ?? inputValue(draft, at(inputs, next++)));
}

/** The values of inputs that are known to have them. */
export function inputValues(draft: Draft, inputs: readonly NodeId[]): Table[] {
  return inputs.map((input) => inputValue(draft, input));
}

/** Has the node wait in one of the graph's maps. The first one to wait there makes the entry; equal calls can be many. */
export function waitUnder<K extends Hash, W extends { readonly nodes: readonly NodeId[] }>(
  { edits }: Draft,
  node: GraphNode,
  wait: Wait & { readonly key: K },
  waiting: ReadonlyMap<K, W>,
  entryOf: (nodes: readonly NodeId[]) => W,
): void {
  const known = waiting.get(wait.key);
  if (known) edits.push(known.nodes, node.id);
  else edits.put(waiting, wait.key, entryOf([node.id]));
  edits.set(node, 'waits', wait);
}

/** Gives a node its outcome, once. Users hear of it when the queue comes to it. */
export function settle(draft: Draft, node: GraphNode, outcome: Settlement): void {
  if (node.outcome) return;
  draft.edits.set(node, 'outcome', outcome);
  draft.queue.push(node.id);
}

/** A value as the graph holds it: by reference when it is large. */
export function held(draft: Draft, value: Table): Table {
  const { table, large } = spill(value);
  for (const [hash, part] of large) draft.effects.large.set(hash, part);
  return table;
}

/** The node fails in the job that it is of. */
export function failWith(draft: Draft, node: GraphNode, error: Table): void {
  const origin = draft.graph.scopes.get(node.scope)?.job ?? null;
  settle(draft, node, { failure: { error: held(draft, error), origin } });
}

/** Counts a job under another status; null: it is no longer, or not yet, a job of the run. */
export function count({ graph, edits }: Draft, task: string, from: JobStatus | null, to: JobStatus | null): void {
  if (!graph.tally.has(task)) edits.put(graph.tally, task, emptyTally());
  const tally = valueAt(graph.tally, task);
  if (from) edits.set(tally, from, tally[from] - 1);
  if (to) edits.set(tally, to, tally[to] + 1);
}

function emptyTally(): Tally {
  return { PENDING: 0, RUNNING: 0, FAILED: 0, CACHED: 0, DONE: 0, CANCELLED: 0 };
}

export function setStatus(draft: Draft, job: Job, status: JobStatus): void {
  if (job.status === status) return;
  count(draft, job.task, job.status, status);
  draft.edits.set(job, 'status', status);
}

/** Jobs, and works, are put into their maps with ascending ordinals, and never put again. */
export function byOrdinal({ ordinal }: { readonly ordinal: number }): number {
  return ordinal;
}

/** As are nodes and scopes with ascending ids. */
export function byId({ id }: { readonly id: number }): number {
  return id;
}

/** And the ids of nodes into the maps of scopes. */
export function byItself(id: NodeId): number {
  return id;
}
