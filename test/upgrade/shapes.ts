/**
 * The shapes of all that is stored: every key and the type of what it holds, the tags of facts and nodes, attributes of items
 * and variables of jobs; no values. What has only shapes that a release wrote itself holds nothing that it does not know.
 */
import { gunzipSync } from 'node:zlib';
import { submitParams } from '../../core/aws/batch/requests.ts';
import type { SubmissionRequest } from '../../core/engine/executor.ts';
import { readSpec } from '../../core/engine/manifest.ts';
import type { Objects } from '../../core/engine/ports.ts';
import type { TestDynamo } from '../support/dynamo.ts';
import { type Item, itemsOf, type UpgradeWorld } from './recording.ts';

/** What was there before, and is not looked at: keys of objects, and items as JSON. */
type Known = ReadonlySet<string>;

export async function everything(dynamo: TestDynamo, { objects }: UpgradeWorld): Promise<Known> {
  const tables = await Promise.all(TABLES.map((table) => itemsOf(dynamo, table)));
  return new Set([...objects.stored.keys(), ...tables.flat().map((item) => JSON.stringify(item))]);
}

const TABLES = ['runs', 'cache', 'attempts'] as const;

/** Of all that is in the world but what is known; of jobs those from the `jobs`th on. */
export async function shapesOf(
  dynamo: TestDynamo,
  { objects, batch }: UpgradeWorld,
  known: Known = new Set(),
  jobs = 0,
): Promise<ReadonlySet<string>> {
  const shapes = new Set<string>();
  for (const table of TABLES) {
    for (const item of await itemsOf(dynamo, table)) {
      const kind = table === 'runs' ? (item.sort?.S?.startsWith('j#') ? 'entry' : item.sort?.S) : table;
      if (!known.has(JSON.stringify(item))) noteItem(shapes, kind ?? table, item, objects.stored);
    }
  }
  const formats = snapshotFormats(objects.stored, known);
  for (const [key, bytes] of objects.stored)
    if (!known.has(key)) await noteObject(shapes, key, bytes, objects, formats);
  for (const { request } of batch.jobs.slice(jobs)) noteRequest(shapes, request);
  return shapes;
}

const TAG = /^[a-z][A-Za-z]{1,15}$/;
const NAME = /^[a-z][A-Za-z]*$/;

/** Keys that are names of tasks, hashes or text of the user's come to `*`; lists whose first member is a tag are told apart by it. */
function noteShapes(into: Set<string>, path: string, value: unknown): void {
  if (Array.isArray(value)) {
    const [tag] = value;
    if (typeof tag === 'string' && TAG.test(tag)) {
      into.add(`${path}<${tag}>`);
      for (const [at, each] of value.slice(1).entries()) noteShapes(into, `${path}<${tag}>${at + 1}`, each);
    } else for (const each of value) noteShapes(into, `${path}[]`, each);
  } else if (typeof value === 'object' && value !== null) {
    const { type } = value as { readonly type?: unknown };
    const place = typeof type === 'string' && TAG.test(type) ? `${path}{${type}}` : path;
    into.add(place);
    for (const [key, each] of Object.entries(value)) noteShapes(into, `${place}.${NAME.test(key) ? key : '*'}`, each);
  } else into.add(`${path}: ${value === null ? 'null' : typeof value}`);
}

/** An item's attributes; those that are packed JSON by what is in them. `kind`: of the item. */
function noteItem(into: Set<string>, kind: string, item: Item, stored: ReadonlyMap<string, Uint8Array>): void {
  for (const [name, attribute] of Object.entries(item)) {
    const [[type, value] = ['', undefined]] = Object.entries(attribute);
    // The version of the format is what a reader asks for first.
    into.add(`${kind}.${name} ${type}${name === 'v' ? ` ${String(value)}` : ''}`);
    const packed = attribute.B ?? (attribute.S === undefined ? undefined : stored.get(attribute.S));
    if (packed) noteShapes(into, `${kind}.${name}`, jsonOf(packed));
  }
}

const SEAL_BYTES = 40;

function jsonOf(bytes: Uint8Array): unknown {
  return JSON.parse(gunzipSync(bytes).toString());
}

interface StoredSnapshot {
  readonly format: number;
}

function snapshotIn(bytes: Uint8Array): StoredSnapshot {
  return jsonOf(bytes.subarray(SEAL_BYTES)) as StoredSnapshot;
}

/** Of the snapshots that were there before: the formats that whoever wrote them knows. */
function snapshotFormats(stored: ReadonlyMap<string, Uint8Array>, known: Known): ReadonlySet<number> {
  const before = [...stored].filter(([key]) => key.startsWith('snapshots/') && known.has(key));
  return new Set(before.map(([, bytes]) => snapshotIn(bytes).format));
}

/**
 * An object by the folder it lies in. A snapshot of another format than those `formats` is ignored by who does not know it: of it,
 * what is looked at is noted.
 */
async function noteObject(
  into: Set<string>,
  key: string,
  bytes: Uint8Array,
  objects: Objects,
  formats: ReadonlySet<number>,
): Promise<void> {
  const [folder = ''] = key.split('/');
  into.add(`${folder}/`);
  switch (folder) {
    case 'values':
      return noteShapes(into, folder, jsonOf(bytes));
    case 'snapshots': {
      const snapshot = snapshotIn(bytes);
      const isKnown = formats.size === 0 || formats.has(snapshot.format);
      return noteShapes(into, folder, isKnown ? snapshot : { format: snapshot.format });
    }
    case 'done':
      return noteShapes(into, folder, jsonOf(bytes.subarray(SEAL_BYTES)));
    case 'bundles':
      return key.endsWith('.json') ? noteShapes(into, folder, jsonOf(bytes.subarray(SEAL_BYTES))) : undefined;
    case 'specs': {
      // One offset of 4 bytes for each, and one for the end.
      const count = Buffer.from(bytes).readUInt32BE(0) / 4 - 1;
      for (let at = 0; at < count; at++) noteShapes(into, folder, await readSpec(objects, key, at));
      return;
    }
    default:
    // What items name is noted with them.
  }
}

/** What a job's container is told. */
function noteRequest(into: Set<string>, request: SubmissionRequest): void {
  const settings = {
    stack: 'test',
    store: 's3://b',
    attemptsTable: 'a',
    filesRoot: undefined,
    queue: 'q',
    local: false,
  };
  const given = { queue: 'q', definition: 'd', requirements: [{ type: 'VCPU', value: '1' } as const] };
  const params = submitParams(
    { ...settings, image: 'i', jobRole: 'r', executionRole: 'e', logGroup: 'l' },
    request,
    given,
  );
  for (const { name } of params.containerOverrides?.environment ?? []) into.add(`job: ${name}`);
}
