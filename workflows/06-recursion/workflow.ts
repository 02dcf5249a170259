/**
 * A task may return calls of itself: loops and trees need no form of their own. Equal calls of a run are one job, so the
 * doubly recursive definition makes n + 1 jobs. The return type is written out, since nothing else says it.
 */
import { add, type Lazy, task, v } from '../../core/index.ts';

export const fibonacci = task(
  'recursion.fibonacci',
  {
    description: 'The n-th Fibonacci number',
    params: v.object({ n: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 25) }),
  },
  ({ n }) => fib(n),
);

const fib = task('recursion.fib', {}, (n: number): number | Lazy<number> => (n < 2 ? n : add(fib(n - 1), fib(n - 2))));
