/** What becomes of a script's outputs. */
import { mapConcurrent } from '../../core/disk/concurrent.ts';
import { LOOKS_AT_ONCE, TRANSFERS_AT_ONCE } from '../../core/files/concurrency.ts';
import { placeFinder } from '../../core/files/contained.ts';
import { outputMissing } from '../../core/files/errors.ts';
import { checkOutput, checkPlace, type Output, stageOut } from '../../core/files/staging.ts';
import { versionNow, type Written } from '../../core/files/store.ts';
import type { Stores } from '../../core/files/stores.ts';
import { isKind, type NodeOfKind } from '../../core/values/nodes.ts';
import { clashOf, type Target } from '../../core/values/places.ts';
import { at, last } from '../../core/values/present.ts';
import { type Index, mapChildren, type Node, type Table, TableBuilder } from '../../core/values/table.ts';
import { JobFailure } from './failures.ts';

type PlaceNode = NodeOfKind<'place'>;

export function wantsStdout(outputs: Table): boolean {
  return outputs.some((node) => isKind(node, 'stdout'));
}

/**
 * Copies what the script made to where it belongs, and gives the outputs with files in the place of places and text in
 * the place of stdout. OutputMissing, before anything is copied, when it did not make all of it.
 */
export async function takeOut(
  outputs: Table,
  folder: string,
  stores: Stores,
  stdout: string,
  signal: AbortSignal,
): Promise<{ value: Table; bytes: number }> {
  const places = outputs.filter((node) => isKind(node, 'place'));
  const staged = places.map(outputOf).filter((output) => output !== undefined);
  await mapConcurrent(staged, TRANSFERS_AT_ONCE, (output) => checkOutput(output, folder));
  await checkApart(places, stores);
  await mapConcurrent(staged, TRANSFERS_AT_ONCE, (output) => checkPlace(stores, output, folder));
  const written = await mapConcurrent(places, TRANSFERS_AT_ONCE, (place) => fill(place, folder, stores, signal));
  const versions = new Map<Node, string>(places.map((place, index) => [place, written[index]?.version ?? '']));
  const value = rebuilt(outputs, (node) => {
    if (isKind(node, 'stdout')) return stdout;
    return isKind(node, 'place') ? [node[1], node[2], versions.get(node) ?? null] : node;
  });
  return { value, bytes: written.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Places that are spelled apart may be one by way of links, or where the file system takes no notice of case. */
async function checkApart(places: readonly PlaceNode[], stores: Stores): Promise<void> {
  const placeOf = placeFinder();
  const placed = await mapConcurrent(places, LOOKS_AT_ONCE, async ([, , location, name]): Promise<[Target, Target]> => {
    const path = stores(location).path?.(location);
    return [
      { location: path === undefined ? location : await placeOf(path), name },
      { location, name },
    ];
  });
  const asWritten = new Map(placed);
  const clash = clashOf([...asWritten.keys()]);
  if (!clash) return;
  const [first, second] = clash.map((target) => asWritten.get(target)?.location ?? target.location);
  const why = 'are one place by way of links or of case, or one lies in the other: each output needs its own';
  throw new JobFailure('OutputConflict', `outputs: ${first} and ${second} ${why}`);
}

async function fill(place: PlaceNode, folder: string, stores: Stores, signal: AbortSignal): Promise<Written> {
  const output = outputOf(place);
  if (output) return await stageOut(stores, output, folder, signal);
  const [, kind, location] = place;
  const version = await versionNow(stores(location), { kind, location });
  if (version === undefined) throw outputMissing(location, 'it was not there when the script had ended');
  return { version, bytes: 0 };
}

/** undefined for a place that the script writes by itself. */
function outputOf([, kind, location, name]: PlaceNode): Output | undefined {
  return name === null ? undefined : { kind, location, name };
}

function rebuilt(table: Table, replace: (node: Node) => Node): Table {
  const builder = new TableBuilder();
  const moved: Index[] = [];
  for (const node of table) moved.push(builder.add(mapChildren(replace(node), (child) => at(moved, child))));
  return builder.build(last(moved));
}
