/** The live graph as plain JSON and back. A snapshot may be lost at any time: the journal says the same. */
import { FIELD_NAMES, FIELDS, type FieldName } from './fields.ts';
import type { Graph } from './graph.ts';

/** Snapshots of another format are ignored and the journal is folded instead. */
export const GRAPH_FORMAT = 5;

export interface Snapshot {
  readonly format: number;
  readonly graph: unknown;
}

export function snapshotOf(graph: Graph): Snapshot {
  const saved = <K extends FieldName>(name: K): unknown => FIELDS[name].held.saved(graph[name]);
  return { format: GRAPH_FORMAT, graph: Object.fromEntries(FIELD_NAMES.map((name) => [name, saved(name)])) };
}

/** The graph of a snapshot that was parsed from JSON; undefined when its format is another. The caller gives it away. */
export function graphOf(snapshot: Snapshot): Graph | undefined {
  if (snapshot.format !== GRAPH_FORMAT) return undefined;
  const saved = snapshot.graph as Readonly<Record<FieldName, unknown>>;
  const fields = FIELD_NAMES.map((name) => [name, FIELDS[name].held.loaded(saved[name])]);
  return Object.fromEntries(fields) as unknown as Graph;
}
