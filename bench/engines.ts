/** The command lines that `local` measures beside each other: redex, and others that PyPI has, each in a folder of its own. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../core/values/thrown.ts';
import { type Ran, timed } from './process.ts';

export interface LocalEngine {
  readonly name: string;
  /** What it can be asked for: tasks of bench/workflow.ts. */
  readonly workflows: ReadonlySet<string>;
  /** Takes the workflow to its end in the folder, and gives what it came to. */
  run(folder: string, workflow: string, count: number): Promise<{ readonly value: number; readonly ran: Ran }>;
}

/** Or why it is not here, in one line. */
export type Found = LocalEngine | { readonly name: string; readonly skipped: string };

const REDEX = join(import.meta.dirname, '..', 'cli', 'redex.ts');
const WORKFLOW = join(import.meta.dirname, 'workflow.ts');
const OTHERS = join(import.meta.dirname, 'others');
const CACHE = join(import.meta.dirname, '..', 'node_modules', '.cache', 'redex-bench');

export const redex: LocalEngine = {
  name: 'redex',
  workflows: new Set(['inline', 'hops', 'main', 'pythons']),
  async run(folder, workflow, count) {
    const words = [process.execPath, REDEX, 'run', WORKFLOW, `bench.${workflow}`, '--count', String(count)];
    const ran = await timed(words, { cwd: folder });
    return { value: numberIn(ran.stdout), ran };
  },
};

/** Those that can be had here; each is installed once, in its pinned version. */
export function others(): Promise<Found[]> {
  return Promise.all([
    installed('redun', 'redun==0.44.1', (bin) => ({
      name: 'redun',
      workflows: new Set(['inline', 'hops', 'main', 'pythons']),
      async run(folder, workflow, count) {
        const words = [join(bin, 'redun'), 'run', join(OTHERS, 'workflow.py'), workflow, '--count', String(count)];
        const ran = await timed(words, { cwd: folder });
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

async function installed(name: string, packages: string, engine: (bin: string) => LocalEngine): Promise<Found> {
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
