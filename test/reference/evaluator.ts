/**
 * docs/semantics.md read aloud: a plain recursive interpreter, without journal, cache, rounds, jobs or concurrency. It
 * evaluates every sibling, so it knows every error that a run could come upon; the first by position is the outcome.
 */
import { REVIVE } from '../../core/language/callable.ts';
import { encodeThrown } from '../../core/language/failures.ts';
import { definitionOf } from '../../core/language/registry.ts';
import { EXPRESSION, type Expression, Quote, TASK, type TaskReference } from '../../core/values/classes.ts';
import { decode } from '../../core/values/decode.ts';
import { byCodeUnit, encode } from '../../core/values/encode.ts';
import { errorClasses, reviveError } from '../../core/values/errors.ts';
import { applyOperator } from '../../core/values/operators.ts';
import type { Table } from '../../core/values/table.ts';

export type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: Error };
type Values = readonly unknown[];
type Context = Readonly<Record<string, unknown>>;
type Function = (...args: Values) => unknown;

/** The outcome of an expression, and every error that arose on the way, caught or not. */
export function interpret(root: unknown, runContext: Context): { outcome: Outcome; errors: readonly Error[] } {
  const errors: Error[] = [];

  function raise(error: Error): never {
    errors.push(error);
    throw error;
  }

  function refuse(message: string, name = 'TypeError'): never {
    raise(reviveError(name, name === 'Error' ? [name] : [name, 'Error'], message, {}));
  }

  function evaluate(e: unknown, context: Context): unknown {
    const expression = marked<Expression>(e, EXPRESSION);
    if (expression?.kind === 'call') return call(expression.name, expression.args, expression.options, context);
    if (expression?.kind === 'op') return operator(expression.name, all(expression.args, context));
    if (expression) return (FORMS[expression.name] as (typeof FORMS)[string])(expression.args, context);
    if (Array.isArray(e)) return all(e, context);
    // Members of maps and sets have no order of their own, and equal ones are one: encoding says which comes first.
    if (e instanceof Set) return new Set(all([...decoded<Set<unknown>>(encode(e))], context));
    if (e instanceof Map) {
      const [keys, values] = [[...decoded<typeof e>(encode(e)).keys()], [...decoded<typeof e>(encode(e)).values()]];
      const parts = all([...keys, ...values], context);
      return new Map(keys.map((_, at) => [parts[at], parts[keys.length + at]]));
    }
    return isRecord(e) ? recordOf(e, (values) => all(values, context)) : e;
  }

  /** Every element is evaluated; the first that failed decides. */
  function all(es: Values, context: Context): unknown[] {
    return every(es.map((e) => () => evaluate(e, context)));
  }

  function operator(name: string, args: Values): unknown {
    try {
      return decoded(applyOperator(name, encode(args)));
    } catch (thrown) {
      return refuse((thrown as Error).message, (thrown as Error).name);
    }
  }

  function call(task: string, terms: Values, given: object | undefined, context: Context): unknown {
    const values = all([...terms, given ?? {}], context);
    const [args, options] = [values.slice(0, -1), values.at(-1) as { context?: Context }];
    const fn = definitionOf(task)?.fn as Function | undefined;
    if (!fn) return refuse(`there is no task '${task}' in the bundle of this run`, 'TaskNotFound');
    let result: Table;
    try {
      result = encode(fn(...decoded<Values>(encode(args))));
    } catch (thrown) {
      return raise(decoded(encodeThrown(thrown)));
    }
    return evaluate(decoded(result), { ...context, ...options.context });
  }

  function apply(task: unknown, args: Values, context: Context, otherwise: string, options?: object): unknown {
    const reference = marked<TaskReference>(task, TASK);
    if (!reference) return refuse(otherwise);
    return call(reference.name, [...reference.bound, ...args], options, context);
  }

  function recover(recovery: unknown, argument: unknown, context: Context): unknown {
    return apply(evaluate(recovery, context), [argument], context, 'a catch recovers with a task');
  }

  const FORMS: Readonly<Record<string, (terms: Values, context: Context) => unknown>> = {
    cond([test, then, ...rest], context) {
      if (evaluate(test, context)) return evaluate(then, context);
      return rest.length > 1 ? FORMS.cond?.(rest, context) : evaluate(rest[0], context);
    },
    seq: (terms, context) => terms.map((term) => evaluate(term, context)),
    map(terms, context) {
      const [task, list, options] = all(terms, context) as [unknown, unknown, object | undefined];
      if (!marked(task, TASK)) return refuse('map needs a task to apply');
      if (!Array.isArray(list)) return refuse('map needs a list to go over');
      return every(list.map((element) => () => apply(task, [element], context, '', options)));
    },
    flatMap: (terms, context) => operator('flatten', [FORMS.map?.(terms, context)]),
    catch([guarded, ...pairs], context) {
      const outcome = attempt(() => evaluate(guarded, context));
      if (outcome.ok) return outcome.value;
      const at = pairs.findIndex((names, place) => place % 2 === 0 && isCaught(outcome.error, names));
      if (at < 0) throw outcome.error;
      return recover(pairs[at + 1], outcome.error, context);
    },
    catchAll([terms, names = ['Error'], recovery], context) {
      if (!Array.isArray(terms) && !isRecord(terms)) return refuse('catchAll needs a list or a record of expressions');
      const failures: Error[] = [];
      const gather = (es: Values) =>
        es.map((e) => {
          const outcome = attempt(() => evaluate(e, context));
          if (!outcome.ok) failures.push(outcome.error);
          return outcome.ok ? outcome.value : outcome.error;
        });
      const seen = Array.isArray(terms) ? gather(terms) : recordOf(terms, gather);
      const uncaught = failures.find((error) => !isCaught(error, names));
      if (uncaught) throw uncaught;
      return recovery !== undefined && failures.length > 0 ? recover(recovery, seen, context) : seen;
    },
    throw(terms, context) {
      const [thrown] = all(terms, context);
      if (thrown instanceof Error) return raise(thrown);
      return refuse(typeof thrown === 'string' ? thrown : 'throwError was given neither an error nor a text', 'Error');
    },
    force(terms, context) {
      const [quote] = all(terms, context);
      return quote instanceof Quote ? evaluate(quote.expression, context) : refuse('force needs a quoted expression');
    },
    apply(terms, context) {
      const [task, ...args] = all(terms, context);
      return apply(task, args, context, 'only a task can be called');
    },
    context([path, otherwise], context) {
      const at = (found: unknown, key: string) =>
        isRecord(found) && Object.hasOwn(found, key) ? found[key] : undefined;
      const found = (path as string).split('.').reduce(at, context as unknown);
      return found === undefined ? evaluate(otherwise, context) : found;
    },
  };

  return { outcome: attempt(() => evaluate(root, runContext)), errors };
}

function attempt(work: () => unknown): Outcome {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, error: error as Error };
  }
}

function every(works: readonly (() => unknown)[]): unknown[] {
  return works.map(attempt).map((outcome) => {
    if (outcome.ok) return outcome.value;
    throw outcome.error;
  });
}

function recordOf(record: Context, evaluate: (values: Values) => Values): Record<string, unknown> {
  const keys = Object.keys(record).sort(byCodeUnit);
  const values = evaluate(keys.map((key) => record[key]));
  return Object.fromEntries(keys.map((key, at) => [key, values[at]]));
}

function isCaught(error: Error, names: unknown): boolean {
  return errorClasses(error).some((name) => (names as string[]).includes(name));
}

function isRecord(value: unknown): value is Context {
  if (value === null || typeof value !== 'object' || marked(value, TASK)) return false;
  return Object.getPrototypeOf(value) === Object.prototype;
}

function marked<T>(value: unknown, mark: symbol): T | undefined {
  return (value as Record<symbol, T> | null | undefined)?.[mark];
}

function decoded<T>(table: Table): T {
  return decode(table, REVIVE) as T;
}
