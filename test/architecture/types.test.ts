/**
 * What the compiler does not see: types that are claimed instead of shown, and names that stand for two things. A cast is
 * allowed where its group says why no better type is to be had.
 */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDERS = ['bench', 'cli', 'core', 'demo', 'docker', 'docs', 'functions', 'local', 'stack', 'workflows'];

const CASTS_MAX = 60;

/** Why there are casts, and in which files. */
const REASONS: Readonly<Record<string, readonly string[]>> = {
  'a text becomes a name here alone': ['core/values/ids.ts'],
  'an element, or a value of a map, that is there and may itself be undefined': ['core/values/present.ts'],
  'what redex has written itself has the type that it was written from': [
    'core/values/json.ts',
    'core/graph/fields.ts',
  ],
  'what everyone else may only read is written here': ['core/graph/edits.ts'],
  'a check has gone through it': ['core/graph/options.ts', 'functions/shapes.ts'],
  'one type each way between two processes': ['cli/client.ts', 'core/host/protocol.ts', 'core/host/worker.ts'],
  'a type that only the compiler knows': ['core/language/phantom.ts'],
  'one value for all copies of a module': ['core/values/shared.ts'],
  'middleware adds to what it is given': ['core/aws/clients.ts', 'functions/invocation.ts'],
  'the SDK says less than it gives': ['core/aws/signature.ts'],
};

interface Cast {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

interface Found {
  readonly casts: readonly Cast[];
  /** Files by the name of a type, an interface or a class that they declare. */
  readonly names: ReadonlyMap<string, readonly string[]>;
}

function look(files: readonly string[]): Found {
  const casts: Cast[] = [];
  const names = new Map<string, string[]>();
  for (const file of files) {
    const source = readFileSync(join(ROOT, file), 'utf8');
    const declare = ({ id }: { readonly id: { readonly name: string } | null }): void => {
      if (id) names.set(id.name, [...(names.get(id.name) ?? []), file]);
    };
    const visitor = new Visitor({
      TSAsExpression({ start, end, typeAnnotation }) {
        if (source.slice(typeAnnotation.start, typeAnnotation.end) === 'const') return;
        casts.push({ file, line: source.slice(0, start).split('\n').length, text: source.slice(start, end) });
      },
      TSTypeAliasDeclaration: declare,
      TSInterfaceDeclaration: declare,
      ClassDeclaration: declare,
    });
    visitor.visit(parseSync(file, source).program);
  }
  return { casts, names };
}

const FILES = globSync(`{${FOLDERS.join()}}/**/*.ts`, { cwd: ROOT, exclude: ['**/node_modules/**'] }).sort();

describe('the sources', () => {
  const { casts, names } = look(FILES);

  it('are all looked at', () => {
    expect(FILES.length).toBeGreaterThan(300);
    expect(names.get('Graph')).toEqual(['core/graph/graph.ts']);
  });

  it(`have fewer than ${CASTS_MAX} casts`, () => {
    expect(casts.length).toBeLessThan(CASTS_MAX);
  });

  it('have casts only where a group says why', () => {
    const allowed = new Set(Object.values(REASONS).flat());
    const unexplained = casts.filter(({ file }) => !allowed.has(file));
    expect(unexplained.map(({ file, line, text }) => `${file}:${line}: ${text}`)).toEqual([]);
  });

  it('have a cast in every file that a group names', () => {
    const cast = new Set(casts.map(({ file }) => file));
    expect(
      Object.values(REASONS)
        .flat()
        .filter((file) => !cast.has(file)),
    ).toEqual([]);
  });

  it('declare every name of a type once', () => {
    expect([...names].filter(([, files]) => files.length > 1)).toEqual([]);
  });
});
