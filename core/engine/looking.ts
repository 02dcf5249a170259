/** Looks at the files that tables name. What cannot be seen is an error of whoever needs it, and of nobody else. */
import { openLeavesOf, withVersions } from '../values/contents.ts';
import type { WebSettings } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import type { Files, Seen, TaskResult } from './ports.ts';

type Place = { readonly kind: 'file' | 'dir'; readonly location: string };

/** By location; each is looked at once. */
export async function lookAt(
  files: Files,
  places: readonly Place[],
  web: WebSettings | undefined,
): Promise<Map<string, Seen>> {
  const distinct = [...new Map(places.map((place) => [place.location, place])).values()];
  if (distinct.length === 0) return new Map();
  const seen = await files.observe(distinct, web);
  return new Map(distinct.map(({ location }, at) => [location, seen[at] as Seen]));
}

/** The table with the file literals of its data part as they were seen; the first one that was not is its error. */
export function withSeen(table: Table, seen: ReadonlyMap<string, Seen>): TaskResult {
  for (const { location } of openLeavesOf(table).files) {
    const found = seen.get(location);
    if (found !== undefined && typeof found !== 'string') return { ok: false, error: found.unseen };
  }
  return { ok: true, table: withVersions(table, (location) => seen.get(location) as string | undefined) };
}
