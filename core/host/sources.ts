/**
 * Gives functions their own text before they are linked, and what they can reach: the part of a task's hash that stands
 * for its code.
 *
 * 1. The text depends on the function alone: not on its file's name, on what else is in the file or the bundle, on comments,
 *    types, indentation, or on names a linker gives.
 * 2. Lines of the author's file are found again through the source map.
 */
import { digest } from '../values/hash.ts';
import { ASSETS_MODULE, LAY_OUT } from './assets.ts';
import { type FunctionSpan, functionsOf } from './function-spans.ts';
import type { Span } from './module-facts.ts';
import type { OpenModule } from './open-module.ts';
import { type ReachableCode, reachOf } from './reach.ts';
import type { LexicalScope } from './scopes.ts';
import { formatMappings, type Insertion, insertInto, type Mappings } from './source-map.ts';

/** The module that keeps the texts, and the one function it exports. */
const SOURCES_MODULE = 'redex:sources';
const REGISTER = '__redexSource';

/** Function to what is known of it, for the whole process or thread: the language reads it under the same symbol. */
export const SOURCES_CODE = `const sources = (globalThis[Symbol.for('redex.sources')] ??= new WeakMap());
export function ${REGISTER}(value, text, reach, helpers, captured, values) {
  sources.set(value, { text, reach, helpers, captured, values });
  return value;
}
`;

/**
 * The module as JavaScript that registers, for every function given to `task(…)` and every function and class at its top
 * level, its text and what it can reach; with an inline source map. `source`: the author's file, as esbuild is to read it
 * there.
 */
export async function attachSources(
  module: OpenModule,
  source: string,
): Promise<{ readonly code: string; readonly mappings: Mappings; readonly notes: readonly string[] }> {
  const { code, mappings, names } = module;
  const notes = new Set<string>();
  const spans = functionsOf(module.program);
  const insertions: Insertion[] = [];
  // Before functions: where one ends with such an address, both end at one place.
  for (const { start, end, address } of module.facts.files) {
    const asset = await module.fileAt(address);
    if (!asset) continue;
    const { hash, name, mode, base64 } = asset;
    insertions.push({ at: start, text: `${LAY_OUT}(` });
    insertions.push({
      at: end,
      text: `, ${[hash, name, mode, base64].map((part) => JSON.stringify(part)).join(', ')})`,
    });
  }
  for (const span of spans) {
    const text = await module.textOf(span);
    const { around, captured } = span.declared ? NO_CLOSURE : closureOf(module, span);
    const reach = await reachOf(module, span, around);
    if (span.isTask) for (const note of reach.notes) notes.add(note);
    insertions.push(...insertionsFor(span, registration(text, reach, captured)));
  }
  // Imports are hoisted, so the last place is as good as the first, and no line moves.
  insertions.push({
    at: code.length,
    text: `import { ${REGISTER} } from "${SOURCES_MODULE}"; import { ${LAY_OUT} } from "${ASSETS_MODULE}";`,
  });
  insertions.sort((a, b) => a.at - b.at);
  const done = insertInto(code, mappings, insertions);
  const moved = JSON.stringify({
    version: 3,
    sources: [source],
    names,
    mappings: formatMappings(done.mappings),
  });
  const url = `data:application/json;base64,${Buffer.from(moved).toString('base64')}`;
  return { code: `${done.code}\n//# sourceMappingURL=${url}\n`, mappings: done.mappings, notes: [...notes] };
}

interface Closure {
  readonly around: readonly Span[];
  /** Names of the functions around which it uses, or a function of theirs that it uses, sorted; their own have their text there. */
  readonly captured: readonly { readonly name: string; readonly isText: boolean }[];
}

const NO_CLOSURE: Closure = { around: [], captured: [] };

/** A function inside of another one may use what that one was given: its values are known when the program runs. */
function closureOf({ facts }: OpenModule, span: Span): Closure {
  const captured = new Map<string, boolean>();
  let outer: LexicalScope | undefined;
  const texts = new Set<Span>([span]);
  for (const { start, end } of texts) {
    for (const { name, scope, ...reference } of facts.scopes.references) {
      const isWithin = start <= reference.start && reference.start < end;
      if (!isWithin || !scope || scope === facts.scopes.module || (start <= scope.start && scope.start < end)) continue;
      const text = scope.functions.get(name);
      if (text) texts.add(text);
      if (name !== 'arguments' && !captured.has(name)) captured.set(name, text !== undefined);
      outer ??= scope;
      while (outer.parent && outer.parent !== facts.scopes.module) outer = outer.parent;
    }
  }
  if (!outer) return NO_CLOSURE;
  const sorted = [...captured].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    around: [{ start: outer.start, end: outer.end }],
    captured: sorted.map(([name, isText]) => ({ name, isText })),
  };
}

/** What follows the function in the call that registers it. */
function registration(text: string, { text: reached, parts }: ReachableCode, captured: Closure['captured']): string {
  const helpers = Object.fromEntries(parts.map((part) => [part.label, digest('helper', part.text).slice(0, 8)]));
  const names = captured.map(({ name }) => name);
  const known = [text, reached === '' ? '' : digest('reach', reached), helpers, names].map((part) =>
    JSON.stringify(part),
  );
  // Each by itself, since one may never have been reached.
  const values = captured.map(({ name, isText }) => (isText ? 'undefined' : `() => ${name}`));
  return [...known, ...(captured.length > 0 ? [`[${values.join(', ')}]`] : [])].join(', ');
}

function insertionsFor({ start, end, declared }: FunctionSpan, text: string): Insertion[] {
  if (declared) return [{ at: declared.after, text: `;${REGISTER}(${declared.name}, ${text});` }];
  return [
    { at: start, text: `${REGISTER}(` },
    { at: end, text: `, ${text})` },
  ];
}
