/** The operators that compute on decoded values. Arithmetic and comparison are JavaScript's, on primitive values and dates. */
import { Dir, File, type StageOptions } from './classes.ts';
import { byCodeUnit } from './encode.ts';
import { isRecord } from './guards.ts';
import { argvText, dedent, shellText } from './shell.ts';
import { placeOf } from './staging.ts';

type Operation = (...operands: unknown[]) => unknown;

/** A primitive, or a date, on which JavaScript's operators mean something. */
// biome-ignore lint/suspicious/noExplicitAny: JavaScript's operators are defined on all primitives; TypeScript's are not.
type Primitive = any;

function primitive(operator: string, value: unknown): Primitive {
  if (value instanceof Date) return value.getTime();
  if ((typeof value === 'object' && value !== null) || typeof value === 'symbol' || typeof value === 'function') {
    throw new TypeError(`${operator}: ${describe(value)} is not a number or text`);
  }
  return value;
}

function unary(operator: string, compute: (a: Primitive) => unknown): Operation {
  return (a) => compute(primitive(operator, a));
}

function binary(operator: string, compute: (a: Primitive, b: Primitive) => unknown): Operation {
  return (a, b) => compute(primitive(operator, a), primitive(operator, b));
}

/** What a value is, for a message. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'symbol') return 'the standard output';
  if (typeof value === 'function') return 'a task';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return name === undefined || name === 'Object' ? 'a record' : `a ${name}`;
}

function listOrThrow(operator: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${operator}: ${describe(value)} is not a list`);
  return value;
}

function entriesOf(operator: string, value: unknown): [unknown, unknown][] {
  if (Array.isArray(value)) return value.map((member, index) => [index, member]);
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value].map((member) => [member, member]);
  if (isRecord(value)) {
    return Object.keys(value)
      .sort(byCodeUnit)
      .map((key) => [key, value[key]]);
  }
  throw new TypeError(`${operator}: ${describe(value)} has no entries`);
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array) return value.length;
  return entriesOf('len', value).length;
}

function textOf(operator: string, value: unknown): string {
  if (value instanceof File || value instanceof Dir) return value.location;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if ((typeof value === 'object' && value !== null) || typeof value === 'symbol') {
    throw new TypeError(
      `${operator}: ${describe(value)} has no text of its own; take a part of it, or join(list, separator)`,
    );
  }
  return String(value);
}

function locationOf(value: unknown): string {
  if (value instanceof File || value instanceof Dir) return value.location;
  if (typeof value === 'string') return value;
  throw new TypeError(`a location is text, a file or a directory, not ${describe(value)}`);
}

function concat(...parts: unknown[]): unknown {
  if (parts.every((part) => Array.isArray(part))) return parts.flat();
  return parts.map((part) => textOf('concat', part)).join('');
}

function merge(...records: unknown[]): unknown {
  const merged = new Map<string, unknown>();
  for (const record of records) {
    if (!isRecord(record)) throw new TypeError(`merge: ${describe(record)} is not a record`);
    for (const [key, value] of Object.entries(record)) merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

function zip(...lists: unknown[]): unknown[][] {
  const all = lists.map((list) => listOrThrow('zip', list));
  const lengths = new Set(all.map((list) => list.length));
  if (lengths.size > 1)
    throw new RangeError(`zip: the lists have unequal lengths ${all.map((list) => list.length).join(', ')}`);
  return (all[0] ?? []).map((_, index) => all.map((list) => list[index]));
}

function slice(value: unknown, start: Primitive, end: Primitive): unknown {
  return typeof value === 'string' ? value.slice(start, end) : listOrThrow('slice', value).slice(start, end);
}

function stage(source: unknown, name: unknown, how: unknown): unknown {
  if (!(source instanceof File || source instanceof Dir))
    throw new TypeError(`stage: ${describe(source)} is not a file or directory`);
  const options: StageOptions = { copy: how === 'copy' };
  return name === undefined ? source.stage(source.name, options) : source.stage(textOf('stage', name), options);
}

/** Every place of a nested value, with `replace` applied to what is neither list nor record; first things first, however deep. */
function nested(value: unknown, replace: (leaf: unknown) => unknown): unknown {
  const made: { root?: unknown } = {};
  const open: { readonly value: unknown; readonly holder: object; readonly key: PropertyKey }[] = [
    { value, holder: made, key: 'root' },
  ];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value: found, holder, key } = next;
    // As its own property: a key may be called `__proto__`.
    const put = (copy: unknown) =>
      Object.defineProperty(holder, key, { value: copy, enumerable: true, writable: true, configurable: true });
    if (!Array.isArray(found) && !isRecord(found)) {
      put(replace(found));
      continue;
    }
    const copy = Array.isArray(found) ? new Array<unknown>(found.length) : {};
    put(copy);
    for (const [name, member] of Object.entries(found).reverse()) open.push({ value: member, holder: copy, key: name });
  }
  return made.root;
}

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  add: binary('add', (a, b) => a + b),
  sub: binary('sub', (a, b) => a - b),
  mul: binary('mul', (a, b) => a * b),
  div: binary('div', (a, b) => a / b),
  mod: binary('mod', (a, b) => a % b),
  pow: binary('pow', (a, b) => a ** b),
  neg: unary('neg', (a) => -a),
  lt: binary('lt', (a, b) => a < b),
  le: binary('le', (a, b) => a <= b),
  gt: binary('gt', (a, b) => a > b),
  ge: binary('ge', (a, b) => a >= b),
  and: (a, b) => a && b,
  or: (a, b) => a || b,
  not: (a) => !a,
  concat,
  len: lengthOf,
  keys: (value) => entriesOf('keys', value).map(([key]) => key),
  values: (value) => entriesOf('values', value).map(([, member]) => member),
  entries: (value) => entriesOf('entries', value),
  format: (parts, ...values) =>
    listOrThrow('text', parts)
      .map((part, index) => `${index === 0 ? '' : textOf('text', values[index - 1])}${part}`)
      .join(''),
  join: (list, separator = ',') =>
    listOrThrow('join', list)
      .map((member) => textOf('join', member))
      .join(textOf('join', separator)),
  slice,
  merge,
  zip,
  flatten: (list) => listOrThrow('flatten', list).flatMap((member) => listOrThrow('flatten', member)),
  record: (entries) => Object.fromEntries(listOrThrow('record', entries).map((entry) => listOrThrow('record', entry))),
  stage,
  file: (location) => new File(locationOf(location)),
  dir: (location) => new Dir(locationOf(location)),
  location: locationOf,
  dedent: (text) => dedent(textOf('script', text)),
  argv: (words) => argvText(listOrThrow('script', words)),
  sh: (parts, fillings, ...values) => {
    const texts = listOrThrow('sh', parts).map(String);
    return shellText(
      texts,
      listOrThrow('sh', fillings).map((filling) => (filling === 'raw' ? 'raw' : 'word')),
      values,
    );
  },
  outputs: (value) => nested(value, placeOf),
};
