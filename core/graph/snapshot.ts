/** The live graph as plain JSON and back. A snapshot may be lost at any time: the journal says the same. */
import type { Graph } from './graph.ts';

/** Snapshots of another format are ignored and the journal is folded instead. */
export const GRAPH_FORMAT = 4;

/** Maps and sets as arrays of their members, in order. */
type Plain<T> = {
  [K in keyof T]: T[K] extends Map<infer A, infer B> ? [A, B][] : T[K] extends Set<infer A> ? A[] : T[K];
};

type PlainScope = {
  id: number;
  job: string | null;
  table: unknown;
  nodes: [string, number][] | number;
  forced: number[];
};

export interface Snapshot {
  readonly format: number;
  readonly graph: unknown;
}

export function snapshotOf(graph: Graph): Snapshot {
  const owners = new Map<unknown, number>();
  const scopes = [...graph.scopes.values()].map((scope): PlainScope => {
    const owner = owners.get(scope.nodes);
    if (owner === undefined) owners.set(scope.nodes, scope.id);
    return { ...scope, nodes: owner ?? [...scope.nodes] };
  });
  const plain = {
    ...graph,
    nodes: [...graph.nodes.values()],
    scopes,
    jobs: [...graph.jobs.values()],
    works: [...graph.works.values()],
    submissions: [...graph.submissions.values()],
    contexts: [...graph.contexts],
    observing: [...graph.observing],
    computing: [...graph.computing],
    frontier: [...graph.frontier],
    recalls: [...graph.recalls],
    returning: [...graph.returning],
    writing: [...graph.writing],
    written: [...graph.written],
    attempts: [...graph.attempts],
    tally: [...graph.tally],
  };
  return { format: GRAPH_FORMAT, graph: plain };
}

/** The graph of a snapshot that was parsed from JSON; undefined when its format is another. The caller gives it away. */
export function graphOf(snapshot: Snapshot): Graph | undefined {
  if (snapshot.format !== GRAPH_FORMAT) return undefined;
  const plain = snapshot.graph as Plain<Graph> & { nodes: unknown; scopes: unknown };
  const byId = <V extends { id: unknown }>(list: unknown): Map<never, V> =>
    new Map((list as V[]).map((item) => [item.id as never, item]));
  const scopes = new Map<number, { nodes: unknown; id: number }>();
  for (const scope of plain.scopes as unknown as PlainScope[]) {
    const nodes = typeof scope.nodes === 'number' ? scopes.get(scope.nodes)?.nodes : new Map(scope.nodes);
    scopes.set(scope.id, { ...scope, nodes });
  }
  return {
    ...plain,
    nodes: byId(plain.nodes),
    scopes,
    jobs: byId(plain.jobs),
    works: new Map((plain.works as unknown as { eval: never }[]).map((work) => [work.eval, work])),
    submissions: byId(plain.submissions),
    contexts: new Map(plain.contexts),
    observing: new Map(plain.observing),
    computing: new Map(plain.computing),
    frontier: new Set(plain.frontier),
    recalls: new Map(plain.recalls),
    returning: new Map(plain.returning),
    writing: new Map(plain.writing),
    written: new Map(plain.written),
    attempts: new Map(plain.attempts),
    tally: new Map(plain.tally),
  } as unknown as Graph;
}
