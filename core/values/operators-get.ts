/** Reading a part of a value: the operator behind property and index access. */
import { encode } from './encode.ts';
import { isScalar } from './nodes.ts';
import { hashesOf, hashOf, type Index, type Node, rootOf, subtable, type Table, UNDEFINED } from './table.ts';

/** The part of `container` that `key` names, or undefined where there is none. Throws for undefined and null, as JavaScript does. */
export function get(container: Table, key: Table): Table {
  const root = rootOf(container);
  const name = rootOf(key);
  const shown = typeof name === 'string' || typeof name === 'number' ? JSON.stringify(name) : 'a property';
  if (root === null) throw new TypeError(`cannot read ${shown} of null`);
  if (typeof root === 'string') return ofString(root, name);
  if (isScalar(root)) return UNDEFINED;
  switch (root[0]) {
    case 'undefined':
      throw new TypeError(`cannot read ${shown} of undefined`);
    case 'record':
      return child(container, root[2][root[1].indexOf(String(name))]);
    case 'list':
      return name === 'length' ? [root[1].length] : child(container, indexIn(root[1], name));
    case 'map':
      return name === 'size' ? [root[1].length] : ofMap(container, root[1], root[2], key);
    case 'set':
      return name === 'size' ? [root[1].length] : UNDEFINED;
    case 'file':
    case 'dir':
      return ofFile(root[1], root[2], name);
    case 'stage':
      if (name === 'source') return subtable(container, root[1]);
      return name === 'name' ? [root[2]] : UNDEFINED;
    case 'error':
      if (name === 'name') return [root[1]];
      return name === 'message' ? [root[3]] : get(subtable(container, root[4]), key);
    case 'bytes':
      return name === 'length' ? [Buffer.from(root[1], 'base64').length] : UNDEFINED;
    case 'call':
    case 'op':
    case 'form':
    case 'ref':
      throw new TypeError(`cannot read ${shown} of what is not a value yet`);
    case 'number':
    case 'bigint':
    case 'date':
    case 'place':
    case 'stdout':
    case 'task':
    case 'quote':
      return UNDEFINED;
  }
}

function child(container: Table, index: Index | undefined): Table {
  return index === undefined ? UNDEFINED : subtable(container, index);
}

function indexIn<T>(members: ArrayLike<T>, name: Node): T | undefined {
  return typeof name === 'number' || (typeof name === 'string' && /^(0|[1-9]\d*)$/.test(name))
    ? members[Number(name)]
    : undefined;
}

function ofString(text: string, name: Node): Table {
  if (name === 'length') return [text.length];
  const unit = indexIn(text, name);
  return unit === undefined ? UNDEFINED : encode(unit);
}

function ofFile(location: string, version: string | null, name: Node): Table {
  if (name === 'location') return [location];
  if (name === 'name') return [location.split('/').filter(Boolean).at(-1) ?? ''];
  return name === 'version' && version !== null ? [version] : UNDEFINED;
}

function ofMap(container: Table, keys: readonly Index[], values: readonly Index[], key: Table): Table {
  const hashes = hashesOf(container);
  const wanted = hashOf(key);
  return child(container, values[keys.findIndex((index) => hashes[index] === wanted)]);
}
