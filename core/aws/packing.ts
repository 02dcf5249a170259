/**
 * JSON inside items: gzipped; as a binary attribute while it is small, else in the object store with its key as a
 * string attribute. The attribute's type says which. The key ends in the hash of the object's bytes, which are checked
 * when they are read.
 *
 * 1. The object is written before the item that names it.
 * 2. Every item carries the version of its format; a version from the future is refused, never guessed at.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unzipped, zipped } from '../engine/gzip.ts';
import { JSON_BYTES_MAX } from '../engine/objects.ts';
import type { Objects } from '../engine/ports.ts';
import { digestBytes } from '../values/hash.ts';
import { stored } from '../values/json.ts';

export type Item = Record<string, AttributeValue>;

/** Journal entries and summaries above this, compressed, go to the object store: a read unit is 4 KB, an item 400 KB. */
export const BODY_BYTES_MAX = 16 * 1024;
/** Expressions, values and outcomes: a hundred of them are read at once, and a batch read gives at most 16 MB. */
export const PART_BYTES_MAX = 8 * 1024;

/** The attribute for `value`; `key` is how the name begins that it gets when it is larger than `bytesMax`. */
export async function pack(objects: Objects, key: string, value: unknown, bytesMax: number): Promise<AttributeValue> {
  const json = Buffer.from(JSON.stringify(value));
  if (json.length > JSON_BYTES_MAX) throw new RangeError(`${key} would hold ${json.length} bytes of JSON`);
  const bytes = zipped(json);
  if (bytes.length <= bytesMax) return { B: bytes };
  const name = `${key}-${digestBytes(bytes)}`;
  await objects.put(name, bytes);
  return { S: name };
}

/** What an item's attribute says, or the object that it names, is gone or is not what was written. */
export class Damaged extends Error {}

/** What `pack` was given. Throws Damaged. */
export async function unpack<T>(objects: Objects, attribute: AttributeValue | undefined): Promise<T> {
  const bytes = attribute?.B ?? (await objects.get(textOf(attribute)));
  if (!bytes) throw new Damaged(`the object ${attribute?.S} is gone from the object store`);
  if (attribute?.S !== undefined && !attribute.S.endsWith(`-${digestBytes(bytes)}`)) {
    throw new Damaged(`the object store holds something else under ${attribute.S}`);
  }
  try {
    return stored<T>(unzipped(bytes, JSON_BYTES_MAX).toString());
  } catch (cause) {
    throw new Damaged(`${attribute?.S ? `the object ${attribute.S}` : 'the item'} is damaged`, { cause });
  }
}

const FORMAT = 1;

export const VERSION: Item = { v: { N: String(FORMAT) } };

/** Throws when the item was written by a newer format. `what` names it in the message. */
export function checkVersion(what: string, item: Item): void {
  const version = numberOf(item.v);
  if (version > FORMAT) {
    throw new Error(`${what} has format ${version}; this version of redex reads up to ${FORMAT}: deploy a newer one`);
  }
}

export function textOf(attribute: AttributeValue | undefined): string {
  if (attribute?.S === undefined) throw new Error('an item lacks a text attribute it was written with');
  return attribute.S;
}

export function numberOf(attribute: AttributeValue | undefined): number {
  if (attribute?.N === undefined) throw new Error('an item lacks a number attribute it was written with');
  return Number(attribute.N);
}
