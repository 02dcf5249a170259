/** An author's module, opened: as JavaScript, with its syntax tree, and with the text that each part of it has in hashes. */
import { basename, extname } from 'node:path';
import { type AnyNode, parse } from 'acorn';
import { type Loader, type TransformOptions, transform } from 'esbuild';
import * as v from 'valibot';
import type { Asset } from './assets.ts';
import { factsOf, type Span } from './module-facts.ts';
import type { SourceModule } from './reach.ts';
import { lineStarts, type Mappings, originOf, parseMappings } from './source-map.ts';

const LOADERS: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.jsx': 'jsx',
};

/** Fixed, because the texts that come out are hashed: nothing of the author's tsconfig reaches them. */
const OPTIONS = {
  target: 'esnext',
  legalComments: 'none',
  charset: 'utf8',
  tsconfigRaw: '{}',
  logLevel: 'silent',
} as const satisfies TransformOptions;

/** Whether functions of the file at `path` can be given sources. */
export function hasSources(path: string): boolean {
  return extname(path) in LOADERS;
}

/** An author's module as JavaScript, and all that is known of it. */
export interface OpenModule extends SourceModule {
  fileAt(address: string): Promise<Asset | undefined>;
  readonly code: string;
  readonly mappings: Mappings;
  /** Of the source map. */
  readonly names: readonly string[];
  readonly program: AnyNode;
}

/** As esbuild writes it; the rest is said anew. */
const SourceMap = v.object({ mappings: v.string(), names: v.array(v.string()) });

/** Throws esbuild's TransformFailure when `text` is not TypeScript. */
export async function openModule(
  file: { readonly path: string; readonly text: string },
  around: Pick<OpenModule, 'resolve' | 'fileAt'>,
): Promise<OpenModule> {
  const { path, text } = file;
  const plain = await transform(text, {
    ...OPTIONS,
    loader: LOADERS[extname(path)] ?? 'js',
    format: 'esm',
    sourcemap: 'external',
    sourcesContent: false,
    sourcefile: basename(path),
  });
  const { code } = plain;
  const map = v.parse(SourceMap, JSON.parse(plain.map));
  const mappings = parseMappings(map.mappings);
  const program = parse(code, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true });
  const renamings = renamed(code, mappings, map.names);
  const texts = new Map<string, Promise<string>>();
  return {
    path,
    code,
    mappings,
    names: map.names,
    program,
    facts: factsOf(program),
    ...around,
    hashOf: async (address) => (await around.fileAt(address))?.hash,
    textOf(span) {
      const key = `${span.start} ${span.end}`;
      const known = texts.get(key) ?? canonical(restore(code, span, renamings));
      texts.set(key, known);
      return known;
    },
    lineOf(at) {
      const before = code.slice(0, at).split('\n');
      const origin = originOf(mappings, before.length - 1, before.at(-1)?.length ?? 0);
      return (origin?.line ?? before.length - 1) + 1;
    },
  };
}

/** The author's name of every identifier esbuild renamed because something elsewhere in the file has that name too, by offset. */
function renamed(code: string, mappings: Mappings, names: readonly string[]): Map<number, string> {
  const starts = lineStarts(code);
  const found = new Map<number, string>();
  mappings.forEach((line, number) => {
    for (const [column, , , , name] of line) {
      if (name !== undefined) found.set((starts[number] ?? 0) + column, names[name] ?? '');
    }
  });
  return found;
}

const IDENTIFIER = /[\p{ID_Continue}$\u200c\u200d]+/uy;

function restore(code: string, { start, end }: Span, names: ReadonlyMap<number, string>): string {
  let text = '';
  let from = start;
  for (const [at, name] of names) {
    if (at < from || at >= end) continue;
    IDENTIFIER.lastIndex = at;
    const identifier = IDENTIFIER.exec(code)?.[0];
    if (identifier === undefined) continue;
    text += code.slice(from, at) + name;
    from = at + identifier.length;
  }
  return text + code.slice(from, end);
}

/** One spelling for a part wherever it stands: printed again by itself, without comments and indentation. */
async function canonical(text: string): Promise<string> {
  const expression = text.replace(/;\s*$/, '');
  const options = { ...OPTIONS, loader: 'js', minifyWhitespace: true } as const;
  // A method is no expression; it was printed by esbuild before.
  const { code } = await transform(`(${expression});`, options).catch(() => ({ code: text }));
  return code.trimEnd();
}
