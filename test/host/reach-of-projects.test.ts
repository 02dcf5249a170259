import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOfTasks } from './modules-in-memory.ts';

type Files = Readonly<Record<string, string>>;

const TASK = "import { task } from 'redex';\n";

/** A project as a plan: what each declaration is, and which others it names. The oracle sees only this, never the code. */
interface Plan {
  /** By number: in which file, of which kind, what it uses. */
  readonly declarations: readonly { readonly file: number; readonly kind: number; readonly uses: readonly number[] }[];
  readonly ways: readonly number[];
}

const FILES_MAX = 4;
const KINDS = 5;

const plans: fc.Arbitrary<Plan> = fc.integer({ min: 2, max: 9 }).chain((count) =>
  fc.record({
    declarations: fc.array(
      fc.record({
        file: fc.nat(FILES_MAX - 1),
        kind: fc.nat(KINDS - 1),
        uses: fc.uniqueArray(fc.nat(count - 1), { maxLength: 3 }),
      }),
      { minLength: count, maxLength: count },
    ),
    ways: fc.array(fc.nat(3), { minLength: count * count, maxLength: count * count }),
  }),
);

/** The code of a plan, in which declaration `at` holds `values[at]`. Every file has a task that uses its declarations 0, 3, 6 … */
function written({ declarations, ways }: Plan, values: readonly number[]): Files {
  const files: Record<string, string> = {};
  const isJson = (at: number) => declarations[at]?.kind === 4;
  for (let file = 0; file < FILES_MAX; file++) {
    const imports = new Set<string>();
    /** How declaration `at` is named in this file. */
    const named = (at: number): string => {
      if (isJson(at)) {
        imports.add(`import j${at} from './j${at}.json';`);
        return `j${at}`;
      }
      const home = declarations[at]?.file ?? 0;
      if (home === file) return `d${at}`;
      switch (ways[at * declarations.length + file]) {
        case 0:
          imports.add(`import { d${at} } from './m${home}.ts';`);
          return `d${at}`;
        case 1:
          imports.add(`import { d${at} as x${at} } from './m${home}.ts';`);
          return `x${at}`;
        case 2:
          imports.add(`import { d${at} as y${at} } from './all.ts';`);
          return `y${at}`;
        default:
          imports.add(`import * as ns${home} from './m${home}.ts';`);
          return `ns${home}.d${at}`;
      }
    };
    const lines = declarations.flatMap(({ file: home, kind, uses }, at) => {
      if (home !== file || kind === 4) return [];
      const used = uses.map((use) => named(use)).join(', ');
      // Names of other declarations stand here, too, where they mean something else.
      const hidden = '{ const d0 = 1; void d0; }';
      return [
        [
          `export const d${at} = () => [${values[at]}, ${used}];`,
          `export function d${at}(d1) { ${hidden} return [${values[at]}, (() => [${uses.includes(1) ? '' : used}])()]; }`,
          `export class d${at} { static v = ${values[at]}; m() { return [${used}]; } }`,
          `export const d${at} = { v: ${values[at]}, d0: 2, get() { return [${used}]; } };`,
        ][kind],
      ];
    });
    const mine = declarations.flatMap((_, at) => (at % FILES_MAX === file ? [named(at)] : []));
    files[`m${file}.ts`] = [TASK, ...imports, ...lines, `task('t${file}', () => [${mine.join(', ')}]);`].join('\n');
  }
  declarations.forEach((_, at) => {
    if (isJson(at)) files[`j${at}.json`] = `{"v": ${values[at]}}`;
  });
  files['all.ts'] = Array.from({ length: FILES_MAX }, (_, file) => `export * from './m${file}.ts';`).join('\n');
  return files;
}

/** Slow and simple: what the task of a file can reach, by the plan. */
function reachable({ declarations }: Plan, file: number): Set<number> {
  const reached = new Set<number>();
  const reach = (at: number): void => {
    if (reached.has(at)) return;
    reached.add(at);
    const { kind, uses } = declarations[at] as Plan['declarations'][number];
    // A function of kind 1 has a parameter d1 that hides the declaration; see `written`.
    const used = kind === 4 || (kind === 1 && uses.includes(1)) ? [] : uses;
    for (const use of used) reach(use);
  };
  for (const at of declarations.keys()) if (at % FILES_MAX === file) reach(at);
  return reached;
}

describe('of random projects, with functions, classes, constants, JSON, cycles, re-exports and hidden names', () => {
  it('the hash of each task changes exactly when something that it can reach does', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.nat(), async (plan, chosen) => {
        const values = plan.declarations.map((_, at) => at + 100);
        const changed = chosen % plan.declarations.length;
        const before = await codeOfTasks(written(plan, values));
        const after = await codeOfTasks(
          written(
            plan,
            values.map((value, at) => (at === changed ? value + 1000 : value)),
          ),
        );
        for (let file = 0; file < FILES_MAX; file++) {
          const isOther = before.get(`t${file}`)?.whole !== after.get(`t${file}`)?.whole;
          expect([file, isOther]).toEqual([file, reachable(plan, file).has(changed)]);
        }
      }),
      { numRuns: 150 },
    );
  });
});
