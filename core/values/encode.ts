/** JavaScript values and expressions to tables. */
import { Dir, expressionOf, File, Place, Quote, STDOUT, Staging, taskOf } from './classes.ts';
import { errorClasses, errorExtras } from './errors.ts';
import { isObject } from './guards.ts';
import { isKind } from './nodes.ts';
import { at, present } from './present.ts';
import { childrenOf, type Index, mapChildren, type NodeOf, type Table, TableBuilder } from './table.ts';

/** A value that has no encoding; the message names the value and the path to it. */
export class NotEncodable extends Error {
  override readonly name = 'NotEncodable';
}

/**
 * Encodes a value, an expression, or any nesting of them. Iterative, so depth is bounded by memory alone. An object met
 * twice is encoded once. Throws NotEncodable for functions, class instances, symbols, cycles and lone surrogates.
 */
export function encode(root: unknown): Table {
  const builder = new TableBuilder();
  const done = new Map<object, Index>();
  const open = new Set<object>();
  const frames: Frame[] = [];
  let result: Index | undefined;

  const enter = (value: unknown): Index | undefined => {
    const identity = identityOf(value);
    const known = identity && done.get(identity);
    if (known !== undefined) return known;
    const node = nodeOf(value, () => pathOf(frames));
    const children = childrenOf(node);
    if (children.length === 0) return builder.add(mapChildren(node, () => 0));
    if (identity && open.has(identity))
      throw new NotEncodable(`a value that contains itself cannot be encoded, at ${pathOf(frames)}`);
    if (identity) open.add(identity);
    frames.push({ identity, node, children, places: [] });
    return undefined;
  };

  result = enter(root);
  for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
    if (result !== undefined) {
      frame.places.push(result);
      result = undefined;
    }
    if (frame.places.length < frame.children.length) {
      result = enter(frame.children[frame.places.length]);
      continue;
    }
    frames.pop();
    const { places } = frame;
    let next = 0;
    result = builder.add(mapChildren(frame.node, () => at(places, next++)));
    if (frame.identity) {
      open.delete(frame.identity);
      done.set(frame.identity, result);
    }
  }
  return builder.build(present(result, 'node for the value'));
}

interface Frame {
  readonly identity: object | undefined;
  readonly node: NodeOf<unknown>;
  readonly children: readonly unknown[];
  readonly places: Index[];
}

function identityOf(value: unknown): object | undefined {
  return isObject(value) ? (expressionOf(value) ?? value) : undefined;
}

/** The node for a value, with JavaScript values as its children. */
function nodeOf(value: unknown, path: () => string): NodeOf<unknown> {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed())
        throw new NotEncodable(`a string with a lone surrogate cannot be encoded, at ${path()}`);
      return value;
    case 'boolean':
      return value;
    case 'number':
      return numberNode(value);
    case 'bigint':
      return ['bigint', value.toString()];
    case 'undefined':
      return ['undefined'];
    case 'symbol':
      if (value === STDOUT) return ['stdout'];
      throw new NotEncodable(`a symbol cannot be encoded, at ${path()}`);
    case 'object':
    case 'function':
      return value === null ? null : objectNode(value, path);
  }
}

function numberNode(value: number): NodeOf<never> {
  if (Object.is(value, -0)) return ['number', '-0'];
  if (Number.isFinite(value)) return value;
  return ['number', Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'];
}

function objectNode(value: object, path: () => string): NodeOf<unknown> {
  const expression = expressionOf(value);
  if (expression) {
    return expression.kind === 'call'
      ? ['call', expression.name, trimmed(expression.args), expression.options ?? null]
      : [expression.kind, expression.name, expression.args];
  }
  const task = taskOf(value);
  if (task) return ['task', task.name, task.bound];
  if (value instanceof File) return ['file', checked(value.location, path), value.version ?? null];
  if (value instanceof Dir) return ['dir', checked(value.location, path), value.version ?? null];
  if (value instanceof Staging) return ['stage', value.source, checked(value.name, path), value.how];
  if (value instanceof Place) return ['place', value.kind, checked(value.location, path), value.name ?? null];
  if (value instanceof Quote) return ['quote', value.expression];
  if (value instanceof Error) {
    return [
      'error',
      String(value.name).toWellFormed(),
      errorClasses(value),
      String(value.message).toWellFormed(),
      errorExtras(value),
    ];
  }
  return builtInNode(value, path) ?? recordNode(value, path);
}

/** Subclasses of built-in classes are refused: they would come back as something else. */
function builtInNode(value: object, path: () => string): NodeOf<unknown> | undefined {
  const node = collectionNode(value);
  if (node && !BUILT_IN.has(className(value))) throw instanceRefused(value, path);
  return node;
}

function collectionNode(value: object): NodeOf<unknown> | undefined {
  if (Array.isArray(value)) return ['list', Array.from(value)];
  if (value instanceof Date) return ['date', Number.isNaN(value.getTime()) ? null : value.getTime()];
  if (value instanceof Uint8Array) {
    return ['bytes', Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')];
  }
  if (value instanceof Map) return ['map', [...value.keys()], [...value.values()]];
  return value instanceof Set ? ['set', [...value]] : undefined;
}

function recordNode(value: object, path: () => string): NodeOf<unknown> {
  if (typeof value === 'function') {
    throw new NotEncodable(
      `the function ${value.name || '(anonymous)'} cannot be encoded; make it a task, at ${path()}`,
    );
  }
  if (value instanceof Promise) {
    throw new NotEncodable(`a promise cannot be encoded; await it or return it by itself, at ${path()}`);
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && className(value) !== 'Object') throw instanceRefused(value, path);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw instanceRefused(value, path);
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw new NotEncodable(`a property named by a symbol cannot be encoded, at ${path()}`);
  }
  const fields = Object.entries(value).sort(([a], [b]) => byCodeUnit(a, b));
  return ['record', fields.map(([key]) => checked(key, path)), fields.map(([, field]) => field)];
}

/** By name, since a value may come from another realm. */
function className(value: object): string {
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'a class';
}

function instanceRefused(value: object, path: () => string): NotEncodable {
  return new NotEncodable(`an instance of ${className(value)} cannot be encoded, at ${path()}`);
}

const BUILT_IN: ReadonlySet<string> = new Set(['Array', 'Map', 'Set', 'Date', 'Uint8Array', 'Buffer']);

function checked(text: string, path: () => string): string {
  if (!text.isWellFormed()) throw new NotEncodable(`a string with a lone surrogate cannot be encoded, at ${path()}`);
  return text;
}

/** `f(a)` and `f(a, undefined)` are the same call. */
function trimmed(args: readonly unknown[]): readonly unknown[] {
  let length = args.length;
  while (length > 0 && args[length - 1] === undefined) length--;
  return args.slice(0, length);
}

export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function pathOf(frames: readonly Frame[]): string {
  const steps = frames.map(({ node, places }) => {
    if (isKind(node, 'record')) return `.${node[1][places.length]}`;
    if (isKind(node, 'call')) return ` › argument ${places.length + 1} of ${node[1]}`;
    return `[${places.length}]`;
  });
  return `value${steps.join('')}`;
}
