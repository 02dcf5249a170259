/** The command line in a project of its own, with stand-ins for the tools, as a process that can be stopped or killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { delimiter, resolve } from 'node:path';

export const COMMAND = resolve(import.meta.dirname, '../../cli/redex.mjs');
const STAND_INS = resolve(import.meta.dirname, '../workflow/stand-ins');

export interface Ended {
  /** null: ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/**
 * `npx redex WORDS…` in the folder. `variables` are set, or taken away, beside what this process has; `detached` gives it a
 * process group of its own, as a shell does.
 */
export function begin(
  folder: string,
  words: readonly string[],
  variables: NodeJS.ProcessEnv = {},
  detached = false,
): Started {
  const env = { ...process.env, PATH: [STAND_INS, process.env.PATH].join(delimiter), NO_COLOR: '1', ...variables };
  const child = spawn(process.execPath, [COMMAND, ...words], {
    cwd: folder,
    env,
    detached,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return { child, ended: new Promise((done) => child.once('close', (code) => done({ code, stdout, stderr }))) };
}

export function redex(folder: string, ...words: string[]): Promise<Ended> {
  return begin(folder, words).ended;
}

export interface RunEnd {
  readonly run: string;
  readonly status: string;
  readonly result?: unknown;
  readonly tally: Readonly<Record<string, { readonly cached: number; readonly done: number; readonly failed: number }>>;
}

/** What `--json` printed. Throws, with all that was said, when that is no end of a run. */
export function runEnd({ code, stdout, stderr }: Ended): RunEnd {
  try {
    return JSON.parse(stdout) as RunEnd;
  } catch (cause) {
    throw new Error(`redex ended with ${code}:\n${stdout}\n${stderr}`, { cause });
  }
}

/** Jobs that ran and jobs that were reused, by task; those with none are left out. */
export function counts({ tally }: RunEnd, column: 'done' | 'cached' | 'failed'): Record<string, number> {
  const rows = Object.entries(tally).map(([task, row]) => [task, row[column]] as const);
  return Object.fromEntries(rows.filter(([, count]) => count > 0));
}
