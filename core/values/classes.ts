/**
 * The values an author works with beside plain JavaScript ones. File and Dir are data: what reads and writes their contents
 * is in core/library/contents.ts, which is linked into bundles and tells this module of itself.
 */

/** Marks an expression: `value[EXPRESSION]` is its frozen form. */
export const EXPRESSION = Symbol.for('redex.expression');
/** Marks a task: `value[TASK]` is its name and what is bound to it. */
export const TASK = Symbol.for('redex.task');

/** An expression as frozen data: an application of a task, an operator or a control form to values and expressions. */
export type Expression =
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly args: readonly unknown[];
      /** A record of the call's options, if it has some. */
      readonly options: object | undefined;
    }
  | { readonly kind: 'op' | 'form'; readonly name: string; readonly args: readonly unknown[] };

/** A task as a value. */
export interface TaskReference {
  readonly name: string;
  readonly bound: readonly unknown[];
}

interface Marked {
  readonly [EXPRESSION]?: Expression;
  readonly [TASK]?: TaskReference;
}

/** The expression that a lazy value, or a task with lazy arguments, stands for. */
export function expressionOf(value: object): Expression | undefined {
  const { [EXPRESSION]: expression }: Marked = value;
  return expression;
}

/** The task that a value is. */
export function taskOf(value: object): TaskReference | undefined {
  const { [TASK]: task }: Marked = value;
  return task;
}

/** What File and Dir need from whoever runs a task. Locations are local paths, `s3://bucket/key` or `https://…`. */
export interface FileAccess {
  /** UTF-8 text of the whole file. */
  text(location: string): Promise<string>;
  bytes(location: string): Promise<Uint8Array>;
  /** Writes the whole file at once, so that nobody sees a part of it; gives its version. */
  write(location: string, data: string | Uint8Array): Promise<string>;
  /** Copies one file, also between stores; gives the target's version. Gunzips on the way when asked to. */
  copy(from: string, to: string, options: { readonly gunzip: boolean }): Promise<string>;
  /** Makes a directory hold exactly the files of another, also between stores. */
  copyDir(from: string, to: string): Promise<void>;
  /** Writes the files one after another into one; gives the target's version. */
  concat(from: readonly string[], to: string): Promise<string>;
  /** The current version, or undefined when there is no such file. */
  version(kind: 'file' | 'dir', location: string): Promise<string | undefined>;
  /** Locations of all files below a directory, at any depth, sorted. */
  list(location: string): Promise<string[]>;
}

/** What the methods of File and Dir do, inside of a task. */
export interface FileContents {
  text(file: File): Promise<string>;
  bytes(file: File): Promise<Uint8Array>;
  write(file: File, data: string | Uint8Array): Promise<File>;
  copy(source: File, target: File, options: { readonly gunzip: boolean }): Promise<File>;
  concat(parts: readonly File[], target: File): Promise<File>;
  exists(file: File): Promise<boolean>;
  copyDir(source: Dir, target: Dir): Promise<Dir>;
  list(directory: Dir): Promise<File[]>;
}

let provided: FileContents | undefined;

/** Gives files their contents: once, when the module is loaded that has them. */
export function provideContents(contents: FileContents): void {
  provided = contents;
}

function contents(): FileContents {
  if (!provided) throw new Error(OUTSIDE_TASKS);
  return provided;
}

export const OUTSIDE_TASKS = 'files can be read and written only inside a task';

/** One spelling per location: no empty or `.` parts in local paths. What a scheme means is for its store to say. */
function normalise(location: string): string {
  if (location === '') throw new TypeError('a file needs a location');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(location)) return location;
  const parts = location.split('/').filter((part) => part !== '' && part !== '.');
  const path = parts.join('/');
  return location.startsWith('/') ? `/${path}` : path || '.';
}

function baseName(location: string): string {
  return location.split('/').filter(Boolean).at(-1) ?? '';
}

export interface StageOptions {
  /** Never a link: without it, what the script cannot harm may be one. */
  readonly copy?: boolean;
}

/** A file by location, and the version it had when it was observed: part of every hash that it is in. */
export class File {
  readonly location: string;
  /** ETag, SHA-256 of the bytes, or another token that changes with the content; undefined until observed. */
  readonly version: string | undefined;

  constructor(location: string, version?: string) {
    this.location = normalise(location);
    this.version = version;
    Object.freeze(this);
  }

  get name(): string {
    return baseName(this.location);
  }

  /** Pairs the file with a name in a script's working directory; by default its own. */
  stage(name: string = this.name, options: StageOptions = {}): Staging<File> {
    return new Staging(this, name, options.copy ? 'copy' : 'link');
  }

  text(): Promise<string> {
    return contents().text(this);
  }

  bytes(): Promise<Uint8Array> {
    return contents().bytes(this);
  }

  /** Writes the whole file and gives it back with its new version. */
  write(data: string | Uint8Array): Promise<File> {
    return contents().write(this, data);
  }

  copyTo(target: File, { gunzip = false }: { readonly gunzip?: boolean } = {}): Promise<File> {
    return contents().copy(this, target, { gunzip });
  }

  /** Writes `parts` one after another into this file. */
  concat(parts: readonly File[]): Promise<File> {
    return contents().concat(parts, this);
  }

  exists(): Promise<boolean> {
    return contents().exists(this);
  }
}

/** A directory by location, which ends in a slash; its version covers the relative paths and versions of all its files. */
export class Dir {
  readonly location: string;
  readonly version: string | undefined;

  constructor(location: string, version?: string) {
    const path = normalise(location);
    this.location = path.endsWith('/') ? path : `${path}/`;
    this.version = version;
    Object.freeze(this);
  }

  get name(): string {
    return baseName(this.location);
  }

  /** The file at a relative path in the directory. */
  file(path: string): File {
    return new File(this.location + path);
  }

  stage(name: string = this.name, options: StageOptions = {}): Staging<Dir> {
    return new Staging(this, name, options.copy ? 'copy' : 'link');
  }

  /** Makes the target hold exactly the files of this directory, and gives it. */
  copyTo(target: Dir): Promise<Dir> {
    return contents().copyDir(this, target);
  }

  /** All files below the directory, at any depth, sorted by location. */
  list(): Promise<File[]> {
    return contents().list(this);
  }
}

/** A file or directory and its name in a script's working directory. */
export class Staging<T extends File | Dir = File | Dir> {
  readonly source: T;
  readonly name: string;
  readonly how: 'link' | 'copy';

  constructor(source: T, name: string, how: 'link' | 'copy') {
    this.source = source;
    this.name = name;
    this.how = how;
    Object.freeze(this);
  }
}

/** A place that a script fills: it becomes a File or Dir with its version when the script has ended well. */
export class Place {
  readonly kind: 'file' | 'dir';
  readonly location: string;
  /** The name the script writes in its working directory; undefined when it writes the location itself. */
  readonly name: string | undefined;

  constructor(kind: 'file' | 'dir', location: string, name: string | undefined) {
    this.kind = kind;
    this.location = location;
    this.name = name;
    Object.freeze(this);
  }
}

/** Stands in a script's outputs for its standard output. */
export const STDOUT: unique symbol = Symbol.for('redex.stdout');

/** An expression held as a value. */
export class Quote {
  readonly expression: unknown;

  constructor(expression: unknown) {
    this.expression = expression;
    Object.freeze(this);
  }
}
