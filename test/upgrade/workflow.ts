/**
 * What the run in the recordings was made of. A recording holds the bundle of its time, so that this may change; what is
 * here counts for the next one.
 */
import { add, catchError, type File, map, task, v } from '../../core/index.ts';

/** Of jobs that are to be submissions of their own: those with equal resources go as one array. */
const batch = { executor: 'batch' };
const inMemory = (memory: number) => ({ executor: 'batch', memory });

/** More than leave the live graph at once (`core/graph/done.ts`). */
const MANY = 1_050;
/** More than there are entries between two snapshots (`core/engine/load.ts`), as each is told of by itself. */
const STEPS = 72;

const range = task('upgrade.range', (n: number) => Array.from({ length: n }, (_, at) => at));
const square = task('upgrade.square', (n: number) => n * n);
const total = task('upgrade.total', (all: number[]) => all.reduce((a, b) => a + b, 0));
const many = task('upgrade.many', (n: number) => total(map(square, range(n))));
const step = task('upgrade.step', batch, (n: number) => n * 10);
const alone = task('upgrade.alone', inMemory(2), (n: number) => n + 0.5);
const words = task('upgrade.words', inMemory(3), (n: number) =>
  Array.from({ length: 300 }, (_, at) => `word ${n} ${at}`),
);
const letters = task('upgrade.letters', inMemory(5), (list: string[]) => list.join('').length);
const fragile = task('upgrade.fragile', inMemory(6), (n: number): number => {
  throw Object.assign(new Error(`no ${n}`), { name: 'Fragile' });
});
const zero = task('upgrade.zero', (_error: Error) => 0);
const read = task('upgrade.read', inMemory(7), (sheet: File) => `${sheet.location}@${sheet.version}`);

/** Joins what has left the live graph, what is there and done, and what neither was asked for nor run before. */
const after = task('upgrade.after', batch, (sum: number) => sum);
const late = task('upgrade.late', (sum: number) => [
  square(7),
  step(3),
  total(Array.from({ length: STEPS }, (_, at) => step(1_000 + at))),
  add(sum, 1),
]);

export const main = task('upgrade.main', { params: v.object({ sheet: v.file() }) }, ({ sheet }) => {
  const steps = total(map(step, range(STEPS)));
  const seated = alone.options({ limits: { licences: 2 } });
  return {
    many: many(MANY),
    steps,
    // Of the second one nothing is submitted before the first is over.
    seated: [seated(1), seated(2)],
    words: map(letters, [words(1), words(2)]),
    caught: catchError(fragile(1), 'Fragile', zero),
    caughtLate: catchError(fragile(2), 'Fragile', zero),
    read: read(sheet),
    late: late(after(steps)),
  };
});
