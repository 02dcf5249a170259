/**
 * Job specs in the object store. One object a submission: where each part begins (4 bytes each, big-endian, from the
 * object's start, one more for the end), then the specs, each gzipped JSON by itself, so that a child of an array reads
 * only its own.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { digestBytes, type Hash } from '../values/hash.ts';
import { keys } from './objects.ts';
import type { Objects } from './ports.ts';
import type { JobSpec } from './spec.ts';

const OFFSET_BYTES = 4;

/** Stores the specs under the hash of their bytes, which it gives. */
export async function putSpecs(objects: Objects, specs: readonly JobSpec[]): Promise<Hash> {
  const parts = specs.map((spec) => gzipSync(JSON.stringify(spec)));
  const header = Buffer.alloc((parts.length + 1) * OFFSET_BYTES);
  let at = header.length;
  for (const [index, part] of parts.entries()) {
    header.writeUInt32BE(at, index * OFFSET_BYTES);
    at += part.length;
  }
  header.writeUInt32BE(at, parts.length * OFFSET_BYTES);
  const bytes = Buffer.concat([header, ...parts]);
  const hash = digestBytes(bytes);
  await objects.put(keys.spec(hash), bytes);
  return hash;
}

/** The spec at `index` of the object. Throws when there is no such object or spec, or when it is of a newer version. */
export async function readSpec(objects: Objects, key: string, index: number): Promise<JobSpec> {
  const place = index * OFFSET_BYTES;
  const offsets = await objects.get(key, { start: place, end: place + 2 * OFFSET_BYTES });
  if (!offsets) throw new Error(`there is no job spec ${key} in the object store`);
  const view = Buffer.from(offsets);
  const [start, end] = [view.readUInt32BE(0), view.readUInt32BE(OFFSET_BYTES)];
  const part = await objects.get(key, { start, end });
  const spec = JSON.parse(gunzipSync(part ?? new Uint8Array()).toString()) as JobSpec;
  if (spec.v !== 1) throw new Error(`the job spec ${key} is of version ${spec.v}, this runner knows version 1`);
  return spec;
}
