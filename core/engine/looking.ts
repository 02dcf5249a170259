/** Looks at the files that tables name. What cannot be seen is an error of whoever needs it, and of nobody else. */
import { openLeavesOf, withVersions } from '../values/contents.ts';
import { at } from '../values/present.ts';
import type { WebSettings } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import type { Files, Seen, TaskResult } from './ports.ts';

/** By location; each is looked at once. */
export async function lookAt(
  files: Files,
  places: ReturnType<typeof openLeavesOf>['files'],
  web: WebSettings | undefined,
): Promise<Map<string, Seen>> {
  const distinct = [...new Map(places.map((place) => [place.location, place])).values()];
  if (distinct.length === 0) return new Map();
  const seen = await files.observe(distinct, web);
  return new Map(distinct.map(({ location }, place) => [location, at(seen, place)]));
}

/** The table with the file literals of its data part as they were seen; the first one that was not is its error. */
export function withSeen(table: Table, seen: ReadonlyMap<string, Seen>): TaskResult {
  const versions = new Map<string, string>();
  for (const { location } of openLeavesOf(table).files) {
    const found = seen.get(location);
    if (typeof found === 'string') versions.set(location, found);
    else if (found !== undefined) return { ok: false, error: found.unseen };
  }
  return { ok: true, table: withVersions(table, (location) => versions.get(location)) };
}
