/**
 * Every field of the graph: how it begins, how a snapshot holds it, and what a retry of the run makes of it. The empty graph,
 * snapshots, retries and releases go by this table.
 */
import type { Hash } from '../values/ids.ts';
import { keysOf } from '../values/json.ts';
import type { Graph, NodeId, Scope, ScopeId } from './graph.ts';

interface Held<T> {
  empty(): T;
  /** As plain JSON. */
  saved(value: T): unknown;
  /** From what `saved` gave, parsed from JSON; the caller gives it away. */
  loaded(saved: unknown): T;
}

/** Nodes that wait under a key: the entry goes with the last of them. */
type Waiting<T> = T extends ReadonlyMap<infer _, { readonly nodes: readonly NodeId[] }> ? true : false;

interface Field<T> {
  readonly held: Held<T>;
  /** Whether a retry of the run forgets it, keeps it, or goes through it itself (`retry.ts`). */
  readonly onRetry: 'forgotten' | 'kept' | 'gone through';
  readonly isWaiting: Waiting<T>;
}

/** What a snapshot of this format holds: its JSON has the type that it was written from. */
function read<T>(saved: unknown): T {
  return saved as T;
}

/** The same in JSON. */
function asIs<T>(empty: () => T): Held<T> {
  return { empty, saved: (value) => value, loaded: (saved) => read(saved) };
}

/** The keys are in the values. */
function byKey<K, V>(keyOf: (value: V) => K): Held<ReadonlyMap<K, V>> {
  return {
    empty: () => new Map(),
    saved: (map) => [...map.values()],
    loaded: (saved) => new Map(read<V[]>(saved).map((value) => [keyOf(value), value])),
  };
}

function byId<K, V extends { readonly id: K }>(): Held<ReadonlyMap<K, V>> {
  return byKey(({ id }) => id);
}

function entries<K, V>(): Held<ReadonlyMap<K, V>> {
  return {
    empty: () => new Map(),
    saved: (map) => [...map],
    loaded: (saved) => new Map(read<[K, V][]>(saved)),
  };
}

function members<T>(): Held<ReadonlySet<T>> {
  return { empty: () => new Set(), saved: (set) => [...set], loaded: (saved) => new Set(read<T[]>(saved)) };
}

/** With the scope that has the same nodes in their place, if one came before. */
type SavedScope = Omit<Scope, 'nodes'> & { readonly nodes: readonly (readonly [Hash, NodeId])[] | ScopeId };

const scopes: Held<ReadonlyMap<ScopeId, Scope>> = {
  empty: () => new Map(),
  saved(map) {
    const owners = new Map<Scope['nodes'], ScopeId>();
    return [...map.values()].map((scope): SavedScope => {
      const owner = owners.get(scope.nodes);
      if (owner === undefined) owners.set(scope.nodes, scope.id);
      return { ...scope, nodes: owner ?? [...scope.nodes] };
    });
  },
  loaded(saved) {
    const map = new Map<ScopeId, Scope>();
    for (const scope of read<SavedScope[]>(saved)) {
      const shared = typeof scope.nodes === 'number' ? map.get(scope.nodes)?.nodes : new Map(scope.nodes);
      map.set(scope.id, { ...scope, nodes: shared ?? new Map() });
    }
    return map;
  },
};

/** In the order in which snapshots have them. */
export const FIELDS: { readonly [K in keyof Graph]: Field<Graph[K]> } = {
  run: { held: asIs(() => null), onRetry: 'kept', isWaiting: false },
  // Begun anew: reduce.ts enters the root.
  root: { held: asIs(() => 0), onRetry: 'gone through', isWaiting: false },
  nextNode: { held: asIs(() => 0), onRetry: 'kept', isWaiting: false },
  nextScope: { held: asIs(() => 0), onRetry: 'kept', isWaiting: false },
  nextOrdinal: { held: asIs(() => 0), onRetry: 'kept', isWaiting: false },
  nodes: { held: byId(), onRetry: 'forgotten', isWaiting: false },
  scopes: { held: scopes, onRetry: 'forgotten', isWaiting: false },
  // Those that have a value stay.
  jobs: { held: byId(), onRetry: 'gone through', isWaiting: false },
  works: { held: byKey(({ evaluation }) => evaluation), onRetry: 'forgotten', isWaiting: false },
  // None is left when a run has ended.
  submissions: { held: byId(), onRetry: 'kept', isWaiting: false },
  contexts: { held: entries(), onRetry: 'kept', isWaiting: false },
  observing: { held: entries(), onRetry: 'forgotten', isWaiting: true },
  computing: { held: entries(), onRetry: 'forgotten', isWaiting: true },
  frontier: { held: members(), onRetry: 'forgotten', isWaiting: false },
  recalls: { held: entries(), onRetry: 'forgotten', isWaiting: true },
  done: { held: asIs(() => []), onRetry: 'kept', isWaiting: false },
  returning: { held: entries(), onRetry: 'forgotten', isWaiting: true },
  writing: { held: entries(), onRetry: 'forgotten', isWaiting: false },
  written: { held: entries(), onRetry: 'kept', isWaiting: false },
  // Those of the works that are forgotten come to it.
  attempts: { held: entries(), onRetry: 'gone through', isWaiting: false },
  // Without the jobs that go.
  tally: { held: entries(), onRetry: 'gone through', isWaiting: false },
  failed: { held: asIs(() => []), onRetry: 'forgotten', isWaiting: false },
  stopping: { held: asIs(() => null), onRetry: 'forgotten', isWaiting: false },
  end: { held: asIs(() => null), onRetry: 'forgotten', isWaiting: false },
};

export type FieldName = keyof Graph;

export const FIELD_NAMES: readonly FieldName[] = keysOf(FIELDS);

type WaitingName = { [K in FieldName]: Waiting<Graph[K]> extends true ? K : never }[FieldName];

function isWaitingName(name: FieldName): name is WaitingName {
  return FIELDS[name].isWaiting;
}

export const WAITING_NAMES: readonly WaitingName[] = FIELD_NAMES.filter(isWaitingName);

export function emptyGraph(): Graph {
  return graphWith((name) => FIELDS[name].held.empty());
}

/** The graph whose fields are what `fieldOf` gives for them. */
function graphWith(fieldOf: <K extends FieldName>(name: K) => Graph[K]): Graph {
  const graph: { -readonly [K in FieldName]?: Graph[K] } = {};
  const fill = <K extends FieldName>(name: K) => {
    graph[name] = fieldOf(name);
  };
  for (const name of FIELD_NAMES) fill(name);
  return graph as Graph;
}

/** Fields as plain JSON. */
export type SavedFields = { readonly [K in FieldName]?: unknown };

export function savedFields(graph: Graph): SavedFields {
  const saved = <K extends FieldName>(name: K): unknown => FIELDS[name].held.saved(graph[name]);
  return Object.fromEntries(FIELD_NAMES.map((name) => [name, saved(name)]));
}

/** The graph of fields that were saved and parsed from JSON. The caller gives them away. */
export function loadedGraph(saved: SavedFields): Graph {
  return graphWith((name) => FIELDS[name].held.loaded(saved[name]));
}
