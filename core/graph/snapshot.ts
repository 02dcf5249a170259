/** The live graph as plain JSON and back. A snapshot may be lost at any time: the journal says the same. */
import { loadedGraph, type SavedFields, savedFields } from './fields.ts';
import type { Graph } from './graph.ts';

/** Snapshots of another format are ignored and the journal is folded instead. */
export const GRAPH_FORMAT = 5;

export interface Snapshot {
  readonly format: number;
  /** As this version knows it, where the format is its own. */
  readonly graph: SavedFields;
}

export function snapshotOf(graph: Graph): Snapshot {
  return { format: GRAPH_FORMAT, graph: savedFields(graph) };
}

/** The graph of a snapshot that was parsed from JSON; undefined when its format is another. The caller gives it away. */
export function graphOf(snapshot: Snapshot): Graph | undefined {
  return snapshot.format === GRAPH_FORMAT ? loadedGraph(snapshot.graph) : undefined;
}
