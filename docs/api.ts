/**
 * docs/api.md: what authors import, from core/index.ts. Signatures are those of the declarations that the compiler writes; of
 * each docstring it has the first sentence.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathOf, textOf } from './sources.ts';

const INDEX = 'core/index.ts';

const HEAD = `# What authors import

Everything that \`import { … } from 'redex'\` has: names, signatures and the first sentence of what stands above each in the
sources, which say more. Made by \`npm run docs\` of \`core/index.ts\`: a test fails while the two differ.
`;

interface Exported {
  /** As it is written in core/index.ts: a path below core/, or a package. */
  readonly from: string;
  readonly names: readonly string[];
}

export function apiDocument(): string {
  const folder = mkdtempSync(join(tmpdir(), 'redex-docs-'));
  try {
    writeDeclarations(folder);
    const sections = exportsOf(textOf(INDEX)).map((exported) => section(folder, exported));
    return [HEAD, ...sections].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The compiler's declarations of what core/index.ts reaches, below `folder`. What tsc checks is not checked again. */
function writeDeclarations(folder: string): void {
  const config = {
    extends: pathOf('tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      noCheck: true,
      rootDir: pathOf('.'),
      outDir: folder,
      typeRoots: [pathOf('node_modules/@types')],
    },
    files: [pathOf(INDEX)],
    include: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  execFileSync(pathOf('node_modules/.bin/tsc'), ['-p', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function exportsOf(text: string): Exported[] {
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)';$/gm)].map(([, names = '', from = '']) => ({
    from,
    names: names
      .split(',')
      .map((name) => name.trim().replace(/^type /, ''))
      .filter((name) => name !== ''),
  }));
}

function section(folder: string, { from, names }: Exported): string {
  if (!from.startsWith('./')) return `## Of ${from}\n\n${names.map((name) => `\`${name}\``).join(', ')}\n`;
  const path = from.slice('./'.length);
  const declared = statementsOf(readFileSync(join(folder, 'core', path.replace(/\.ts$/, '.d.ts')), 'utf8'));
  return [`## ${path}\n`, ...names.map((name) => entry(name, declared, path))].join('\n');
}

function entry(name: string, declared: readonly Statement[], path: string): string {
  const own = declared.filter((statement) => statement.name === name);
  if (own.length === 0) throw new Error(`core/${path} declares no ${name}`);
  const said = firstSentence(own.find(({ docstring }) => docstring !== '')?.docstring ?? '');
  const code = own.map(({ text }) => text).join('\n');
  return [`### ${name}\n`, ...(said === '' ? [] : [`${said}\n`]), `\`\`\`ts\n${code}\n\`\`\`\n`].join('\n');
}

interface Statement {
  readonly name: string;
  /** Without its stars; empty where there is none. */
  readonly docstring: string;
  /** Without `export` and `declare`. */
  readonly text: string;
}

/** A constant's inferred type that is longer is another library's, and is not written out. */
const TYPE_LENGTH_MAX = 600;

/** A declaration begins at the left margin, where beside it only its last bracket stands. */
const DOCSTRING = String.raw`^\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n`;
const FIRST_LINE = String.raw`(?:abstract )?(?:function|const|class|interface|type) (\w+)[^\n]*`;
const NEXT_LINES = String.raw`(?:\n(?:[ \t]|[}\])])[^\n]*)*`;
const STATEMENT = new RegExp(`(?:${DOCSTRING})?^export (?:declare )?(${FIRST_LINE}${NEXT_LINES})`, 'gm');

function statementsOf(declarations: string): Statement[] {
  return [...declarations.matchAll(STATEMENT)].map(([, docstring = '', text = '', name = '']) => ({
    name,
    docstring: docstring
      .replace(/^\s*\* ?/gm, '')
      .replace(/\s+/g, ' ')
      .trim(),
    text: text.startsWith('const ') && text.length > TYPE_LENGTH_MAX ? `const ${name}: { … }` : indentedByTwo(text),
  }));
}

/** The compiler indents by four. */
function indentedByTwo(text: string): string {
  return text.replace(/^ +/gm, (indent) => indent.slice(indent.length / 2));
}

/** Up to the first full stop that ends a sentence; those of `1.5` and `a.b` do not. */
function firstSentence(docstring: string): string {
  return /^.*?[.!?](?=\s+[A-Z`'\d(]|$)/.exec(docstring)?.[0] ?? docstring;
}
