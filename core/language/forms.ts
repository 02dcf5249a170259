/**
 * Control forms. Their terms reach the reducer unevaluated, as ['form', name, terms]; core/values/forms.ts says which each
 * has. quote is no form: it is the value ['quote', expression].
 */
import { Quote } from '../values/classes.ts';
import type { ErrorName } from '../values/errors.ts';
import { splitOptions } from './callable.ts';
import { form } from './lazy.ts';
import { comingTo } from './phantom.ts';
import type { Force, Lazy, Lift, Quoted, Task } from './types.ts';

type AnyErrorClass = abstract new (...args: never[]) => Error;
type Caught = ErrorName | (string & {}) | AnyErrorClass;

/** Error as an author may want it in a recovery: with whatever the error carries. */
type CaughtError = Error & Readonly<Record<string, unknown>>;

/** The one of the branches whose test holds, by JavaScript's truth. Only that branch is ever evaluated. */
export function cond<A, B = undefined>(test: unknown, then: A, otherwise?: B): Lazy<Force<A> | Force<B>>;
export function cond<A, B, C = undefined>(
  test: unknown,
  then: A,
  test2: unknown,
  then2: B,
  otherwise?: C,
): Lazy<Force<A> | Force<B> | Force<C>>;
export function cond<T = unknown>(test: unknown, then: unknown, ...rest: readonly unknown[]): Lazy<T>;
export function cond(...terms: readonly unknown[]): Lazy<unknown> {
  if (terms.length < 2) throw new TypeError('cond needs a test and what to evaluate if it holds');
  return form('cond', ...(terms.length % 2 === 0 ? [...terms, undefined] : terms));
}

/** Evaluates one after another, each only when the one before it has a value; the list of all values. */
export function seq<const T extends readonly unknown[]>(
  expressions: T,
): Lazy<{ -readonly [K in keyof T]: Force<T[K]> }> {
  return form('seq', ...expressions);
}

/** The task's value for each element of a list that need not be known yet. */
export function map<T, R>(
  task: Task<[element: T], R> | Lazy<Task<[element: T], R>>,
  list: Lift<readonly T[]>,
): Lazy<R[]> {
  return mapped('map', task, list);
}

/** As map, for a task that gives lists: all of them end to end. */
export function flatMap<T, R>(
  task: Task<[element: T], readonly R[]> | Task<[element: T], R[]> | Lazy<Task<[element: T], R[]>>,
  list: Lift<readonly T[]>,
): Lazy<R[]> {
  return mapped('flatMap', task, list);
}

function mapped<R>(name: 'map' | 'flatMap', given: unknown, list: unknown): Lazy<R[]> {
  const { task, options } = splitOptions(given);
  return options === undefined ? form(name, task, list) : form(name, task, list, options);
}

type Recover<R> = Task<[error: CaughtError], R> | Task<[error: Error], R> | Task<[], R>;

/**
 * The value of `expression`; if that failed with an error of a class given, or of one that extends it, `recover` of the error.
 * Further pairs of classes and recovery are tried in order. 'Error' catches every error; others pass through.
 */
export function catchError<E, R>(
  expression: E,
  errors: Caught | readonly Caught[],
  recover: Recover<R>,
): Lazy<Force<E> | R>;
export function catchError<E, R, S>(
  expression: E,
  errors: Caught | readonly Caught[],
  recover: Recover<R>,
  errors2: Caught | readonly Caught[],
  recover2: Recover<S>,
): Lazy<Force<E> | R | S>;
export function catchError<E, R, S, T>(
  expression: E,
  errors: Caught | readonly Caught[],
  recover: Recover<R>,
  errors2: Caught | readonly Caught[],
  recover2: Recover<S>,
  errors3: Caught | readonly Caught[],
  recover3: Recover<T>,
  ...more: readonly unknown[]
): Lazy<Force<E> | R | S | T>;
export function catchError(expression: unknown, ...pairs: readonly unknown[]): Lazy<unknown> {
  if (pairs.length === 0 || pairs.length % 2 !== 0) {
    throw new TypeError('catchError needs pairs of errors to catch and a task that recovers from them');
  }
  return form('catch', expression, ...pairs.map((part, at) => (at % 2 === 0 ? namesOf(part) : part)));
}

/**
 * Waits for every term, whether it has a value or fails. Without `recover`, the value is the terms with errors in their places;
 * with it, `recover` of that when a term failed, else the terms. Errors that are not caught by `errors` (default: all) pass through.
 */
export function catchAll<const T extends object>(
  terms: T,
  errors?: Caught | readonly Caught[],
): Lazy<{ -readonly [K in keyof T]: Force<T[K]> | CaughtError }>;
export function catchAll<const T extends object, I, R>(
  terms: T,
  errors: Caught | readonly Caught[],
  recover: Task<[terms: I], R>,
): Lazy<{ -readonly [K in keyof T]: Force<T[K]> } | R>;
export function catchAll(terms: object, errors?: Caught | readonly Caught[], recover?: unknown): Lazy<unknown> {
  return form('catchAll', terms, errors === undefined ? undefined : namesOf(errors), recover);
}

/** Fails with the error wherever its value is needed. */
export function throwError(error: Lift<Error> | Lift<string>): Lazy<never> {
  return form('throw', error);
}

/** The expression as a value: not evaluated until it is forced. */
export function quote<E>(expression: E): Quoted<Force<E>> {
  return comingTo<Quoted<Force<E>>>(new Quote(expression));
}

/** What a quoted expression comes to, evaluated by the job that forces it. */
export function force<T>(quoted: Quoted<T> | Lazy<Quoted<T>>): Lazy<T> {
  return form('force', quoted);
}

/** What the context holds at `path`, keys joined by dots, where this stands; `otherwise` if it holds nothing there. */
export function context<T = unknown>(path: string, otherwise?: T | Lazy<T>): Lazy<T> {
  return form('context', path, otherwise);
}

/** Classes stand for themselves by name, so that they are known again after a trip through the journal. */
function namesOf(errors: unknown): string[] {
  return (Array.isArray(errors) ? errors : [errors]).map((error: unknown) => {
    if (typeof error === 'string' && error !== '') return error;
    if (typeof error === 'function' && error.name !== '') return error.name;
    throw new TypeError('errors are caught by class or by name');
  });
}
