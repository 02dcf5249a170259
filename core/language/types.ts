/** The types an author works with: what a lazy value shows, what a task takes, and what it gives. */
import type { Dir, File, Place, Quote, Staging } from '../values/classes.ts';
import type { LazyOption } from '../values/options.ts';
import type { JobOptions } from '../values/program.ts';

declare const LAZY: unique symbol;

/** What `await lazy` has by type: nothing takes it, so that awaiting a lazy value does not compile once it is used. */
interface NotAwaitable<T> {
  readonly [AWAITED]: T;
}

declare const AWAITED: unique symbol;

/**
 * What makes a value lazy. By type it is a promise, though `then` is undefined: so an async function may return one, while
 * a condition on it does not compile and what awaiting it gives is of no use.
 */
interface Deferred<T> extends PromiseLike<NotAwaitable<T>> {
  readonly [LAZY]: T;
}

type IsAny<T> = 0 extends 1 & T ? true : false;

/** Names that do not read a property of the value; `get(lazy, 'then')` reaches the property. */
type Reserved = 'then' | 'toJSON' | 'constructor' | 'options' | 'stage';

type Atomic =
  | string
  | number
  | boolean
  | bigint
  | symbol
  | null
  | undefined
  | Date
  | Uint8Array
  | Place
  | Quote
  | Error;

/** A value that a run will have: the result of a task, an operator or a control form. Reading a part of it is lazy too. */
export type Lazy<T> =
  IsAny<T> extends true
    ? Deferred<T> & { readonly [key: string]: Lazy<T> }
    : [T] extends [never]
      ? Deferred<T>
      : Deferred<T> & LazyParts<T>;

type LazyParts<T> = T extends File
  ? LazyFile<File>
  : T extends Dir
    ? LazyFile<Dir>
    : T extends AnyTask<infer A, infer R>
      ? LazyTask<A, R>
      : T extends string
        ? { readonly length: Lazy<number> }
        : T extends Error
          ? LazyRecord<T>
          : T extends Atomic | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
            ? unknown
            : T extends readonly unknown[]
              ? LazyList<T>
              : T extends object
                ? LazyRecord<T>
                : unknown;

type LazyRecord<T> = { readonly [K in keyof T as K extends Reserved | symbol ? never : K]-?: Lazy<T[K]> };

/** A tuple can be taken apart by position; a list, whose length nobody knows, only by index. */
type LazyList<T extends readonly unknown[]> = number extends T['length']
  ? { readonly length: Lazy<number>; readonly [index: number]: Lazy<T[number]> }
  : { readonly [K in keyof T]: Lazy<T[K]> } & NoIteration;

/** What arrays have and lazy tuples have not. */
type NoIteration = { readonly [K in Exclude<keyof (readonly unknown[]), number | 'length' | symbol>]: never };

interface LazyFile<T extends File | Dir> {
  readonly location: Lazy<string>;
  readonly name: Lazy<string>;
  readonly version: Lazy<string | undefined>;
  /** Pairs it with a name in a script's working directory; by default its own. */
  stage(name?: Lift<string>, options?: { readonly copy?: boolean }): Lazy<Staging<T>>;
}

type LazyTask<A extends unknown[], R> = (...args: LiftAll<A>) => Lazy<R>;

/** What may stand where a T is wanted: T itself, a lazy T, or a T with lazy parts at any depth. */
export type Lift<T> = Lazy<T> | LiftParts<T>;

type LiftParts<T> =
  IsAny<T> extends true
    ? T
    : T extends Atomic | File | Dir | Staging | AnyTask<never[], unknown>
      ? T
      : T extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<Lift<K>, Lift<V>>
        : T extends ReadonlySet<infer V>
          ? ReadonlySet<Lift<V>>
          : T extends readonly unknown[]
            ? { readonly [K in keyof T]: Lift<T[K]> }
            : T extends object
              ? { readonly [K in keyof T]: Lift<T[K]> }
              : T;

/** A parameter list with every parameter lifted. */
type LiftAll<A extends unknown[]> = { [K in keyof A]: Lift<A[K]> };

/** What a result comes to when nothing in it is lazy any more. */
export type Force<T> =
  IsAny<T> extends true
    ? T
    : T extends { readonly [LAZY]: infer V }
      ? V
      : T extends Promise<infer P>
        ? P extends NotAwaitable<infer V>
          ? V
          : Force<P>
        : T extends Atomic | File | Dir | Staging | AnyTask<never[], unknown>
          ? T
          : T extends ReadonlyMap<infer K, infer V>
            ? Map<Force<K>, Force<V>>
            : T extends ReadonlySet<infer V>
              ? Set<Force<V>>
              : T extends readonly unknown[]
                ? { [K in keyof T]: Force<T[K]> }
                : T extends object
                  ? { [K in keyof T]: Force<T[K]> }
                  : T;

/** Options of one call. Their values may be lazy. `context` overrides parts of the context for everything below. */
export type CallOptions = {
  readonly [K in keyof JobOptions]: K extends LazyOption ? Lift<NonNullable<JobOptions[K]>> : JobOptions[K];
} & {
  readonly context?: Lift<Readonly<Record<string, unknown>>>;
};

declare const SIGNATURE: unique symbol;

/** A task by what it takes and gives. */
interface AnyTask<A extends unknown[], R> {
  readonly [SIGNATURE]: (...args: A) => R;
}

/** What no value has: lazy values, tasks and quotes are of such a type. */
export type Phantom = { readonly [LAZY]: unknown } | { readonly [SIGNATURE]: unknown };

/** An expression held as a value; force() gives what it comes to. */
export interface Quoted<T> extends Quote {
  readonly [SIGNATURE]: T;
}

/** The lists that begin a parameter list, lifted. */
type Prefix<A extends unknown[]> = A extends []
  ? []
  : number extends A['length']
    ? LiftAll<A>
    : A extends [(infer First)?, ...infer Rest]
      ? [] | [Lift<First>, ...Prefix<Rest>]
      : [];

/** The parameters that are left when as many are given as B has members. */
type After<A extends unknown[], B extends unknown[]> = B extends [unknown, ...infer Given]
  ? A extends [unknown?, ...infer Rest]
    ? After<Rest, Given>
    : []
  : A;

/** A task: calling it builds an expression. Arguments may be concrete, lazy, or any nesting of both. */
export interface Task<A extends unknown[], R> extends AnyTask<A, R> {
  (...args: LiftAll<A>): Lazy<R>;
  /** The same task with options for the calls made through it; they win over the task's own. */
  options(options: CallOptions): Task<A, R>;
  /** The same task with its first arguments given. */
  partial<B extends Prefix<A>>(...args: B): Task<After<A, B>, R>;
}
