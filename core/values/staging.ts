/** What a script's inputs and outputs come to, once they are known. */
import { Dir, File, Place, STDOUT, Staging } from './classes.ts';

/** How a script's output says that it stands for the standard output. */
export const STDOUT_LOCATION = '-';

/** One output as the runner reads it: files and directories become places to fill, everything else is itself. */
export function placeOf(output: unknown): unknown {
  if (output instanceof Staging) return new Place(kindOf(output.source), output.source.location, output.name);
  if (output instanceof File && output.location === STDOUT_LOCATION) return STDOUT;
  if (output instanceof File || output instanceof Dir) return new Place(kindOf(output), output.location, undefined);
  return output;
}

function kindOf(source: File | Dir): 'file' | 'dir' {
  return source instanceof Dir ? 'dir' : 'file';
}

/**
 * Refuses names that cannot be staged into one working directory: empty, absolute, climbing out of it, equal, or spelled
 * in a way that would have to be put right, as `./x` and `d//x`. A directory's may end in a slash.
 * `what` names the side in the message: 'inputs' or 'outputs'.
 */
export function checkStageNames(
  what: string,
  names: readonly { readonly name: string; readonly location: string }[],
): void {
  const taken = new Map<string, string>();
  for (const { name, location } of names) {
    const path = name.replace(/\/$/, '');
    const parts = path.split('/');
    if (name.startsWith('/'))
      throw new TypeError(`${what}: the stage name ${JSON.stringify(name)} of ${location} is absolute`);
    if (parts.includes('..')) {
      throw new TypeError(
        `${what}: the stage name ${JSON.stringify(name)} of ${location} climbs out of the working directory`,
      );
    }
    if (path === '' || path === '.' || name.includes('\0'))
      throw new TypeError(`${what}: ${location} needs a stage name, as in .stage('name')`);
    const odd = parts.find((part) => part === '' || part === '.');
    if (odd !== undefined) {
      throw new TypeError(
        `${what}: the stage name ${JSON.stringify(name)} of ${location} has the segment ${JSON.stringify(odd)}`,
      );
    }
    const other = taken.get(path);
    if (other !== undefined) {
      throw new TypeError(`${what}: ${other} and ${location} have the same stage name ${JSON.stringify(path)}`);
    }
    taken.set(path, location);
  }
}
