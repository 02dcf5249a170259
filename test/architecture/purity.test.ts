import { beforeAll, describe, expect, it } from 'vitest';
import { lintTexts } from './lint.ts';

interface Case {
  readonly path: string;
  readonly text: string;
  /** Part of the complaint; undefined when there must be none about imports, globals or purity. */
  readonly complaint: string | undefined;
}

const PURE = ['core/values', 'core/language', 'core/graph'];

const IMPURE: readonly (readonly [text: string, complaint: string])[] = [
  ['export const later = async () => 1;', 'no async function'],
  ['export async function later() {}', 'no async function'],
  ['export default async function () {}', 'no async function'],
  ['export class Later { static async later() {} }', 'no async function'],
  ['export const held = { async later() {}, other: async function () {} };', 'no async function'],
  ['export const later = async function* () { yield 1; };', 'no async function'],
  ['export const now = await Promise.resolve(1);', 'no await'],
  ['for await (const one of []) void one;', 'no for await'],
  ['export const then = (given: Promise<number>) => given.then((value) => value + 1);', 'no promises'],
  ['export const both = (given: Promise<number>) => given.then(String, String);', 'no promises'],
  ['export const perhaps = (given?: Promise<number>) => given?.then(String);', 'no promises'],
  ['export const caught = (given: Promise<number>) => given.catch(() => 0);', 'no promises'],
  ['export const ended = (given: Promise<number>) => given.finally(() => undefined);', 'no promises'],
  ["export const hidden = (given: Promise<number>) => given['then'](String);", 'no promises'],
  ['export const made = new Promise<number>(() => undefined);', 'no promises'],
  ['export const made = Promise.resolve(1);', 'no promises'],
  ["export const made = Promise['resolve'](1);", 'no promises'],
  ['export const many = (given: Promise<number>[]) => Promise.all(given);', 'no promises'],
  ['export const at = Date.now();', 'no clock'],
  ['export const clock = Date.now;', 'no clock'],
  ['export const at = new Date();', 'no clock'],
  ['export const at = new Date;', 'no clock'],
  ['export const at = Date();', 'no clock'],
  ['export const at = performance.now();', 'global variable performance'],
  ['export const chance = Math.random();', 'no chance'],
  ['export const id = crypto.randomUUID();', 'global variable crypto'],
  ['export const home = process.env.HOME;', 'global variable process'],
  ['export const { process } = globalThis; export const pid = globalThis.process.pid;', 'by way of globalThis'],
  ['setTimeout(() => 1, 5);', 'global variable setTimeout'],
  ['setImmediate(() => 1);', 'global variable setImmediate'],
  ['setInterval(() => 1, 5);', 'global variable setInterval'],
  ['queueMicrotask(() => 1);', 'global variable queueMicrotask'],
  ["fetch('https://example.org');", 'global variable fetch'],
  ["console.log('here');", 'global variable console'],
  ["export const before = 'a'.localeCompare('b');", 'no locale'],
  ["export const made = new Intl.Collator('de');", 'global variable Intl'],
];

const HARMLESS = [
  'export const at = (ms: number) => new Date(ms);',
  "export const own = (globalThis as Record<symbol, unknown>)[Symbol.for('redex.own')];",
  'export interface Contents { text(location: string): Promise<string> }',
  'export const isLater = (given: unknown) => given instanceof Promise;',
  "export const then = { catch: 'catch' };",
];

/** Folder, what it imports, and whether it may. */
const IMPORTS: readonly (readonly [path: string, specifier: string, allowed: boolean])[] = [
  ['core/values/a.ts', './table.ts', true],
  ['core/values/a.ts', 'node:crypto', false],
  ['core/values/a.ts', 'node:fs', false],
  ['core/values/a.ts', 'valibot', false],
  ['core/values/a.ts', '../language/task.ts', false],
  ['core/values/a.ts', '../graph/facts.ts', false],
  ['core/values/hash.ts', 'node:crypto', true],
  ['core/values/hash.ts', 'node:fs', false],
  ['core/language/a.ts', '../values/table.ts', true],
  ['core/language/a.ts', 'valibot', true],
  ['core/language/a.ts', '@valibot/to-json-schema', true],
  ['core/language/a.ts', 'node:crypto', false],
  ['core/language/a.ts', '../graph/facts.ts', false],
  ['core/language/a.ts', '../engine/ports.ts', false],
  ['core/language/a.ts', '../library/contents.ts', false],
  ['core/library/a.ts', '../language/task.ts', true],
  ['core/library/a.ts', '../values/table.ts', true],
  ['core/library/a.ts', 'node:fs', false],
  ['core/library/a.ts', '../graph/facts.ts', false],
  ['core/library/a.ts', '../engine/ports.ts', false],
  ['core/library/a.ts', '../files/local.ts', false],
  ['core/graph/a.ts', '../values/table.ts', true],
  ['core/graph/a.ts', './forms/cond.ts', true],
  ['core/graph/a.ts', '../environment.ts', false],
  ['core/graph/a.ts', 'node:crypto', false],
  ['core/graph/forms/a.ts', '../graph.ts', true],
  ['core/graph/forms/a.ts', '../../values/table.ts', true],
  ['core/graph/forms/a.ts', '../../engine/ports.ts', false],
  ['core/graph/forms/a.ts', '../../environment.ts', false],
  ['core/graph/a.ts', 'valibot', false],
  ['core/graph/a.ts', '../language/task.ts', false],
  ['core/graph/a.ts', '../engine/ports.ts', false],
  ['core/engine/a.ts', '../graph/facts.ts', true],
  ['core/engine/a.ts', 'node:zlib', true],
  ['core/engine/a.ts', '../aws/batch/executor.ts', false],
  ['core/engine/a.ts', '../disk/objects.ts', false],
  ['core/engine/a.ts', '../host/bundle.ts', false],
  ['core/engine/a.ts', '../library/tasks.ts', false],
  ['core/engine/a.ts', '../files/local.ts', false],
  ['core/engine/a.ts', '../environment.ts', false],
  ['core/engine/a.ts', '../../functions/world.ts', false],
  ['core/engine/a.ts', '@aws-sdk/client-batch', false],
  ['core/aws/a.ts', '@aws-sdk/client-batch', true],
  ['core/aws/a.ts', '../host/bundle.ts', false],
  ['core/files/a.ts', '@aws-sdk/client-s3', true],
  ['core/files/a.ts', '../../local/cloud.ts', false],
  ['core/disk/a.ts', '../engine/ports.ts', true],
  ['core/disk/a.ts', '@aws-sdk/client-s3', false],
  ['core/host/a.ts', '../files/local.ts', true],
  ['core/host/a.ts', '@aws-sdk/client-s3', false],
  ['core/environment.ts', '../functions/world.ts', false],
  ['functions/a.ts', '../core/engine/launch.ts', true],
  ['functions/a.ts', '../local/cloud.ts', false],
  ['functions/a.ts', '@aws-sdk/client-batch', false],
  ['docker/runner.ts', '../core/engine/spec.ts', true],
  ['docker/runner.ts', '../functions/world.ts', false],
  ['docker/runner.ts', '@aws-sdk/client-s3', false],
  ['local/a.ts', '../functions/advance.ts', true],
  ['local/a.ts', '../cli/redex.ts', false],
  ['local/a.ts', '@aws-sdk/client-batch', false],
  ['cli/a.ts', '../local/cloud.ts', true],
  ['cli/a.ts', '@aws-sdk/client-dynamodb', false],
  ['cli/stack.ts', '@aws-sdk/client-cloudformation', true],
  ['cli/stack.ts', '../core/aws/batch/executor.ts', false],
  ['cli/doctor/stack-looks.ts', '@aws-sdk/client-batch', true],
  ['workflows/hello/workflow.ts', '../../core/index.ts', true],
  ['workflows/hello/workflow.ts', './steps.ts', true],
  ['workflows/hello/workflow.ts', '../../core/values/classes.ts', false],
];

const FORMS: readonly ((specifier: string) => string)[] = [
  (specifier) => `import { one } from '${specifier}'; one();`,
  (specifier) => `import type { One } from '${specifier}'; export type Two = One[];`,
  (specifier) => `import '${specifier}';`,
  (specifier) => `export { one } from '${specifier}';`,
  (specifier) => `export * from '${specifier}';`,
  (specifier) => `export const one = () => import('${specifier}');`,
];

/** Each case in a file of its own, numbered so that they can stand side by side. */
function place(path: string, at: number): string {
  return path.endsWith('/a.ts') ? path.replace(/a\.ts$/, `a${at}.ts`) : path;
}

const PURITY: Case[] = PURE.flatMap((folder) => [
  ...IMPURE.map(([text, complaint], at) => ({ path: `${folder}/impure${at}.ts`, text, complaint })),
  ...HARMLESS.map((text, at) => ({ path: `${folder}/harmless${at}.ts`, text, complaint: undefined })),
]);

const ENVIRONMENT: Case[] = [
  { path: 'core/environment.ts', text: 'export const home = process.env.HOME;', complaint: undefined },
  { path: 'local/open-cloud.ts', text: 'export const home = process.env.HOME;', complaint: 'noProcessEnv' },
  { path: 'core/engine/env.ts', text: 'export const home = process.env.HOME;', complaint: 'noProcessEnv' },
  { path: 'functions/env.ts', text: 'export const { HOME } = process.env;', complaint: 'noProcessEnv' },
  { path: 'docker/env.ts', text: "export const home = process['env'].HOME;", complaint: 'noProcessEnv' },
  {
    path: 'docker/env2.ts',
    text: "import { env } from 'node:process'; export const home = env.HOME;",
    complaint: 'noProcessEnv',
  },
  { path: 'core/disk/type.ts', text: "export type One = import('node:fs').Stats;", complaint: 'import type' },
];

function complaintsOf(found: readonly string[] | undefined): string[] {
  if (!found) throw new Error('the file was not linted');
  return found.filter((complaint) => /plugin|noRestricted|noProcessEnv/.test(complaint));
}

describe('values, language and graph', () => {
  let found: Map<string, string[]>;
  beforeAll(async () => {
    found = await lintTexts(Object.fromEntries([...PURITY, ...ENVIRONMENT].map(({ path, text }) => [path, text])));
  });

  it.each(PURITY)('$path: $text', ({ path, complaint }) => {
    const complaints = complaintsOf(found.get(path));
    if (complaint === undefined) expect(complaints).toEqual([]);
    else expect(complaints.join('\n')).toContain(complaint);
  });

  it.each(ENVIRONMENT)('the environment is read in one place: $path', ({ path, complaint }) => {
    const complaints = complaintsOf(found.get(path));
    if (complaint === undefined) expect(complaints).toEqual([]);
    else expect(complaints.join('\n')).toContain(complaint);
  });
});

describe('imports run downwards', () => {
  it.each(FORMS)('in the form %s', async (form) => {
    const byRound = new Map<number, [path: string, allowed: boolean, text: string][]>();
    // A path that stands for one particular file can hold one case a round.
    const used = new Map<string, number>();
    IMPORTS.forEach(([path, specifier, allowed], at) => {
      const file = place(path, at);
      const round = used.get(file) ?? 0;
      used.set(file, round + 1);
      byRound.set(round, [...(byRound.get(round) ?? []), [file, allowed, form(specifier)]]);
    });
    for (const cases of byRound.values()) {
      const found = await lintTexts(Object.fromEntries(cases.map(([path, , text]) => [path, text])));
      const judged = cases.map(([path, , text]) => [path, text, complaintsOf(found.get(path)).length === 0]);
      expect(judged).toEqual(cases.map(([path, allowed, text]) => [path, text, allowed]));
    }
  });
});
