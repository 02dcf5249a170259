/**
 * The encoded form of values and expressions: a table of nodes in which children are indexes of earlier nodes
 * and the last node is the root. Sharing stays sharing, depth costs nothing, and the table is plain JSON.
 *
 * 1. A child's index is smaller than its parent's.
 * 2. Record keys are sorted by UTF-16 code unit and unique; map and set members are sorted by their hash.
 * 3. A table never changes after it was made.
 */

import { digest } from './hash.ts';
import { type Hash, hashNamed } from './ids.ts';
import { unknownKind } from './never.ts';
import { isKind, isScalar } from './nodes.ts';
import { at, last, valueAt } from './present.ts';

export type Index = number;

export type Scalar = null | boolean | number | string;

/** One node whose children are of type C: indexes in a table, spellings while hashing. */
export type NodeOf<C> =
  /** JSON scalars stand for themselves; numbers are finite and not -0. */
  | Scalar
  | readonly ['undefined']
  | readonly ['number', 'NaN' | 'Infinity' | '-Infinity' | '-0']
  /** Decimal digits. */
  | readonly ['bigint', string]
  /** Milliseconds since the epoch; null is the invalid date. */
  | readonly ['date', number | null]
  /** Base64. */
  | readonly ['bytes', string]
  | readonly ['list', readonly C[]]
  | readonly ['record', readonly string[], readonly C[]]
  | readonly ['map', readonly C[], readonly C[]]
  | readonly ['set', readonly C[]]
  /** Location and version: null is a literal nobody has observed yet, ABSENT one that was looked for and not there. */
  | readonly ['file', string, string | null]
  | readonly ['dir', string, string | null]
  /** An input to stage: the file or directory, the name in the working directory, and how. */
  | readonly ['stage', C, string, 'link' | 'copy']
  /** An output: where it goes, and the name the script writes (null: the script writes the location itself). */
  | readonly ['place', 'file' | 'dir', string, string | null]
  /** The script's standard output as a string. */
  | readonly ['stdout']
  /** A task as a value: its full name and the arguments already bound to it. */
  | readonly ['task', string, readonly C[]]
  /** Name, the class names it can be caught by, message, and a record with whatever else it carries. */
  | readonly ['error', string, readonly string[], string, C]
  /** An expression held as a value, not evaluated. */
  | readonly ['quote', C]
  /** A large value elsewhere: its hash, its size in bytes of JSON, and what must be known without loading it. */
  | readonly ['ref', Hash, number, RefFlags]
  /** Task name, arguments, and the call's options (a record), if any. */
  | readonly ['call', string, readonly C[], C | null]
  | readonly ['op', string, readonly C[]]
  | readonly ['form', string, readonly C[]];

export type Node = NodeOf<Index>;

/** What stands first in every node but a scalar. */
export type NodeKind = Exclude<Node, Scalar>[0];

/**
 * Bit 1: has files, directories or tasks whose validity matters. Bit 2: has files or directories nobody has observed. Bit 4:
 * has places that a script writes.
 */
export type RefFlags = number;
export const REF_HAS_LEAVES = 1;
export const REF_HAS_OPEN = 2;
export const REF_HAS_PLACES = 4;

export type Table = readonly Node[];

/** A value whose JSON is longer than this is held by reference everywhere (`ref`). */
export const INLINE_VALUE_BYTES_MAX = 1024;

/** The version of a file that was looked for and was not there. */
export const ABSENT = '';

export function rootOf(table: Table): Node {
  const root = table.at(-1);
  if (root === undefined) throw new Error('a table has at least one node');
  return root;
}

/** The same node with each child passed through `move`, in order; a call's options come last. */
export function mapChildren<A, B>(node: NodeOf<A>, move: (child: A) => B): NodeOf<B> {
  if (isScalar(node)) return node;
  switch (node[0]) {
    case 'list':
    case 'set':
      return [node[0], node[1].map((child) => move(child))];
    case 'record':
      return ['record', node[1], node[2].map((child) => move(child))];
    case 'task':
    case 'op':
    case 'form':
      return [node[0], node[1], node[2].map((child) => move(child))];
    case 'map':
      return ['map', node[1].map((child) => move(child)), node[2].map((child) => move(child))];
    case 'stage':
      return ['stage', move(node[1]), node[2], node[3]];
    case 'quote':
      return ['quote', move(node[1])];
    case 'error':
      return ['error', node[1], node[2], node[3], move(node[4])];
    case 'call':
      return ['call', node[1], node[2].map((child) => move(child)), node[3] === null ? null : move(node[3])];
    case 'undefined':
    case 'number':
    case 'bigint':
    case 'date':
    case 'bytes':
    case 'file':
    case 'dir':
    case 'place':
    case 'stdout':
    case 'ref':
      return node;
    default:
      return unknownKind('node', node);
  }
}

/** The node's children, in order; a call's options come last. */
export function childrenOf<C>(node: NodeOf<C>): readonly C[] {
  if (isScalar(node)) return [];
  switch (node[0]) {
    case 'list':
    case 'set':
      return node[1];
    case 'record':
    case 'task':
    case 'op':
    case 'form':
      return node[2];
    case 'map':
      return [...node[1], ...node[2]];
    case 'stage':
    case 'quote':
      return [node[1]];
    case 'error':
      return [node[4]];
    case 'call':
      return node[3] === null ? node[2] : [...node[2], node[3]];
    case 'undefined':
    case 'number':
    case 'bigint':
    case 'date':
    case 'bytes':
    case 'file':
    case 'dir':
    case 'place':
    case 'stdout':
    case 'ref':
      return [];
    default:
      return unknownKind('node', node);
  }
}

/** The same node, with its children where `places` says that each is now. */
export function moved(node: Node, places: ArrayLike<Index>): Node {
  return mapChildren(node, (child) => at(places, child));
}

/** Spelled scalars up to this length stand in their parent's preimage as they are; longer ones by their hash. */
const SPELLING_LENGTH_MAX = 64;

/**
 * The canonical spelling of a node, given its children's: a scalar's JSON when short, else `#hash`. A node's preimage is
 * its JSON with spellings for children, so equal values have equal hashes however they were built or shared, and
 * a `ref` has the hash of what it stands for. Golden hashes guard this format.
 */
function spell(node: NodeOf<string>): string {
  if (isKind(node, 'ref')) return `#${node[1]}`;
  if (!isScalar(node)) return `#${digest('node', JSON.stringify(node))}`;
  const text = JSON.stringify(node);
  return text.length <= SPELLING_LENGTH_MAX ? text : `#${digest('scalar', text)}`;
}

function hashOfSpelling(spelling: string): Hash {
  return spelling.startsWith('#') ? hashNamed(spelling.slice(1)) : digest('scalar', spelling);
}

function spellAll(table: Table): string[] {
  const spelled: string[] = [];
  for (const node of table) spelled.push(spell(mapChildren(node, (child) => at(spelled, child))));
  return spelled;
}

/** The Merkle hash of every node of the table, by index. */
export function hashesOf(table: Table): Hash[] {
  return spellAll(table).map(hashOfSpelling);
}

/** The same for who asks for few of them. */
export function hashesAskedOf(table: Table): (index: Index) => Hash {
  const spelled = spellAll(table);
  const hashes: (Hash | undefined)[] = [];
  return (index) => {
    const hash = hashes[index] ?? hashOfSpelling(at(spelled, index));
    hashes[index] = hash;
    return hash;
  };
}

/** The Merkle hash of the whole. */
export function hashOf(table: Table): Hash {
  return hashOfSpelling(last(spellAll(table)));
}

/** Builds a table bottom-up; structurally equal nodes become one, and members of maps and sets get their order. */
export class TableBuilder {
  readonly #nodes: Node[] = [];
  readonly #seen = new Map<Scalar, Index>();
  /** Spellings of the first nodes: as far as the last map or set needed them. */
  readonly #spelled: string[] = [];

  add(node: Node): Index {
    const placed = this.#canonical(node);
    const key = keyOf(placed);
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    const index = this.#nodes.push(placed) - 1;
    this.#seen.set(key, index);
    return index;
  }

  /** Members in the order of their hashes, equal ones once; a key that comes twice has its later value. */
  #canonical(node: Node): Node {
    if (!isKind(node, 'set', 'map')) return node;
    const keys = node[1].map((member) => this.#asMember(member));
    const members = new Map(keys.map((member, position) => [this.#hashAt(member), position]));
    const order = [...members.keys()].sort().map((hash) => valueAt(members, hash));
    const sorted = (indexes: readonly Index[]) => order.map((position) => at(indexes, position));
    return node[0] === 'set' ? ['set', sorted(keys)] : ['map', sorted(keys), sorted(node[2])];
  }

  /** JavaScript's sets and maps hold -0 as 0. */
  #asMember(index: Index): Index {
    const node = this.#nodes[index];
    return isKind(node, 'number') && node[1] === '-0' ? this.add(0) : index;
  }

  #hashAt(index: Index): Hash {
    for (let next = this.#spelled.length; next <= index; next++) {
      this.#spelled.push(spell(mapChildren(at(this.#nodes, next), (child) => at(this.#spelled, child))));
    }
    return hashOfSpelling(at(this.#spelled, index));
  }

  /** Adds everything `table` holds and returns where its root is now. */
  addTable(table: Table): Index {
    const places: Index[] = [];
    for (const node of table) places.push(this.add(moved(node, places)));
    return last(places);
  }

  /** The table with `root` as its last node, without what the root does not reach. */
  build(root: Index): Table {
    const needed = new Uint8Array(root + 1);
    needed[root] = 1;
    let count = 0;
    for (let index = root; index >= 0; index--) {
      if (!needed[index]) continue;
      count++;
      for (const child of childrenOf(at(this.#nodes, index))) needed[child] = 1;
    }
    if (count > root) return this.#nodes.slice(0, root + 1);
    const places = new Int32Array(root + 1);
    const table: Node[] = [];
    for (let index = 0; index <= root; index++) {
      if (!needed[index]) continue;
      places[index] = table.push(moved(at(this.#nodes, index), places)) - 1;
    }
    return table;
  }
}

/** Equal for equal nodes, and for no others: what is no text stands for itself, all else begins with what it is. */
function keyOf(node: Node): Scalar {
  if (typeof node === 'string') return `"${node}`;
  if (isScalar(node)) return node;
  return node[0] === 'list' ? node[1].join() : JSON.stringify(node);
}

/** The part of the table that `root` reaches, as a table of its own. The cost follows that part, not the table. */
export function subtable(table: Table, root: Index): Table {
  const node = at(table, root);
  if (childrenOf(node).length === 0) return [node];
  const needed = new Set<Index>([root]);
  for (const index of needed) {
    for (const child of childrenOf(at(table, index))) needed.add(child);
  }
  const order = [...needed].sort((a, b) => a - b);
  const places = new Map(order.map((from, to) => [from, to]));
  return order.map((index) => mapChildren(at(table, index), (child) => valueAt(places, child)));
}

/** Several tables under one new root, which `join` makes from their places. */
export function combine(tables: readonly Table[], join: (roots: Index[]) => Node): Table {
  const [only] = tables;
  if (only && tables.length === 1) return under(only, join([only.length - 1]));
  const builder = new TableBuilder();
  const roots = tables.map((table) => builder.addTable(table));
  return builder.build(builder.add(join(roots)));
}

/** A table with one more node on top of its root. No other is equal to that, which has a node below it that all others are below. */
function under(table: Table, node: Node): Table {
  if (!isKind(node, 'set', 'map')) return [...table, node];
  const builder = new TableBuilder();
  builder.addTable(table);
  return builder.build(builder.add(node));
}

export const UNDEFINED: Table = [['undefined']];

export function listOf(tables: readonly Table[]): Table {
  return combine(tables, (roots) => ['list', roots]);
}
