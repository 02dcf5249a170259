/**
 * Nodes read by their kind: each accessor gives the parts of a node of its kind by name, and undefined for any other node. Where
 * what stands in a node is said once, beside `NodeOf` in core/values/table.ts.
 */

import type { Hash } from './ids.ts';
import { at } from './present.ts';
import type { Index, Node, NodeKind, NodeOf, RefFlags, Scalar, Table } from './table.ts';

/** The nodes of one kind, or of several. */
export type NodeOfKind<K extends NodeKind, C = Index> = Extract<NodeOf<C>, readonly [K, ...unknown[]]>;

/** The node at an index that the table's own nodes name. */
export function nodeAt(table: Table, index: Index): Node {
  return at(table, index);
}

export function isScalar<C>(node: NodeOf<C>): node is Scalar {
  return node === null || typeof node !== 'object';
}

/** Whether the node is of the kind, or of one of up to three. No node at all is of none. */
export function isKind<K extends NodeKind, C>(
  node: NodeOf<C> | undefined,
  kind: K,
  other: K = kind,
  third: K = kind,
): node is NodeOfKind<K, C> {
  if (node === undefined || isScalar(node)) return false;
  const own: NodeKind = node[0];
  return own === kind || own === other || own === third;
}

/** The elements of a list. */
export function listIn<C>(node: NodeOf<C> | undefined): readonly C[] | undefined {
  return isKind(node, 'list') ? node[1] : undefined;
}

/** Keys, sorted, and the values at the same places. */
export function recordIn<C>(node: NodeOf<C> | undefined) {
  return isKind(node, 'record') ? { keys: node[1], values: node[2] } : undefined;
}

/** A file or a directory; version null: nobody has observed it. */
export function leafIn<C>(node: NodeOf<C> | undefined) {
  return isKind(node, 'file', 'dir') ? { kind: node[0], location: node[1], version: node[2] } : undefined;
}

/** An input to stage: what, under which name, and how. */
export function stageIn<C>(node: NodeOf<C> | undefined) {
  return isKind(node, 'stage') ? { source: node[1], name: node[2], how: node[3] } : undefined;
}

/** An output: where it goes, and the name that the script writes (null: the location itself). */
export function placeIn<C>(node: NodeOf<C> | undefined) {
  return isKind(node, 'place') ? { kind: node[1], location: node[2], name: node[3] } : undefined;
}

/** A task as a value, and what is bound to it. */
export function taskIn<C>(node: NodeOf<C> | undefined) {
  return isKind(node, 'task') ? { name: node[1], bound: node[2] } : undefined;
}

/** Name, the class names it can be caught by, message, and a record with the rest. */
export function errorIn<C>(node: NodeOf<C> | undefined) {
  return isKind(node, 'error') ? { name: node[1], classes: node[2], message: node[3], extras: node[4] } : undefined;
}

/** The quoted expression. */
export function quotedIn<C>(node: NodeOf<C> | undefined): C | undefined {
  return isKind(node, 'quote') ? node[1] : undefined;
}

/** A large value elsewhere: its hash, its size in bytes of JSON, and what must be known without loading it. */
export function refIn<C>(node: NodeOf<C> | undefined): { hash: Hash; bytes: number; flags: RefFlags } | undefined {
  return isKind(node, 'ref') ? { hash: node[1], bytes: node[2], flags: node[3] } : undefined;
}

/** A call; options null: it has none. */
export function callIn<C>(node: NodeOf<C> | undefined) {
  return isKind(node, 'call') ? { task: node[1], args: node[2], options: node[3] } : undefined;
}
