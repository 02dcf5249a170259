/** A run's result for people, laid out as Python's pprint does, and as JSON for programs. */
import { isScalar, listIn, recordIn } from './nodes.ts';
import { at, last, present } from './present.ts';
import { childrenOf, hashesOf, type Index, mapChildren, type NodeOf, type Table } from './table.ts';

const WIDTH = 80;
const FILE_HASH_LENGTH = 8;
/** What begins further to the right stands on one line: nobody follows brackets so far, and each level is a call. */
const INDENT_MAX = 1000;
/** Deeper values are named in JSON, not written: JSON.stringify calls itself for each level. */
const JSON_DEPTH_MAX = 1000;
/** Longer values are not printed: nobody reads them, and shared parts can make a small table huge when written out. */
const PRINTED_LENGTH_MAX = 1_000_000;

/** The value on one line when it fits into 80 columns, else one line for each member of its dicts and lists. */
export function pretty(table: Table): string {
  const reprs: string[] = [];
  const hashes = hashesOf(table);
  for (const [index, node] of table.entries()) {
    const repr = reprOf(
      mapChildren<Index, string>(node, (child) => at(reprs, child)),
      at(hashes, index),
    );
    if (repr.length > PRINTED_LENGTH_MAX) return '<a value too large to print>';
    reprs.push(repr);
  }
  const root = table.length - 1;
  return layOut({ table, reprs }, root, 0, 0);
}

interface Drawn {
  readonly table: Table;
  readonly reprs: readonly string[];
}

/** `indent` is the column where the value begins, `allowance` what must still fit behind it. */
function layOut(drawn: Drawn, index: Index, indent: number, allowance: number): string {
  const repr = at(drawn.reprs, index);
  const node = at(drawn.table, index);
  if (indent > INDENT_MAX) return repr;
  if (repr.length <= WIDTH - indent - allowance) return repr;
  const record = recordIn(node);
  if (record) {
    const keys = record.keys.map((key) => `${quoted(key)}: `);
    return members(drawn, '{}', keys, record.values, indent, allowance);
  }
  const elements = listIn(node);
  return elements ? members(drawn, '[]', [], elements, indent, allowance) : repr;
}

function members(
  drawn: Drawn,
  brackets: '{}' | '[]',
  keys: readonly string[],
  values: readonly Index[],
  indent: number,
  allowance: number,
): string {
  const lines = values.map((value, position) => {
    const key = keys[position] ?? '';
    const isLast = position === values.length - 1;
    return key + layOut(drawn, value, indent + 1 + key.length, isLast ? allowance + 1 : 1);
  });
  return `${brackets[0]}${lines.join(`,\n${' '.repeat(indent + 1)}`)}${brackets[1]}`;
}

function reprOf(node: NodeOf<string>, hash: string): string {
  if (node === null) return 'None';
  if (typeof node === 'boolean') return node ? 'True' : 'False';
  if (typeof node === 'string') return quoted(node);
  if (typeof node === 'number') return String(node);
  switch (node[0]) {
    case 'undefined':
      return 'undefined';
    case 'number':
    case 'bigint':
      return node[1];
    case 'date':
      return `Date(${node[1] === null ? 'invalid' : new Date(node[1]).toISOString()})`;
    case 'bytes':
      return `<${Buffer.from(node[1], 'base64').length} bytes>`;
    case 'list':
      return `[${node[1].join(', ')}]`;
    case 'record':
      return `{${node[1].map((key, place) => `${quoted(key)}: ${node[2][place]}`).join(', ')}}`;
    case 'map':
      return `Map({${node[1].map((key, place) => `${key}: ${node[2][place]}`).join(', ')}})`;
    case 'set':
      return `Set([${node[1].join(', ')}])`;
    case 'file':
      return `File(path=${printables(node[1])}, hash=${hash.slice(0, FILE_HASH_LENGTH)})`;
    case 'dir':
      return `Dir(path=${printables(node[1])}, hash=${hash.slice(0, FILE_HASH_LENGTH)})`;
    case 'task':
      return `Task(${[node[1], ...node[2]].join(', ')})`;
    case 'error':
      return `${printables(node[1])}(${quoted(node[3])})`;
    case 'ref':
      return `<${node[2]} bytes of JSON, hash=${hash.slice(0, FILE_HASH_LENGTH)}>`;
    case 'stage':
    case 'place':
    case 'stdout':
    case 'quote':
    case 'call':
    case 'op':
    case 'form':
      return `<${node[0]}>`;
  }
}

/** A string as Python writes it: in single quotes, unless it holds some and no double ones. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let escaped = '';
  for (const char of text) escaped += char === quote || char === '\\' ? `\\${char}` : printable(char);
  return quote + escaped + quote;
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A name without quotes around it. */
function printables(text: string): string {
  return Array.from(text, printable).join('');
}

function printable(char: string): string {
  const code = present(char.codePointAt(0), 'character');
  if (code >= 0x20 && (code < 0x7f || code > 0xa0)) return char;
  return NAMED_ESCAPES[char] ?? `\\x${code.toString(16).padStart(2, '0')}`;
}

/** The value as JSON. Files and directories are their location and version; what JSON has no word for is text. */
export function plain(table: Table): unknown {
  const values: unknown[] = [];
  const depths: number[] = [];
  for (const node of table) {
    const depth = childrenOf(node).reduce((deepest, child) => Math.max(deepest, at(depths, child) + 1), 0);
    depths.push(depth);
    values.push(plainOf(mapChildren<Index, unknown>(node, (child) => values[child])));
  }
  const depth = last(depths);
  return depth > JSON_DEPTH_MAX ? `<a value nested ${depth} deep>` : values.at(-1);
}

function plainOf(node: NodeOf<unknown>): unknown {
  if (isScalar(node)) return node;
  switch (node[0]) {
    case 'undefined':
      return null;
    case 'list':
    case 'set':
      return node[1];
    case 'record':
      return Object.fromEntries(node[1].map((key, place) => [key, node[2][place]]));
    case 'map':
      return node[1].map((key, place) => [key, node[2][place]]);
    case 'date':
      return node[1] === null ? null : new Date(node[1]).toISOString();
    case 'file':
    case 'dir':
      return { location: node[1], version: node[2] };
    case 'error':
      return { name: node[1], message: node[3] };
    case 'ref':
      return { hash: node[1], bytes: node[2] };
    case 'number':
    case 'bigint':
    case 'bytes':
    case 'task':
      return node[1];
    case 'stage':
    case 'place':
    case 'stdout':
    case 'quote':
    case 'call':
    case 'op':
    case 'form':
      return node[0];
  }
}
