/**
 * Calls that need nothing of each other run at once. A plain `map` over a list that is known makes the calls; those that
 * are ready together and ask for the same resources are submitted as one array job.
 */
import { script, task, v } from '../../core/index.ts';

export const sumOfSquares = task(
  'fan_out.sum_of_squares',
  {
    description: 'Squares each number in a job of its own, and adds them up',
    params: v.object({
      numbers: v.optional(v.pipe(v.array(v.number()), v.description('what to square')), [1, 2, 3, 4]),
    }),
  },
  ({ numbers }) => total(numbers.map((n) => square(n))),
);

const square = task('fan_out.square', {}, (n: number) =>
  script('echo $((N * N))', { executor: 'batch', env: { N: String(n) } }),
);

/** Takes a list whose elements are lazy where the call is written; the body sees texts. */
const total = task('fan_out.total', {}, (squares: string[]) => squares.reduce((sum, text) => sum + Number(text), 0));
