/** The places that scripts write: which of them are one place, or lie in one another. */

/** A place to fill: what the script calls it, or null where it writes there by itself. */
export interface Target {
  readonly location: string;
  readonly name: string | null;
}

/** One spelling of a location. What links and the case of letters make one place only the machine that has it can tell. */
export function spelled(location: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(location)) return location;
  const parts: string[] = [];
  for (const part of location.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '' && part !== '.' && !(part === '..' && location.startsWith('/'))) parts.push(part);
  }
  const end = location.endsWith('/') && parts.length > 0 ? '/' : '';
  return `${location.startsWith('/') ? '/' : ''}${parts.join('/')}${end}`;
}

/** `a/` and `a/b/` for `a/b/c` and for `a/b/c/`. */
export function directoriesAbove(location: string): string[] {
  const parts = location.split('/').slice(0, location.endsWith('/') ? -2 : -1);
  return parts.map((_, at) => `${parts.slice(0, at + 1).join('/')}/`);
}

/** Two targets of one script that cannot both be filled: one place twice, or one inside a directory that is another. */
export function clashOf(targets: readonly Target[]): readonly [Target, Target] | undefined {
  const taken = new Map<string, Target>();
  for (const target of targets) {
    const place = spelled(target.location).replace(/\/$/, '');
    const other = taken.get(place);
    // The same thing may stand in the outputs twice.
    if (other && (other.name !== target.name || other.location !== target.location)) return [other, target];
    taken.set(place, target);
  }
  for (const [place, target] of taken) {
    for (const above of directoriesAbove(place)) {
      const outer = taken.get(above.slice(0, -1));
      if (outer) return [outer, target];
    }
  }
  return undefined;
}

/** What is wrong with the targets, for the script's author. */
export function clashText([first, second]: readonly [Target, Target]): string {
  const both = `outputs: ${first.location} and ${second.location}`;
  return spelled(first.location).replace(/\/$/, '') === spelled(second.location).replace(/\/$/, '')
    ? `${both} are one place: each output needs its own`
    : `${both} lie in one another: a directory holds exactly what was made as it`;
}
