/**
 * All code of the project that a function can reach, as one text: the part of a task's hash that stands for its helpers.
 *
 * 1. The text depends on what is reached alone: not on names of files, on the order of declarations, on comments or
 *    types, nor on anything that cannot be reached.
 * 2. It tells apart whatever behaves apart: every name in a reached text is followed to what it means there.
 */
import { valueAt } from '../values/present.ts';
import type { Imported, ModuleFacts, Span } from './module-facts.ts';
import { DEFAULT } from './module-facts.ts';
import type { Reference } from './scopes.ts';

/** One module of the author's. */
export interface SourceModule {
  /** Known to no hash: for messages. */
  readonly path: string;
  readonly facts: ModuleFacts;
  /** The text of a part, in one spelling however it was written. */
  textOf(span: Span): Promise<string>;
  /** What an import of it leads to. */
  resolve(source: string): Promise<ImportTarget>;
  /** The hash of a file beside it; undefined where there is none. */
  hashOf(address: string): Promise<string | undefined>;
  /** The line in the author's file, from 1. */
  lineOf(at: number): number;
}

/** Another module to follow; or what stands for a package, for Node itself, or for data: it is followed no further. */
export type ImportTarget =
  | { readonly module: SourceModule }
  | { readonly leaf: readonly string[]; readonly notes?: readonly string[] };

export interface ReachableCode {
  readonly text: string;
  /** What was reached, for people: name and file, with its own text. */
  readonly parts: readonly { readonly label: string; readonly text: string }[];
  /** What cannot be followed, with file and line. */
  readonly notes: readonly string[];
}

/** A part of a module, a whole module, or what is followed no further. */
type ReachedPart =
  | { readonly module: SourceModule; readonly binding: string }
  | { readonly module: SourceModule; readonly binding: '*' }
  | { readonly leaf: readonly string[] };

interface ReachedText {
  readonly texts: readonly string[];
  /** What each name in the texts means: the number of another entry, or a leaf. */
  readonly names: readonly (readonly [name: string, meaning: number | readonly string[]])[];
}

/**
 * All that a part of the module can reach. Its own text is not in it, that of `around` is: of the function in which it
 * stands, whose names it may use.
 */
export async function reachOf(module: SourceModule, part: Span, around: readonly Span[]): Promise<ReachableCode> {
  const walk = new ReachWalk();
  const texts = await Promise.all(around.map((span) => module.textOf(span)));
  const names = await walk.names(module, [part, ...around]);
  const entries: ReachedText[] = [{ texts, names }];
  for (let next = walk.next(); next; next = walk.next()) entries.push(await walk.textsOf(next));
  const text = entries.length + texts.length + names.length === 1 ? '' : JSON.stringify(entries);
  return { text, parts: walk.parts, notes: [...walk.notes] };
}

class ReachWalk {
  readonly parts: { label: string; text: string }[] = [];
  readonly notes = new Set<string>();
  /** By module and name: numbers in the order in which they are met, so that two equal graphs have equal numbers. */
  readonly #numbers = new Map<SourceModule, Map<string, number>>();
  readonly #queue: { module: SourceModule; binding: string }[] = [];
  #count = 0;
  #done = 0;

  next(): { module: SourceModule; binding: string } | undefined {
    return this.#queue[this.#done++];
  }

  async textsOf({ module, binding }: { module: SourceModule; binding: string }): Promise<ReachedText> {
    if (binding === '*') return { texts: ['*'], names: await this.#exportsOf(module) };
    const { spans } = valueAt(module.facts.bindings, binding);
    const texts = await Promise.all(spans.map((span) => module.textOf(span)));
    this.parts.push({ label: `${binding === DEFAULT ? 'default' : binding} (${module.path})`, text: texts.join('\n') });
    this.#noteChanges(module, binding);
    // By its name, too: several may be declared at once, and imported under any name.
    return { texts: [binding, ...texts], names: await this.names(module, spans) };
  }

  /** What the names in the spans mean, sorted. */
  async names(module: SourceModule, spans: readonly Span[]): Promise<ReachedText['names']> {
    const { facts } = module;
    const within = ({ start }: { readonly start: number }) =>
      spans.some((span) => span.start <= start && start < span.end);
    for (const { start, what } of facts.odd.filter(within)) {
      this.notes.add(
        `${module.path}:${module.lineOf(start)}: ${what} cannot be followed: what it runs is in no task's hash`,
      );
    }
    const wanted = new Map<string, () => Promise<ReachedPart>>();
    for (const reference of facts.scopes.references.filter(within)) {
      if (reference.scope === facts.scopes.module) this.#want(wanted, module, reference);
    }
    for (const { source } of facts.loads.filter(within)) {
      wanted.set(`import ${source}`, () => this.#imported(module, { source, name: '*' }));
    }
    for (const { address } of facts.files.filter(within)) {
      wanted.set(`file ${address}`, async () => ({ leaf: ['file', (await module.hashOf(address)) ?? 'none'] }));
    }
    const sorted = [...wanted].sort(([a], [b]) => (a < b ? -1 : 1));
    const names: [string, number | readonly string[]][] = [];
    for (const [name, find] of sorted) names.push([name, this.#meaning(await find())]);
    return names;
  }

  #want(wanted: Map<string, () => Promise<ReachedPart>>, module: SourceModule, { name, member }: Reference): void {
    const imported = module.facts.imports.get(name);
    if (!imported) wanted.set(name, () => Promise.resolve(localPart(module, name)));
    else if (imported.name === '*' && member !== undefined) {
      wanted.set(`${name}.${member}`, () => this.#imported(module, { source: imported.source, name: member }));
    } else wanted.set(name, () => this.#imported(module, imported));
  }

  async #exportsOf(module: SourceModule): Promise<ReachedText['names']> {
    const names = [...(await exportedNames(module, new Set()))].sort();
    const meanings: [string, number | readonly string[]][] = [];
    for (const name of names) meanings.push([name, this.#meaning(await exportOf(module, name, new Set()))]);
    return meanings;
  }

  async #imported(module: SourceModule, { source, name }: Imported): Promise<ReachedPart> {
    const target = await module.resolve(source);
    if ('leaf' in target) for (const note of target.notes ?? []) this.notes.add(note);
    return partIn(target, name, new Set());
  }

  #meaning(part: ReachedPart): number | readonly string[] {
    if ('leaf' in part) return part.leaf;
    const { module, binding } = part;
    const task = module.facts.bindings.get(binding)?.task;
    // A task counts by its name wherever it is called: its code is in its own hash.
    if (task !== undefined) return ['task', task];
    const known = this.#numbers.get(module) ?? new Map<string, number>();
    this.#numbers.set(module, known);
    const number = known.get(binding) ?? ++this.#count;
    if (!known.has(binding)) this.#queue.push({ module, binding });
    known.set(binding, number);
    return number;
  }

  #noteChanges(module: SourceModule, binding: string): void {
    const { references, module: top } = module.facts.scopes;
    const written = references.find(({ name, scope, isWritten }) => name === binding && scope === top && isWritten);
    if (!written) return;
    this.notes.add(
      `${module.path}:${module.lineOf(written.start)}: ${binding} is changed while the program runs: what it holds then is in no task's hash`,
    );
  }
}

function localPart(module: SourceModule, name: string): ReachedPart {
  if (module.facts.bindings.has(name)) return { module, binding: name };
  return { leaf: ['declared', name] };
}

function partIn(target: ImportTarget, name: string, seen: Set<string>): Promise<ReachedPart> {
  if ('leaf' in target) return Promise.resolve({ leaf: [...target.leaf, name] });
  return name === '*' ? Promise.resolve({ module: target.module, binding: '*' }) : exportOf(target.module, name, seen);
}

/** What the module exports under the name, also by way of others; cycles end at what is not there. */
async function exportOf(module: SourceModule, name: string, seen: Set<string>): Promise<ReachedPart> {
  const key = `${module.path} ${name}`;
  if (seen.has(key)) return { leaf: ['missing', name] };
  seen.add(key);
  const found = module.facts.exports.get(name);
  if (found && 'local' in found) {
    const imported = module.facts.imports.get(found.local);
    return imported
      ? partIn(await module.resolve(imported.source), imported.name, seen)
      : localPart(module, found.local);
  }
  if (found) return partIn(await module.resolve(found.source), found.name, seen);
  const leaves: string[][] = [];
  for (const source of name === 'default' ? [] : module.facts.stars) {
    const target = await module.resolve(source);
    if ('leaf' in target) leaves.push([...target.leaf, name]);
    else {
      const part = await exportOf(target.module, name, seen);
      if (!('leaf' in part && part.leaf[0] === 'missing')) return part;
    }
  }
  return { leaf: leaves[0] ?? ['missing', name] };
}

async function exportedNames(module: SourceModule, seen: Set<SourceModule>): Promise<Set<string>> {
  if (seen.has(module)) return new Set();
  seen.add(module);
  const names = new Set(module.facts.exports.keys());
  for (const source of module.facts.stars) {
    const target = await module.resolve(source);
    if ('leaf' in target) names.add(`* ${target.leaf.join(' ')}`);
    else for (const name of await exportedNames(target.module, seen)) if (name !== 'default') names.add(name);
  }
  return names;
}
