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

function sourceOf(fn: object): string | undefined {
  const sources = (globalThis as { readonly [SOURCES]?: WeakMap<object, string> })[SOURCES];
  return sources?.get(fn);
}

/** The task's hash. Throws when it has neither a version nor a known source, or includes a function without a known source. */
export function taskHash(definition: TaskDefinition): Hash {
  const { name, version, fn, includes } = definition;
  const included = includes.map((part) => includedText(name, part));
  if (version !== undefined) return digest('task', JSON.stringify([name, 'version', version, ...included]));
  const source = fn && sourceOf(fn);
  if (source === undefined) {
    throw new Error(
      `the task ${name} has neither a version nor a known source: write its function where task(…) is called, or give it a version`,
    );
  }
  return digest('task', JSON.stringify([name, 'source', source, ...included]));
}

/** A function stands for its source, everything else for its value. */
function includedText(task: string, part: unknown): string {
  if (typeof part === 'function') {
    const source = sourceOf(part);
    if (source !== undefined) return source;
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
