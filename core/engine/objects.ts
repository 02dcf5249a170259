/** What the engine keeps in the object store, and under which keys. All of it is JSON, gzipped, except bundles and specs. */

import { refsOf, withLarge } from '../values/contents.ts';
import { digest, digestBytes } from '../values/hash.ts';
import type { Hash } from '../values/ids.ts';
import { stored } from '../values/json.ts';
import { hashOf, type Table } from '../values/table.ts';
import { unzipped, zipped } from './gzip.ts';
import type { Objects } from './ports.ts';

export const keys = {
  value: (hash: Hash) => `values/${hash}`,
  spec: (hash: Hash) => `specs/${hash}`,
  bundle: (hash: Hash) => `bundles/${hash}.mjs`,
  program: (hash: Hash) => `bundles/${hash}.json`,
  deployed: 'bundles/deployed.json',
  done: (run: string, segment: Hash) => `done/${run}/${segment}`,
  snapshot: (run: string, sequence: number) => `snapshots/${run}/${sequence}`,
};

/** No part begins with a dot, so a key climbs nowhere and meets no file that is still being written. */
const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/;

/** The key itself; throws on what no object store takes. */
export function checkKey(key: string): string {
  if (!KEY.test(key)) throw new Error(`not a key of the object store: ${JSON.stringify(key)}`);
  return key;
}

/** Of one object's JSON, before compression: a few KB of gzip can be made to hold more than a process has memory. */
export const JSON_BYTES_MAX = 256 * 1024 * 1024;

/** Throws when the JSON is larger than any reader would take. */
function zippedJson(key: string, value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  if (json.length > JSON_BYTES_MAX) {
    throw new RangeError(`${key} would hold ${json.length} bytes of JSON, and ${JSON_BYTES_MAX} is the most`);
  }
  return zipped(json);
}

function jsonOf<T>(bytes: Uint8Array): T {
  return stored(unzipped(bytes, JSON_BYTES_MAX).toString());
}

/** Of a sealed object: a digest of its key and of what follows. */
const SEAL_BYTES = 40;

/** The object for JSON whose key does not say what is in it, and which is checked all the same when it is read. */
export function sealed(key: string, value: unknown): Buffer {
  const zipped = zippedJson(key, value);
  return Buffer.concat([Buffer.from(sealOf(key, zipped)), zipped]);
}

export async function putSealed(objects: Objects, key: string, value: unknown): Promise<void> {
  await objects.put(key, sealed(key, value));
}

/** Throws ValueGone when there is no such object, ValueDamaged when there is something else. */
export async function getSealed<T = unknown>(objects: Objects, key: string): Promise<T> {
  const bytes = await objects.get(key);
  if (!bytes) throw new ValueGone(`the object ${key} is gone from the object store`);
  const zipped = bytes.subarray(SEAL_BYTES);
  if (Buffer.from(bytes.subarray(0, SEAL_BYTES)).toString() !== sealOf(key, zipped)) {
    throw new ValueDamaged(`the object store holds something else under ${key}`);
  }
  return jsonOf(zipped);
}

function sealOf(key: string, bytes: Uint8Array): Hash {
  return digest('sealed', `${key} ${digestBytes(bytes)}`);
}

/** Writes large values, each under its own hash. */
export async function putLarge(objects: Objects, large: ReadonlyMap<Hash, Table>): Promise<void> {
  const put = ([hash, table]: [Hash, Table]) => objects.put(keys.value(hash), zippedJson(keys.value(hash), table));
  await Promise.all([...large].map(put));
}

/** A large value is no longer in the store: whatever needs it fails, and trying again will not help. */
export class ValueGone extends Error {
  override readonly name: string = 'ValueGone';
}

/** What the store has under a value's hash is something else: for whoever needs the value it is gone. */
export class ValueDamaged extends ValueGone {
  override readonly name = 'ValueDamaged';
}

/**
 * The table with every large value put back, at any depth. `known` are values that may not be stored yet.
 * Throws ValueGone when one is gone from the store, ValueDamaged when it has another under that hash.
 */
export async function loadLarge(
  objects: Objects,
  table: Table,
  known: ReadonlyMap<Hash, Table> = new Map(),
): Promise<Table> {
  let whole = table;
  for (let refs = refsOf(whole); refs.length > 0; refs = refsOf(whole)) {
    const loaded = await Promise.all(
      [...new Set(refs)].map(async (hash) => [hash, known.get(hash) ?? (await loadValue(objects, hash))] as const),
    );
    whole = withLarge(whole, new Map(loaded));
  }
  return whole;
}

/** The value of that hash, parts of it by reference; it is checked. Throws ValueGone or ValueDamaged. */
export async function loadValue(objects: Objects, hash: Hash): Promise<Table> {
  const bytes = await objects.get(keys.value(hash));
  if (!bytes) throw new ValueGone(`the value ${hash} is gone from the object store`);
  const value = parsedValue(bytes, hash);
  if (!value) throw new ValueDamaged(`the object store holds something else under the value ${hash}`);
  return value;
}

function parsedValue(bytes: Uint8Array, hash: Hash): Table | undefined {
  try {
    const table = jsonOf<Table>(bytes);
    return hashOf(table) === hash ? table : undefined;
  } catch {
    // No gzip, no JSON, or no table.
    return undefined;
  }
}
