/** What a table contains: concrete parts, large parts, files and tasks; and the rewrites that replace them. */
import type { Hash } from './ids.ts';
import { unknownKind } from './never.ts';
import { isKind, isScalar, leafIn, type NodeOfKind, nodeAt, placeIn, refIn } from './nodes.ts';
import type { Target } from './places.ts';
import { last } from './present.ts';
import {
  childrenOf,
  hashesAskedOf,
  INLINE_VALUE_BYTES_MAX,
  type Index,
  mapChildren,
  moved,
  type Node,
  type NodeKind,
  REF_HAS_LEAVES,
  REF_HAS_OPEN,
  REF_HAS_PLACES,
  rootOf,
  subtable,
  type Table,
  TableBuilder,
} from './table.ts';

interface KindTraits {
  /** Whether it is a value once its children are, whatever they are, or never: it is left to evaluate. */
  readonly isValue: 'with its children' | 'always' | 'never';
  /** When files below it are looked at: a call observes its own arguments when it is ready. */
  readonly filesBelow: 'now' | 'later';
}

const DATA: KindTraits = { isValue: 'with its children', filesBelow: 'now' };
const EVALUATED: KindTraits = { isValue: 'never', filesBelow: 'now' };

const KINDS: Readonly<Record<NodeKind, KindTraits>> = {
  undefined: DATA,
  number: DATA,
  bigint: DATA,
  date: DATA,
  bytes: DATA,
  list: DATA,
  record: DATA,
  map: DATA,
  set: DATA,
  file: DATA,
  dir: DATA,
  stage: DATA,
  place: DATA,
  stdout: DATA,
  task: DATA,
  error: DATA,
  quote: { isValue: 'always', filesBelow: 'later' },
  ref: DATA,
  call: { isValue: 'never', filesBelow: 'later' },
  op: EVALUATED,
  form: EVALUATED,
};

function traitsOf(node: Node): KindTraits {
  return isScalar(node) ? DATA : KINDS[node[0]];
}

/** For every node, whether it is a value: nothing in it is left to evaluate. A quoted expression is a value. */
export function concreteNodes(table: Table): boolean[] {
  const concrete: boolean[] = [];
  for (const node of table) {
    const { isValue } = traitsOf(node);
    concrete.push(
      isValue === 'always' || (isValue === 'with its children' && childrenOf(node).every((child) => concrete[child])),
    );
  }
  return concrete;
}

export function isConcrete(table: Table): boolean {
  return concreteNodes(table).at(-1) === true;
}

/** A file or directory and the version it had. */
export interface Leaf {
  readonly kind: 'file' | 'dir';
  readonly location: string;
  readonly version: string;
}

/** What a cached table's validity rests on: versions of files, the existence of tasks, and the same inside `refs`. */
export interface Leaves {
  readonly files: Leaf[];
  readonly tasks: string[];
  readonly refs: Hash[];
}

/** Every leaf of the table, also inside operators, arguments, quotes and forms. */
export function leavesOf(table: Table): Leaves {
  const leaves: Leaves = { files: [], tasks: [], refs: [] };
  for (const node of table) {
    if (isScalar(node)) continue;
    switch (node[0]) {
      case 'file':
      case 'dir':
        if (node[2] !== null) leaves.files.push({ kind: node[0], location: node[1], version: node[2] });
        break;
      case 'task':
      case 'call':
        leaves.tasks.push(node[1]);
        break;
      case 'ref':
        if (node[3] & REF_HAS_LEAVES) leaves.refs.push(node[1]);
        break;
      case 'undefined':
      case 'number':
      case 'bigint':
      case 'date':
      case 'bytes':
      case 'list':
      case 'record':
      case 'map':
      case 'set':
      case 'stage':
      case 'place':
      case 'stdout':
      case 'error':
      case 'quote':
      case 'op':
      case 'form':
        break;
      default:
        unknownKind('node', node);
    }
  }
  return leaves;
}

/** Of every file and directory in the table, looked at or not, each once. */
export function locationsOf(table: Table): string[] {
  return [...new Set(table.flatMap((node) => leafIn(node)?.location ?? []))];
}

/** The places that a script with these arguments fills, and the large values that hold more of them. */
export function placesOf(table: Table): { targets: Target[]; refs: Hash[] } {
  const places: ReturnType<typeof placesOf> = { targets: [], refs: [] };
  for (const node of table) {
    const place = placeIn(node);
    if (place) places.targets.push({ location: place.location, name: place.name });
    const large = refIn(node);
    if (large && large.flags & REF_HAS_PLACES) places.refs.push(large.hash);
  }
  return places;
}

/** Whether `node` is a file literal that nobody has observed, or a large value that holds one. */
function isOpen(node: Node): node is OpenNode {
  if (isKind(node, 'ref')) return (node[3] & REF_HAS_OPEN) !== 0;
  return isKind(node, 'file', 'dir') && node[2] === null;
}

type OpenNode = NodeOfKind<'file' | 'dir' | 'ref'>;

/**
 * For every node, whether looking at it now means looking at a file literal: not below a call, which observes its own
 * arguments when it is ready, nor below a quote.
 */
function openNodes(table: Table): boolean[] {
  const open: boolean[] = [];
  for (const node of table) {
    open.push(isOpen(node) || (traitsOf(node).filesBelow === 'now' && childrenOf(node).some((child) => open[child])));
  }
  return open;
}

/** The unobserved literals in the data part of the table: locations by kind, and large values that hold some. */
export function openLeavesOf(table: Table): { files: { kind: 'file' | 'dir'; location: string }[]; refs: Hash[] } {
  const open = openNodes(table);
  const found: ReturnType<typeof openLeavesOf> = { files: [], refs: [] };
  if (!open.at(-1)) return found;
  visitOpen(table, open, (node) => {
    if (isKind(node, 'ref')) found.refs.push(node[1]);
    else found.files.push({ kind: node[0], location: node[1] });
  });
  return found;
}

function visitOpen(table: Table, open: readonly boolean[], visit: (node: OpenNode) => void): void {
  const seen = new Set<Index>([table.length - 1]);
  for (const index of seen) {
    const node = nodeAt(table, index);
    if (isOpen(node)) visit(node);
    else for (const child of childrenOf(node)) if (open[child]) seen.add(child);
  }
}

/** The table with the literals of its data part given the versions `versionOf` knows; others stay unobserved. */
export function withVersions(table: Table, versionOf: (location: string) => string | undefined): Table {
  const open = openNodes(table);
  if (!open.at(-1)) return table;
  // A literal may stand both in the data part and in a call's argument; only the former is observed now.
  const builder = new TableBuilder();
  const asIs: Index[] = [];
  const observed: Index[] = [];
  table.forEach((node, index) => {
    asIs[index] = builder.add(moved(node, asIs));
    observed[index] = open[index] ? builder.add(observe(node, observed, versionOf)) : asIs[index];
  });
  return builder.build(last(observed));
}

function observe(node: Node, observed: readonly Index[], versionOf: (location: string) => string | undefined): Node {
  return isKind(node, 'file', 'dir') ? [node[0], node[1], versionOf(node[1]) ?? null] : moved(node, observed);
}

/** A table and the large values that were taken out of it, by hash. */
export interface Spilled {
  readonly table: Table;
  readonly large: ReadonlyMap<Hash, Table>;
}

/**
 * Replaces every largest concrete part above INLINE_VALUE_BYTES_MAX by a reference. An error stays readable, with its
 * causes, and a task can be called: only fields of an error, and what is bound to a task, are taken out.
 */
export function spill(table: Table): Spilled {
  return spillBelow(table, staysReadable(rootOf(table)));
}

/** Of an error, and of its cause, and so on: deeper ones may be taken out. */
const CAUSES_KEPT = 5;

function staysReadable(node: Node): boolean {
  return isKind(node, 'error', 'task');
}

/** Like `spill`, but the root itself stays: a list's elements, or a quote's expression, can be looked at. */
export function spillParts(table: Table): Spilled {
  return spillBelow(table, true);
}

function spillBelow(table: Table, keepRoot: boolean): Spilled {
  if (!exceedsInline(table)) return { table, large: new Map() };
  const concrete = concreteNodes(table);
  const hashAt = hashesAskedOf(table);
  const large = new Map<Hash, Table>();
  const builder = new TableBuilder();
  const places: Index[] = [];
  const takeOut = (index: Index): Index => {
    const known = places[index];
    if (known !== undefined) return known;
    const place = takenOut(index);
    places[index] = place;
    return place;
  };
  const takenOut = (index: Index): Index => {
    const part = subtable(table, index);
    if (!exceedsInline(part) || isKind(rootOf(part), 'ref')) return builder.addTable(part);
    const hash = hashAt(index);
    large.set(hash, part);
    return builder.add(refTo(hash, part));
  };
  const place = (index: Index): Index => placeBelow(index, 0);
  const placeBelow = (index: Index, causes: number): Index => {
    const node = nodeAt(table, index);
    if (isKind(node, 'error') && causes <= CAUSES_KEPT) {
      const field = (part: Index) => placeBelow(part, causes + 1);
      return builder.add(mapChildren(node, (extras) => builder.add(mapChildren(nodeAt(table, extras), field))));
    }
    return staysReadable(node) ? builder.add(mapChildren(node, takeOut)) : takeOut(index);
  };
  table.forEach((node, index) => {
    if (!concrete[index]) places[index] = builder.add(mapChildren(node, place));
  });
  const root = rootOf(table);
  const top = keepRoot && !isKind(root, 'error') ? builder.add(mapChildren(root, place)) : place(table.length - 1);
  return { table: builder.build(top), large };
}

/** Whether the table is larger than what may be held inline, without spelling out all of a huge one. */
export function exceedsInline(table: Table): boolean {
  let bytes = 2;
  for (const node of table) {
    bytes += 1 + JSON.stringify(node).length;
    if (bytes > INLINE_VALUE_BYTES_MAX) return true;
  }
  return false;
}

function refTo(hash: Hash, table: Table): Node {
  const leaves = leavesOf(table);
  const hasLeaves = leaves.files.length + leaves.tasks.length + leaves.refs.length > 0;
  const places = placesOf(table);
  const hasPlaces = places.targets.length + places.refs.length > 0;
  const flags =
    (hasLeaves ? REF_HAS_LEAVES : 0) | (table.some(isOpen) ? REF_HAS_OPEN : 0) | (hasPlaces ? REF_HAS_PLACES : 0);
  return ['ref', hash, JSON.stringify(table).length, flags];
}

/** The hashes of the large values the table refers to. */
export function refsOf(table: Table): Hash[] {
  return table.flatMap((node) => refIn(node)?.hash ?? []);
}

/** The table with the references in `large` replaced by what they stand for. */
export function withLarge(table: Table, large: ReadonlyMap<Hash, Table>): Table {
  if (refsOf(table).length === 0) return table;
  const builder = new TableBuilder();
  const places: Index[] = [];
  for (const node of table) {
    const whole = isKind(node, 'ref') ? large.get(node[1]) : undefined;
    places.push(whole ? builder.addTable(whole) : builder.add(moved(node, places)));
  }
  return builder.build(last(places));
}
