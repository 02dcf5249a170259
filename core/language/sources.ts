/**
 * The source texts of functions, as the bundler attached them to each file before linking. They are kept on globalThis,
 * since the calls that attach them stand in user code that imports nothing.
 */

import { taskOf } from '../values/classes.ts';
import { byCodeUnit, encode, NotEncodable } from '../values/encode.ts';
import { isRecord } from '../values/guards.ts';
import { digest } from '../values/hash.ts';
import type { Hash } from '../values/ids.ts';
import { shared } from '../values/shared.ts';
import { hashOf } from '../values/table.ts';
import { splitOptions } from './callable.ts';
import type { TaskDefinition } from './registry.ts';

/** What the bundler knows of a function. */
interface Source {
  readonly text: string;
  /** Digest of all code of the project that it can reach; '' where that is none. */
  readonly reach: string;
  /** Digests of what it reaches, by name and file: for people. */
  readonly helpers: Readonly<Record<string, string>>;
  /** Names of functions around it that it uses, and what they hold; undefined for what is known by the text around it. */
  readonly captured: readonly string[];
  readonly values?: readonly ((() => unknown) | undefined)[];
}

const SOURCES = shared<WeakMap<object, Source>>('redex.sources');

function sourceOf(fn: object): Source | undefined {
  return SOURCES.get()?.get(fn);
}

/** The helpers of a task without a version, for saying which one changed. */
export function helpersOf({ fn, version }: TaskDefinition): Readonly<Record<string, string>> {
  return (version === undefined && fn && sourceOf(fn)?.helpers) || {};
}

/** Is told what a task holds that no hash can follow: by which name, and what it is. */
export type Unfollowed = (name: string, what: string) => void;

/** The texts of functions and the values they were given; what cannot be followed is ''. */
class Texts {
  readonly #unfollowed: Unfollowed;
  /** In the order in which they are met: what contains itself, or stands in many places, is read once. */
  readonly #numbers = new Map<object, number>();

  constructor(unfollowed: Unfollowed) {
    this.#unfollowed = unfollowed;
  }

  /** A function's text, what it reaches, and what it was given where it was made. */
  code(source: Source): unknown[] {
    const { text, reach, captured, values } = source;
    if (!values) return [text, reach];
    return [text, reach, captured.map((name, at) => [name, this.#held(name, values[at])])];
  }

  #held(name: string, value: (() => unknown) | undefined): unknown {
    if (!value) return '';
    try {
      return this.#value(name, value());
    } catch (thrown) {
      // What was never reached, being declared further down, is of no use to the task either.
      if (!(thrown instanceof ReferenceError)) this.#unfollowed(name, 'something that cannot be read');
      return '';
    }
  }

  #value(name: string, value: unknown): unknown {
    const fn = typeof value === 'function' ? value : undefined;
    const source = fn && sourceOf(fn);
    if (source) return this.#once(fn, () => this.code(source));
    try {
      return hashOf(encode(value));
    } catch (thrown) {
      if (!(thrown instanceof NotEncodable)) throw thrown;
      return this.#parts(name, value);
    }
  }

  /** Of what is no value of a task as a whole. */
  #parts(name: string, value: unknown): unknown {
    const { task, options } = splitOptions(value);
    if (options) return ['task', hashOf(encode(task)), this.#value(name, options)];
    if (value instanceof RegExp) return ['regexp', String(value)];
    if (typeof value === 'function' && Reflect.get(globalThis, value.name) === value) return ['global', value.name];
    const list = (values: Iterable<unknown>) => [...values].map((part) => this.#value(name, part));
    if (Array.isArray(value)) return this.#once(value, () => ['list', ...list(value)]);
    if (value instanceof Map) return this.#once(value, () => ['map', list(value.keys()), list(value.values())]);
    if (value instanceof Set) return this.#once(value, () => ['set', ...list(value)]);
    if (!isRecord(value) || Object.getOwnPropertySymbols(value).length > 0) {
      this.#unfollowed(name, kindOf(value));
      return '';
    }
    const keys = Object.keys(value).sort(byCodeUnit);
    return this.#once(value, () => ['record', keys, list(keys.map((key) => value[key]))]);
  }

  #once(value: object, read: () => unknown): unknown {
    const number = this.#numbers.get(value);
    if (number !== undefined) return ['met', number];
    this.#numbers.set(value, this.#numbers.size);
    return read();
  }
}

function kindOf(value: unknown): string {
  if (typeof value === 'function') return `a function (${value.name || 'without a name'}) whose source is not known`;
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  return `an instance of ${Object.getPrototypeOf(value)?.constructor?.name || 'a class'}`;
}

/** The task's hash; `unfollowed` is told what no hash can have of what it holds. Throws when it has neither a version nor a known source, or includes a function without a known source. */
export function taskHash(definition: TaskDefinition, unfollowed: Unfollowed = () => undefined): Hash {
  const { name, version, fn, includes } = definition;
  const texts = new Texts(unfollowed);
  const included = includes.map((part) => includedText(texts, name, part));
  if (version !== undefined) return digest('task', JSON.stringify([name, 'version', version, ...included]));
  const source = fn && sourceOf(fn);
  if (source === undefined) {
    throw new Error(
      `the task ${name} has neither a version nor a known source: write its function where task(…) is called, or give it a version; a package that defines tasks has redex by import, not by require`,
    );
  }
  return digest('task', JSON.stringify([name, 'code', texts.code(source), ...included]));
}

/** A function stands for its source, everything else for its value. */
function includedText(texts: Texts, task: string, part: unknown): unknown {
  if (typeof part === 'function') {
    const source = sourceOf(part);
    if (source !== undefined) return texts.code(source);
    if (taskOf(part) === undefined)
      throw new Error(
        `the task ${task} includes ${part.name || 'a function'}, whose source is not known: only functions at the top level of a file are`,
      );
  }
  return hashOf(encode(part));
}
