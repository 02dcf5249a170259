/** The command lines that `local` measures beside each other: redex, and others that PyPI has, each in a folder of its own. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../core/values/thrown.ts';
import packageJson from '../package.json' with { type: 'json' };
import { type Ran, timed } from './process.ts';

export interface LocalEngine {
  readonly name: string;
  /** What it can be asked for: tasks of bench/workflow.ts. */
  readonly workflows: ReadonlySet<string>;
  /** The words that run one call, and what it writes when it shows the first job; undefined: it is not measured. */
  readonly first?: { readonly words: readonly string[]; readonly shows: string };
  /** Takes the workflow to its end in the folder, and gives what it came to. */
  run(folder: string, workflow: string, count: number): Promise<{ readonly value: number; readonly ran: Ran }>;
}

/** Or why it is not here, in one line. */
export type FoundEngine = LocalEngine | { readonly name: string; readonly skipped: string };

const REDEX = join(import.meta.dirname, '..', packageJson.bin.redex);
const WORKFLOW = join(import.meta.dirname, 'workflow.ts');
const OTHERS = join(import.meta.dirname, 'others');
const CACHE = join(import.meta.dirname, '..', 'node_modules', '.cache', 'redex-bench');

/** The words that run a workflow of bench/workflow.ts. */
export function redexWords(workflow: string, ...flags: readonly string[]): readonly string[] {
  return [process.execPath, REDEX, 'run', WORKFLOW, `bench.${workflow}`, ...flags];
}

/** Runs a workflow of a file in the folder, and gives the number that it came to. */
export async function runProject(folder: string, file: string, workflow: string) {
  const ran = await timed([process.execPath, REDEX, 'run', file, workflow], { cwd: folder });
  return { value: numberIn(ran.stdout), ran };
}

/** Runs it in the folder, and gives the number that it came to. */
export async function runRedex(folder: string, workflow: string, ...flags: readonly string[]) {
  const ran = await timed(redexWords(workflow, ...flags), { cwd: folder });
  return { value: numberIn(ran.stdout), ran };
}

export const redex: LocalEngine = {
  name: 'redex',
  workflows: new Set(['inline', 'hops', 'main', 'pythons']),
  first: { words: redexWords('inline', '--count', '1'), shows: 'bench.inline' },
  run: (folder, workflow, count) => runRedex(folder, workflow, '--count', String(count)),
};

/** Without the workflow, of others/workflow.py. `bin`: of its virtual environment. */
function redunWords(bin: string): readonly string[] {
  return [join(bin, 'redun'), 'run', join(OTHERS, 'workflow.py')];
}

/** Those that can be had here; each is installed once, in its pinned version. */
export function others(): Promise<FoundEngine[]> {
  return Promise.all([
    installed('redun', 'redun==0.44.1', (bin) => ({
      name: 'redun',
      workflows: new Set(['inline', 'hops', 'main', 'pythons']),
      first: { words: [...redunWords(bin), 'inline', '--count', '1'], shows: 'Run    Job' },
      async run(folder, workflow, count) {
        const ran = await timed([...redunWords(bin), workflow, '--count', String(count)], { cwd: folder });
        return { value: numberIn(ran.stdout), ran };
      },
    })),
    installed('snakemake', 'snakemake==9.27.1', (bin) => ({
      name: 'snakemake',
      workflows: new Set(['main']),
      async run(folder, _workflow, count) {
        const file = join(OTHERS, 'Snakefile');
        const words = [join(bin, 'snakemake'), '--snakefile', file, '--cores', '2', '--config', `count=${count}`];
        const ran = await timed(words, { cwd: folder });
        return { value: numberIn(readFileSync(join(folder, 'total.txt'), 'utf8')), ran };
      },
    })),
  ]);
}

/** A virtual environment cannot be moved: what tells whether it is whole is written last. */
const WHOLE = 'installed';

async function installed(name: string, packages: string, engine: (bin: string) => LocalEngine): Promise<FoundEngine> {
  const folder = join(CACHE, packages);
  try {
    if (!existsSync(join(folder, WHOLE))) {
      await mkdir(CACHE, { recursive: true });
      await timed(['python3', '-m', 'venv', '--clear', folder], { cwd: CACHE });
      await timed([join(folder, 'bin', 'pip'), 'install', '--quiet', packages], { cwd: CACHE });
      await writeFile(join(folder, WHOLE), '');
    }
    return engine(join(folder, 'bin'));
  } catch (error) {
    return { name, skipped: `${packages} cannot be installed: ${messageOf(error).split('\n')[0]}` };
  }
}

/** The number in the last line that is one. */
function numberIn(text: string): number {
  const line = text
    .split('\n')
    .map((one) => one.trim())
    .findLast((one) => /^-?\d+$/.test(one));
  if (line === undefined) throw new Error(`there is no number in ${JSON.stringify(text.slice(-500))}`);
  return Number(line);
}
