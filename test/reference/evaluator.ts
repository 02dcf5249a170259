/**
 * SEMANTICS.md section 2 read aloud: a plain recursive interpreter, without journal, cache, rounds, jobs or concurrency. It
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
type Context = Readonly<Record<string, unknown>>;
type Use = (values: never) => Outcome;

/** The outcome of an expression, and every error that arose on the way, caught or not. */
export function evaluate(root: unknown, runContext: Context): { readonly outcome: Outcome; readonly errors: readonly Error[] } {
  const errors: Error[] = [];
  return { outcome: valueOf(root, runContext), errors };

  function failed(error: Error): Outcome {
    errors.push(error);
    return { ok: false, error };
  }

  function valueOf(e: unknown, context: Context): Outcome {
    const expression = (e as { [EXPRESSION]?: Expression } | null | undefined)?.[EXPRESSION];
    if (expression?.kind === 'call') return call(expression.name, expression.args, expression.options, context);
    if (expression?.kind === 'op') return all(expression.args, context, (args: unknown[]) => operator(expression.name, args));
    if (expression) return form(expression.name, expression.args, context);
    if (Array.isArray(e)) return all(e, context, ok);
    // Members of maps and sets have no order of their own, and equal ones are one: encoding says which comes first.
    if (e instanceof Set) return all([...canonical(e)], context, (members: unknown[]) => ok(new Set(members)));
    if (e instanceof Map) {
      const [keys, values] = [[...canonical(e).keys()], [...canonical(e).values()]];
      return all([...keys, ...values], context, (parts: unknown[]) =>
        ok(new Map(parts.slice(0, keys.length).map((key, at) => [key, parts[keys.length + at]]))));
    }
    if (!isRecord(e)) return ok(e);
    const keys = Object.keys(e).sort(byCodeUnit);
    return all(keys.map((key) => e[key]), context, (values: unknown[]) => ok(recordOf(keys, values)));
  }

  /** Every element is evaluated; the first that failed decides. */
  function all(es: readonly unknown[], context: Context, use: Use): Outcome {
    const outcomes = es.map((e) => valueOf(e, context));
    return outcomes.find((one) => !one.ok) ?? use(outcomes.map((one) => one.ok && one.value) as never);
  }

  function operator(name: string, args: unknown[]): Outcome {
    try {
      return ok(decoded(applyOperator(name, encode(args))));
    } catch (thrown) {
      const { name: errorName, message } = thrown as Error;
      return failed(reviveError(errorName, [errorName, 'Error'], message, {}));
    }
  }

  function call(task: string, args: readonly unknown[], options: object | undefined, context: Context): Outcome {
    return all([...args, options ?? {}], context, (given: unknown[]) => {
      const override = (given.at(-1) as { context?: Context }).context;
      return run(task, given.slice(0, -1), override ? { ...context, ...override } : context);
    });
  }

  /** What a function returns is an expression again; in it the context is the job's. */
  function run(task: string, args: readonly unknown[], context: Context): Outcome {
    const fn = definitionOf(task)?.fn as ((...args: unknown[]) => unknown) | undefined;
    if (!fn) return typeError(`there is no task '${task}' in the bundle of this run`, 'TaskNotFound');
    let result: Table;
    try {
      result = encode(fn(...(decoded(encode(args)) as unknown[])));
    } catch (thrown) {
      return failed(decoded(encodeThrown(thrown)) as Error);
    }
    return valueOf(decoded(result), context);
  }

  function typeError(message: string, name = 'TypeError'): Outcome {
    return failed(reviveError(name, [name, 'Error'], message, {}));
  }

  function applied(task: unknown, args: readonly unknown[], context: Context, otherwise: string): Outcome {
    const reference = (task as { [TASK]?: TaskReference } | null | undefined)?.[TASK];
    return reference ? run(reference.name, [...reference.bound, ...args], context) : typeError(otherwise);
  }

  function form(name: string, terms: readonly unknown[], context: Context): Outcome {
    switch (name) {
      case 'cond':
        return cond(terms, context);
      case 'seq':
        return seq(terms, context);
      case 'map':
        return all(terms, context, ([task, list, options]: [unknown, unknown, object?]) => map(task, list, options, context));
      case 'flatMap': {
        const lists = form('map', terms, context);
        return lists.ok ? operator('flatten', [lists.value]) : lists;
      }
      case 'catch':
        return catchError(terms, context);
      case 'catchAll':
        return catchAll(terms, context);
      case 'throw':
        return all(terms, context, ([thrown]: [unknown]) => {
          if (thrown instanceof Error) return failed(thrown);
          const text = typeof thrown === 'string' ? thrown : 'throwError was given neither an error nor a text';
          return failed(reviveError('Error', ['Error'], text, {}));
        });
      case 'force':
        return all(terms, context, ([quote]: [unknown]) =>
          quote instanceof Quote ? valueOf(quote.expression, context) : typeError('force needs a quoted expression'));
      case 'apply':
        return all(terms, context, ([task, ...args]: [unknown]) => applied(task, args, context, 'only a task can be called'));
      case 'context': {
        const at = (found: unknown, key: string) => (isRecord(found) && Object.hasOwn(found, key) ? found[key] : undefined);
        const found = (terms[0] as string).split('.').reduce(at, context);
        return found === undefined ? valueOf(terms[1], context) : ok(found);
      }
    }
    throw new Error(`there is no form ${name}`);
  }

  function cond([test, then, ...rest]: readonly unknown[], context: Context): Outcome {
    const chosen = valueOf(test, context);
    if (!chosen.ok) return chosen;
    if (chosen.value) return valueOf(then, context);
    return rest.length > 1 ? cond(rest, context) : valueOf(rest[0], context);
  }

  function seq(terms: readonly unknown[], context: Context): Outcome {
    const values: unknown[] = [];
    for (const term of terms) {
      const outcome = valueOf(term, context);
      if (!outcome.ok) return outcome;
      values.push(outcome.value);
    }
    return ok(values);
  }

  function map(task: unknown, list: unknown, options: object | undefined, context: Context): Outcome {
    const reference = (task as { [TASK]?: TaskReference } | null | undefined)?.[TASK];
    if (!reference) return typeError('map needs a task to apply');
    if (!Array.isArray(list)) return typeError('map needs a list to go over');
    const calls = list.map((element) => call(reference.name, [...reference.bound, element], options, context));
    return calls.find((one) => !one.ok) ?? ok(calls.map((one) => one.ok && one.value));
  }

  function catchError([guarded, ...pairs]: readonly unknown[], context: Context): Outcome {
    const outcome = valueOf(guarded, context);
    if (outcome.ok) return outcome;
    const at = pairs.findIndex((names, place) => place % 2 === 0 && isCaught(outcome.error, names));
    return at < 0 ? outcome : recover(pairs[at + 1], outcome.error, context);
  }

  function catchAll([terms, names, recovery]: readonly unknown[], context: Context): Outcome {
    if (!isRecord(terms) && !Array.isArray(terms)) return typeError('catchAll needs a list or a record of expressions');
    const keys = Object.keys(terms).sort(Array.isArray(terms) ? () => 0 : byCodeUnit);
    const outcomes = keys.map((key) => valueOf((terms as Context)[key], context));
    const uncaught = outcomes.find((one) => !one.ok && !isCaught(one.error, names ?? ['Error']));
    if (uncaught) return uncaught;
    const all = outcomes.map((one) => (one.ok ? one.value : one.error));
    const seen = Array.isArray(terms) ? all : recordOf(keys, all);
    return recovery !== undefined && outcomes.some((one) => !one.ok) ? recover(recovery, seen, context) : ok(seen);
  }

  function recover(recovery: unknown, argument: unknown, context: Context): Outcome {
    return all([recovery], context, ([task]: [unknown]) => applied(task, [argument], context, 'a catch recovers with a task'));
  }
}

function ok(value: unknown): Outcome {
  return { ok: true, value };
}

function isCaught(error: Error, names: unknown): boolean {
  return errorClasses(error).some((name) => (names as string[]).includes(name));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype && !(TASK in value);
}

function recordOf(keys: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key, at) => [key, values[at]]));
}

function canonical<T>(collection: T): T {
  return decoded(encode(collection)) as T;
}

function decoded(table: Table): unknown {
  return decode(table, REVIVE);
}
