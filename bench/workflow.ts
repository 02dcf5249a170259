/** A map of trivial scripts over a list that is known only at run time, and a sum that needs every one of their results. */
import { map, script, task, v } from '../core/index.ts';

const range = task('bench.range', { version: '1' }, (count: number) => Array.from({ length: count }, (_, at) => at));

const echo = task('bench.echo', { version: '1' }, (n: number) => script(`echo ${n}`, { executor: 'batch' }));

const total = task('bench.total', { version: '1' }, (lines: string[]) =>
  lines.reduce((sum, line) => sum + Number(line), 0),
);

export const main = task('bench.main', { version: '1', params: v.object({ count: v.number() }) }, ({ count }) =>
  total(map(echo, range(count))),
);
