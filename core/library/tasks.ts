/** Tasks every bundle has, under `redex.`. Their versions are in their hashes: a changed meaning is a new version. */
import { callable } from '../language/callable.ts';
import { apply } from '../language/lazy.ts';
import { register } from '../language/registry.ts';
import { task } from '../language/task.ts';
import type { Force, Lazy, Lift } from '../language/types.ts';
import { Dir, File } from '../values/classes.ts';
import { SCRIPT_TASK } from '../values/program.ts';
import './contents.ts';

const CONST = 'redex.const';
const IDENTITY = 'redex.identity';

/** Scripts are carried out by the runner: the task has no function. */
register({
  name: SCRIPT_TASK,
  fn: undefined,
  options: { executor: 'batch' },
  version: '1',
  includes: [],
  params: undefined,
  description: 'Runs a script with its files staged.',
});

task(
  CONST,
  { version: '1', description: 'Waits for all, gives the first.' },
  (first: unknown, ..._others: unknown[]) => first,
);

/** The first value, once the others have values too: for order without data. */
export function constant<T>(value: T, ...others: readonly unknown[]): Lazy<Force<T>> {
  return callable<[unknown, ...unknown[]], Force<T>>(CONST)(value, ...others);
}

task(IDENTITY, { version: '1', description: 'Gives its argument.' }, (value: unknown) => value);

/** The value itself, as the result of a job. */
export function identity<T>(value: T): Lazy<Force<T>> {
  return callable<[unknown], Force<T>>(IDENTITY)(value);
}

export interface CopyOptions {
  /** Leaves a target that is there already as it is. */
  readonly skipIfExists?: boolean;
  /** Unpacks gzip on the way. */
  readonly gunzip?: boolean;
}

const copyFileTask = task(
  'redex.copy_file',
  { version: '1', executor: 'batch', description: 'Copies one file, also between stores.' },
  async (source: File, target: string, { skipIfExists = false, gunzip = false }: CopyOptions) => {
    const copy = new File(target);
    if (copy.location === source.location && !gunzip) return source;
    return skipIfExists && (await copy.exists()) ? copy : await source.copyTo(copy, { gunzip });
  },
);

/** Copies a file; gives the target with its version. A job that runs again when the source or the target has changed. */
export function copyFile(
  source: Lift<File>,
  target: Lift<string> | Lift<File>,
  options: Lift<CopyOptions> = {},
): Lazy<File> {
  return copyFileTask(source, locationOf(target), options);
}

const copyDirTask = task(
  'redex.copy_dir',
  { version: '1', executor: 'batch', description: 'Copies all files below a directory.' },
  async (source: Dir, target: string) => {
    const copy = new Dir(target);
    return copy.location === source.location ? source : await source.copyTo(copy);
  },
);

/**
 * Copies all files below a directory, at any depth. The target then holds exactly these; where it holds a file that no
 * job put there, it is refused.
 */
export function copyDir(source: Lift<Dir>, target: Lift<string> | Lift<Dir>): Lazy<Dir> {
  return copyDirTask(source, locationOf(target));
}

/** The file's path below the directory that it was listed in. */
function pathIn(directory: Dir, listed: File): string {
  return directory.location === './' ? listed.location : listed.location.slice(directory.location.length);
}

const globTask = task(
  'redex.glob',
  { version: '1', description: 'Files of a directory whose paths fit a pattern.' },
  async (directory: Dir, pattern: string) => {
    const fits = globPattern(pattern);
    const files = await directory.list();
    return files.filter((each) => fits.test(pathIn(directory, each)));
  },
);

/**
 * The files whose locations fit the pattern, sorted: `*` and `?` stand for what is not a slash, `**` for any folders, `{a,b}` for one of
 * several. The directory up to the first such sign is the job's argument, so the job runs again when anything in it has changed.
 */
export function glob(pattern: string): Lazy<File[]> {
  const folder = /^[^*?{]*\//.exec(pattern)?.[0] ?? './';
  return globTask(new Dir(folder), pattern.startsWith(folder) ? pattern.slice(folder.length) : pattern);
}

function globPattern(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/|\*\*|[*?{},]|[\\^$.|+()[\]]/g, (sign) => GLOB_SIGNS[sign] ?? `\\${sign}`);
  return new RegExp(`^${source}$`);
}

const GLOB_SIGNS: Readonly<Record<string, string>> = {
  '**/': '(?:.*/)?',
  '**': '.*',
  '*': '[^/]*',
  '?': '[^/]',
  '{': '(?:',
  '}': ')',
  ',': '|',
};

/** Targets are places to write: they enter hashes by location, never by what is there. */
function locationOf(target: Lift<string> | Lift<File> | Lift<Dir>): Lift<string> {
  if (typeof target === 'string') return target;
  return target instanceof File || target instanceof Dir ? target.location : apply('location', target);
}
