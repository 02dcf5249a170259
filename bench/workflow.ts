/** What is measured on a cloud: scripts that only echo, side by side, in groups and in a chain, and calls that run inline. */
import { type File, file, type Lazy, map, script, task, v } from '../core/index.ts';

const Count = v.object({ count: v.number() });

const range = task('bench.range', { version: '1' }, (count: number) => Array.from({ length: count }, (_, at) => at));

const echo = task('bench.echo', { version: '1' }, (n: number) => script(`echo ${n}`, { executor: 'batch' }));

const total = task('bench.total', { version: '1' }, (lines: (string | number)[]) =>
  lines.reduce((sum: number, line) => sum + Number(line), 0),
);

/** A map of scripts over a list that is known only at run time, and a sum that needs every one of their results. */
export const main = task('bench.main', { version: '1', params: Count }, ({ count }) => total(map(echo, range(count))));

const group = task('bench.group', { version: '1' }, (from: number, to: number) =>
  total(Array.from({ length: to - from }, (_, at) => echo(from + at))),
);

const GROUP = 1_000;

/** The same in groups of a thousand, each with a sum of its own: what is over leaves the live graph. */
export const groups = task('bench.groups', { version: '1', params: Count }, ({ count }) =>
  total(
    Array.from({ length: Math.ceil(count / GROUP) }, (_, at) => group(at * GROUP, Math.min(count, (at + 1) * GROUP))),
  ),
);

const link = task('bench.link', { version: '1' }, (left: number, before: string) =>
  script(`echo ${left + 0 * before.length}`, { executor: 'batch' }),
);

/** Each script begins when the one before is over. */
export const chain = task('bench.chain', { version: '1', params: Count }, ({ count }) => {
  let line = echo(count);
  for (let left = count - 1; left > 0; left--) line = link(left, line);
  return line;
});

const square = task('bench.square', { version: '1' }, (n: number) => n * n);

/** Calls that run inline, side by side. */
export const inline = task('bench.inline', { version: '1', params: Count }, ({ count }) =>
  total(Array.from({ length: count }, (_, at) => square(at))),
);

const next = task('bench.next', { version: '1' }, (left: number): number | Lazy<number> =>
  left === 0 ? 0 : next(left - 1),
);

/** Each call returns the next one. */
export const hops = task('bench.hops', { version: '1', params: Count }, ({ count }) => next(count));

const python = task('bench.python', { version: '1' }, (n: number) =>
  script(`#!/usr/bin/env python3\nprint(${n})\n`, { executor: 'batch' }),
);

/** Scripts in Python. */
export const pythons = task('bench.pythons', { version: '1', params: Count }, ({ count }) =>
  total(Array.from({ length: count }, (_, at) => python(at))),
);

const rows = task('bench.rows', { version: '1' }, (count: number) =>
  Array.from({ length: count }, (_, row) => Array.from({ length: count }, (_, at) => row + at)),
);

const cells = task('bench.cells', { version: '1' }, (grid: number[][]) =>
  grid.reduce((sum, row) => sum + row.length, 0),
);

/** A list of lists, so many of so many, from one task to another. */
export const grid = task('bench.grid', { version: '1', params: Count }, ({ count }) => cells(rows(count)));

const text = task('bench.text', { version: '1' }, (bytes: number) =>
  'redex '.repeat(Math.ceil(bytes / 6)).slice(0, bytes),
);

const length = task('bench.length', { version: '1' }, (given: string) => given.length);

/** A text of so many bytes, from one task to another. */
export const heavy = task('bench.heavy', { version: '1', params: Count }, ({ count }) => length(text(count)));

const lastOf = task('bench.last_of', { version: '1' }, async (files: File[]) => {
  const line = await files.at(-1)?.text();
  return files.length + Number(line);
});

/** Looks at so many files of a folder, and reads the last of them. */
export const files = task(
  'bench.files',
  { version: '1', params: v.object({ folder: v.string(), count: v.number() }) },
  ({ folder, count }) => lastOf(Array.from({ length: count }, (_, at) => file(`${folder}/${at}`))),
);

const versionOf = task('bench.version_of', { version: '1' }, (_: File) => 1);

/** Looks at one file, however large. */
export const huge = task('bench.huge', { version: '1', params: v.object({ given: v.file() }) }, ({ given }) =>
  versionOf(given),
);
