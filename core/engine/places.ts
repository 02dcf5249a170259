/** Who writes where in a run: places are one, or lie in one another, however their locations are spelled. */

import { placesOf } from '../values/contents.ts';
import type { EvalHash, Hash } from '../values/ids.ts';
import { directoriesAbove, type Target } from '../values/places.ts';
import { at } from '../values/present.ts';
import type { Table } from '../values/table.ts';
import { loadLarge } from './objects.ts';
import type { Files, Objects } from './ports.ts';

/** The targets of a script; a long list of outputs is a large value and is loaded. Throws ValueGone when that is lost. */
export async function targetsOf(
  objects: Objects,
  args: Table,
  large: ReadonlyMap<Hash, Table>,
): Promise<readonly Target[]> {
  const { targets, refs } = placesOf(args);
  const parts = await Promise.all(refs.map((hash) => loadLarge(objects, [['ref', hash, 0, 0]], large)));
  return [...targets, ...parts.flatMap((part) => placesOf(part).targets)];
}

/** The place of each location. */
export async function placesFor(files: Files, locations: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const distinct = [...new Set(locations)];
  const places = distinct.length > 0 ? await files.places(distinct) : [];
  return new Map(distinct.map((location, index) => [location, at(places, index)]));
}

export function placesAmong(placeOf: ReadonlyMap<string, string>, targets: readonly Target[]): string[] {
  return [...new Set(targets.map(({ location }) => placeOf.get(location) ?? location))];
}

/** Places that are taken, each by somebody; a look at one costs its depth, however many there are. */
export interface Taken {
  /** Who has the place, one that it lies in, or one that lies in it. */
  by(place: string): EvalHash | undefined;
  take(place: string, who: EvalHash): void;
}

export function takenOf(places: ReadonlyMap<string, EvalHash>): Taken {
  const exact = new Map<string, EvalHash>();
  const within = new Map<string, EvalHash>();
  const take = (place: string, who: EvalHash) => {
    exact.set(place, who);
    for (const above of outerOf(place)) within.set(above, who);
  };
  for (const [place, who] of places) take(place, who);
  return {
    take,
    by(place) {
      for (const one of [place, ...outerOf(place)]) {
        const who = exact.get(one);
        if (who) return who;
      }
      return within.get(place);
    },
  };
}

function outerOf(place: string): string[] {
  return directoriesAbove(place).map((above) => above.slice(0, -1));
}
