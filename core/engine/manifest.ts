/**
 * Job specs in the object store. One object a submission: where each part begins (4 bytes each, big-endian, from the
 * object's start, one more for the end), then the parts. A part is a spec, gzipped JSON by itself, after the digests that
 * lead from it to the object's name, which is the root of a hash tree: so a child of an array reads only its own part,
 * and knows that it is the one that was written.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import { digest, digestBytes } from '../values/hash.ts';
import { type Hash, hashNamed } from '../values/ids.ts';
import { stored } from '../values/json.ts';
import { at, last } from '../values/present.ts';
import { keys } from './objects.ts';
import type { Objects } from './ports.ts';
import type { JobSpec } from './spec.ts';

const OFFSET_BYTES = 4;
const DIGEST_BYTES = 20;

/** Stores the specs under the root of their hash tree, which it gives. */
export async function putSpecs(objects: Objects, specs: readonly JobSpec[]): Promise<Hash> {
  const zipped = specs.map((spec) => gzipSync(JSON.stringify(spec)));
  const levels = treeOf(zipped.map(leafOf));
  const parts = zipped.map((bytes, index) => Buffer.concat([pathOf(levels, index), bytes]));
  const header = Buffer.alloc((parts.length + 1) * OFFSET_BYTES);
  let offset = header.length;
  for (const [index, part] of parts.entries()) {
    header.writeUInt32BE(offset, index * OFFSET_BYTES);
    offset += part.length;
  }
  header.writeUInt32BE(offset, parts.length * OFFSET_BYTES);
  const root = at(last(levels), 0);
  await objects.put(keys.spec(root), Buffer.concat([header, ...parts]));
  return root;
}

/**
 * The spec at `index` of the object. Throws when there is no such object or spec, when it is not what was written, or
 * when it is of a newer version.
 */
export async function readSpec(objects: Objects, key: string, index: number): Promise<JobSpec> {
  const place = index * OFFSET_BYTES;
  const offsets = await objects.get(key, { start: place, end: place + 2 * OFFSET_BYTES });
  if (!offsets) throw new Error(`there is no job spec ${key} in the object store`);
  const part = await partAt(objects, key, Buffer.from(offsets));
  const bytes = part && bytesUnder(part, index, key);
  if (!bytes) throw new Error(`the object store holds something else under the job spec ${key} (${index})`);
  const spec = stored<JobSpec>(gunzipSync(bytes).toString());
  if (spec.v !== 1) throw new Error(`the job spec ${key} is of version ${spec.v}, this runner knows version 1`);
  return spec;
}

async function partAt(objects: Objects, key: string, offsets: Buffer): Promise<Buffer | undefined> {
  if (offsets.length < 2 * OFFSET_BYTES) return undefined;
  const [start, end] = [offsets.readUInt32BE(0), offsets.readUInt32BE(OFFSET_BYTES)];
  const part = start < end ? await objects.get(key, { start, end }) : undefined;
  return part && Buffer.from(part);
}

/** What of the part comes after its path, if that leads to the object's name. */
function bytesUnder(part: Buffer, index: number, key: string): Buffer | undefined {
  const length = part[0] ?? 0;
  const start = 1 + length * DIGEST_BYTES;
  if (part.length <= start) return undefined;
  const bytes = part.subarray(start);
  let root = leafOf(bytes, index);
  for (let level = 0; level < length; level++) {
    const place = 1 + level * DIGEST_BYTES;
    const sibling = hashNamed(part.subarray(place, place + DIGEST_BYTES).toString('hex'));
    root = isRight(index, level) ? parentOf(sibling, root) : parentOf(root, sibling);
  }
  return keys.spec(root) === key ? bytes : undefined;
}

function leafOf(bytes: Uint8Array, index: number): Hash {
  return digest('spec', `${index} ${digestBytes(bytes)}`);
}

function parentOf(left: Hash, right: Hash): Hash {
  return digest('specs', `${left} ${right}`);
}

/** Whether the node above the leaf, on that level, is the second of its two. */
function isRight(index: number, level: number): boolean {
  return (index >>> level) % 2 === 1;
}

/** From the leaves to the root; the last one of an odd level is paired with itself. */
function treeOf(leaves: readonly Hash[]): Hash[][] {
  const levels = [[...leaves]];
  for (let below = last(levels); below.length > 1; below = last(levels)) levels.push(levelAbove(below));
  return levels;
}

function levelAbove(below: readonly Hash[]): Hash[] {
  return Array.from({ length: Math.ceil(below.length / 2) }, (_, pair) => {
    const left = at(below, 2 * pair);
    return parentOf(left, below[2 * pair + 1] ?? left);
  });
}

/** Its length, and of each level below the root the digest beside the way to the leaf. */
function pathOf(levels: readonly Hash[][], index: number): Buffer {
  const path = levels.slice(0, -1).map((digests, level) => {
    const own = index >>> level;
    return digests[isRight(index, level) ? own - 1 : own + 1] ?? at(digests, own);
  });
  return Buffer.concat([Buffer.of(path.length), ...path.map((each) => Buffer.from(each, 'hex'))]);
}
