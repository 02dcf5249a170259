/**
 * The source texts of functions, as the bundler attached them to each file before linking. They are kept on globalThis,
 * since the calls that attach them stand in user code that imports nothing.
 */
import { TASK } from '../values/classes.ts';
import { encode } from '../values/encode.ts';
import { digest, type Hash } from '../values/hash.ts';
import { hashOf } from '../values/table.ts';
import type { TaskDefinition } from './registry.ts';

const SOURCES = Symbol.for('redex.sources');

/** What the bundler knows of a function. */
interface Source {
  readonly text: string;
  /** Digest of all code of the project that it can reach; '' where that is none. */
  readonly reach: string;
  /** Digests of what it reaches, by name and file: for people. */
  readonly helpers: Readonly<Record<string, string>>;
  /** Names of functions around it that it uses, and what they hold now. */
  readonly captured: readonly string[];
  readonly values?: () => readonly unknown[];
}

function sourceOf(fn: object): Source | undefined {
  const sources = (globalThis as { readonly [SOURCES]?: WeakMap<object, Source> })[SOURCES];
  return sources?.get(fn);
}

/** The helpers of a task without a version, for saying which one changed. */
export function helpersOf({ fn, version }: TaskDefinition): Readonly<Record<string, string>> {
  return (version === undefined && fn && sourceOf(fn)?.helpers) || {};
}

/** A function's text, what it reaches, and what it was given where it was made. */
function codeOf({ text, reach, captured, values }: Source): unknown[] {
  if (!values) return [text, reach];
  const held = valuesOf(values);
  return [text, reach, captured.map((name, at) => [name, held ? valueText(held[at]) : ''])];
}

function valuesOf(values: () => readonly unknown[]): readonly unknown[] | undefined {
  try {
    return values();
  } catch {
    // One of them is declared further down, and was never reached.
    return undefined;
  }
}

/** What cannot be encoded, and a function made in the same place, is known by the text around it alone. */
function valueText(value: unknown): unknown {
  const source = typeof value === 'function' ? sourceOf(value) : undefined;
  if (source) return codeOf(source);
  try {
    return hashOf(encode(value));
  } catch {
    return '';
  }
}

/** The task's hash. Throws when it has neither a version nor a known source, or includes a function without a known source. */
export function taskHash(definition: TaskDefinition): Hash {
  const { name, version, fn, includes } = definition;
  const included = includes.map((part) => includedText(name, part));
  if (version !== undefined) return digest('task', JSON.stringify([name, 'version', version, ...included]));
  const source = fn && sourceOf(fn);
  if (source === undefined) {
    throw new Error(
      `the task ${name} has neither a version nor a known source: write its function where task(…) is called, or give it a version; a package that defines tasks has redex by import, not by require`,
    );
  }
  return digest('task', JSON.stringify([name, 'code', codeOf(source), ...included]));
}

/** A function stands for its source, everything else for its value. */
function includedText(task: string, part: unknown): unknown {
  if (typeof part === 'function') {
    const source = sourceOf(part);
    if (source !== undefined) return codeOf(source);
    if (!isTask(part))
      throw new Error(
        `the task ${task} includes ${part.name || 'a function'}, whose source is not known: only functions at the top level of a file are`,
      );
  }
  return hashOf(encode(part));
}

function isTask(part: object): boolean {
  return (part as { readonly [TASK]?: unknown })[TASK] !== undefined;
}
