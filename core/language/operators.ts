/** Operators on values that are not known yet. Each builds an expression; core/values/operators.ts computes it in a run. */
import { apply } from './lazy.ts';
import type { Lazy, Lift } from './types.ts';

type Key = string | number;
type Countable =
  | string
  | Uint8Array
  | readonly unknown[]
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | object;
type Ordered = number | string | bigint | Date;
type TextPart = Lift<string | number | boolean | bigint | { readonly location: string } | Date | null | undefined>;

type Element<T, K> =
  T extends ReadonlyMap<unknown, infer V>
    ? V
    : T extends string
      ? K extends 'length'
        ? number
        : string
      : K extends keyof T
        ? T[K]
        : T extends readonly (infer E)[]
          ? E
          : undefined;

/**
 * The part of `value` that `key` names: a property, an element, or what a Map holds for the key. Undefined where there is none.
 * Also reaches the names that do something else on a lazy value: then, toJSON, constructor, options, stage.
 */
export function get<T, const K>(value: Lazy<T>, key: K | Lazy<K>): Lazy<Element<T, K>>;
export function get<T, const K extends Key>(value: T, key: K | Lazy<K>): Lazy<Element<T, K>>;
export function get(value: unknown, key: unknown): Lazy<unknown> {
  return apply('get', value, key);
}

/** a + b; text is put together as JavaScript does. */
export function add(a: Lift<number>, b: Lift<number>): Lazy<number>;
export function add(a: Lift<bigint>, b: Lift<bigint>): Lazy<bigint>;
export function add(a: Lift<string | number>, b: Lift<string | number>): Lazy<string>;
export function add(a: unknown, b: unknown): Lazy<unknown> {
  return apply('add', a, b);
}

interface Arithmetic {
  (a: Lift<number>, b: Lift<number>): Lazy<number>;
  (a: Lift<bigint>, b: Lift<bigint>): Lazy<bigint>;
}

function arithmetic(name: string): Arithmetic {
  // Lazy<never> is what either of the two gives.
  return (a: unknown, b: unknown) => apply<never>(name, a, b);
}

/** a - b */
export const sub = arithmetic('sub');
/** a × b */
export const mul = arithmetic('mul');
/** a ÷ b */
export const div = arithmetic('div');
/** The remainder of a ÷ b, with the sign of a. */
export const mod = arithmetic('mod');
/** a to the power of b */
export const pow = arithmetic('pow');

/** -a */
export function neg<T extends number | bigint>(a: T | Lazy<T>): Lazy<T extends number ? number : bigint> {
  return apply('neg', a);
}

/** Whether both are the same value, at any depth: equality of value hashes. 1n is not 1, -0 is not 0, NaN is NaN. */
export function eq(a: unknown, b: unknown): Lazy<boolean> {
  return apply('eq', a, b);
}

/** Whether the values differ: the opposite of eq. */
export function ne(a: unknown, b: unknown): Lazy<boolean> {
  return apply('ne', a, b);
}

/** a < b */
export function lt(a: Lift<Ordered>, b: Lift<Ordered>): Lazy<boolean> {
  return apply('lt', a, b);
}

/** a ≤ b */
export function le(a: Lift<Ordered>, b: Lift<Ordered>): Lazy<boolean> {
  return apply('le', a, b);
}

/** a > b */
export function gt(a: Lift<Ordered>, b: Lift<Ordered>): Lazy<boolean> {
  return apply('gt', a, b);
}

/** a ≥ b */
export function ge(a: Lift<Ordered>, b: Lift<Ordered>): Lazy<boolean> {
  return apply('ge', a, b);
}

/** a && b as JavaScript has it, save that both are evaluated; cond evaluates only what it needs. */
export function and<A, B>(a: A | Lazy<A>, b: B | Lazy<B>): Lazy<A | B> {
  return apply('and', a, b);
}

/** a || b as JavaScript has it, save that both are evaluated; cond evaluates only what it needs. */
export function or<A, B>(a: A | Lazy<A>, b: B | Lazy<B>): Lazy<A | B> {
  return apply('or', a, b);
}

/** !a */
export function not(a: unknown): Lazy<boolean> {
  return apply('not', a);
}

/** Lists end to end, or texts. */
export function concat<T>(...lists: readonly Lift<readonly T[]>[]): Lazy<T[]>;
export function concat(...texts: readonly TextPart[]): Lazy<string>;
export function concat(...parts: readonly unknown[]): Lazy<unknown> {
  return apply('concat', ...parts);
}

/** The number of elements, entries, members, bytes or UTF-16 code units. */
export function len(value: Lift<Countable>): Lazy<number> {
  return apply('len', value);
}

/** Whether a list or set has the member (by eq), a record or map the key, a text the part. */
export function contains(container: Lift<Countable>, member: unknown): Lazy<boolean> {
  return apply('contains', container, member);
}

type KeyOf<T> = T extends readonly unknown[] ? number : T extends ReadonlyMap<infer K, unknown> ? K : string;
type ValueOf<T> = T extends readonly (infer E)[] ? E : T extends ReadonlyMap<unknown, infer V> ? V : T[keyof T];

/** A record's keys, sorted by code unit; a map's keys, in canonical order; a list's indexes. */
export function keys<T extends object>(value: T | Lazy<T>): Lazy<KeyOf<T>[]> {
  return apply('keys', value);
}

/** The values, in the order of keys. */
export function values<T extends object>(value: T | Lazy<T>): Lazy<ValueOf<T>[]> {
  return apply('values', value);
}

/** Pairs of key and value, in the order of keys. */
export function entries<T extends object>(value: T | Lazy<T>): Lazy<[KeyOf<T>, ValueOf<T>][]> {
  return apply('entries', value);
}

/** Text with values in it: text`sample ${name}`. A File or Dir is shown by its location; lists and records are refused. */
export function text(parts: TemplateStringsArray, ...filled: readonly TextPart[]): Lazy<string> {
  return apply('format', [...parts], ...filled);
}

/** The elements' texts with the separator between them. */
export function join(list: Lift<readonly unknown[]>, separator: Lift<string> = ','): Lazy<string> {
  return apply('join', list, separator);
}

/** A part of a list or text, as Array.prototype.slice takes it. */
export function slice<T extends string | readonly unknown[]>(
  value: T | Lazy<T>,
  start: Lift<number>,
  end?: Lift<number>,
): Lazy<T> {
  return end === undefined ? apply('slice', value, start) : apply('slice', value, start, end);
}

/** Records put together; of equal keys the last one counts. */
export function merge<A extends object, B extends object>(a: A | Lazy<A>, b: B | Lazy<B>): Lazy<Omit<A, keyof B> & B> {
  return apply('merge', a, b);
}

/** A record from pairs of key and value. */
export function record<V>(pairs: Lift<readonly (readonly [string, V])[]>): Lazy<Record<string, V>> {
  return apply<Record<string, V>>('record', pairs);
}

/** Lists of equal length to one list of tuples. Fails for unequal lengths. */
export function zip<A, B>(a: Lift<readonly A[]>, b: Lift<readonly B[]>): Lazy<[A, B][]>;
export function zip<T>(...lists: readonly Lift<readonly T[]>[]): Lazy<T[][]>;
export function zip(...lists: readonly unknown[]): Lazy<unknown> {
  return apply('zip', ...lists);
}

/** A list of lists to one list. */
export function flatten<T>(lists: Lift<readonly (readonly T[])[]>): Lazy<T[]> {
  return apply('flatten', lists);
}
