/**
 * A call that fails fails what needs its value, up to the nearest catch. Failures are known by class or name; what is not
 * caught passes on. `catchAll` waits for every term and keeps values and errors in their places.
 */
import { catchAll, catchError, map, script, task, throwError, v } from '../../core/index.ts';

export const divideAll = task(
  'errors.divide_all',
  {
    description: 'Divides a number by each of some others, whatever becomes of it',
    params: v.object({
      dividend: v.optional(v.number(), 12),
      divisors: v.optional(v.array(v.number()), [3, 0, 5]),
    }),
  },
  ({ dividend, divisors }) => ({
    quotients: map(safelyDivide.partial(dividend), divisors),
    tally: catchAll([divide(dividend, 4), failing()], 'Error', tally),
  }),
);

/** One error is answered by a value; another name, or a bug, would pass. */
const safelyDivide = task('errors.safely_divide', {}, (a: number, b: number) =>
  catchError(divide(a, b), RangeError, undefinedQuotient, 'ScriptError', noScript),
);

const divide = task('errors.divide', {}, (a: number, b: number) =>
  b === 0 ? throwError(new RangeError(`${a} / 0`)) : a / b,
);

/** A script that exits with another code than 0 is a ScriptError, which carries the code and the end of its stderr. */
const failing = task('errors.failing', {}, () => script('echo "no such luck" >&2; exit 3', { executor: 'batch' }));

const undefinedQuotient = task('errors.undefined_quotient', {}, (error: RangeError) => `undefined: ${error.message}`);

const noScript = task('errors.no_script', {}, () => 'the script failed');

const tally = task('errors.tally', {}, (terms: unknown[]) =>
  terms.map((term) => (term instanceof Error ? `${term.name} with exit code ${Reflect.get(term, 'exitCode')}` : term)),
);
