/** A project in a folder of its own, with this repository's workflows, run by the command line as anybody would. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** Tiny shell scripts under the names of Debian's tools. */
const STAND_INS = fileURLToPath(new URL('stand-ins', import.meta.url));

interface Row {
  readonly pending: number;
  readonly running: number;
  readonly failed: number;
  readonly cached: number;
  readonly done: number;
  readonly total: number;
}

export interface Ended {
  readonly code: number;
  /** Both streams. */
  readonly text: string;
  /** The last status table, by task; 'ALL' is the sum. */
  readonly table: Readonly<Record<string, Row>>;
}

export interface Project {
  readonly folder: string;
  /** `redex run …`; `tools` says whose come first on PATH. */
  run(args: readonly string[], tools: 'real' | 'stand-ins'): Promise<Ended>;
  remove(): Promise<void>;
}

export async function makeProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'redex-workflow-'));
  await cp(join(REPOSITORY, 'workflows'), join(folder, 'workflows'), { recursive: true });
  await cp(join(REPOSITORY, 'redex.config.ts'), join(folder, 'redex.config.ts'));
  await cp(join(REPOSITORY, 'package.json'), join(folder, 'package.json'));
  await symlink(join(REPOSITORY, 'core'), join(folder, 'core'));
  return {
    folder,
    run: (args, tools) => runRedex(folder, args, tools),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function runRedex(cwd: string, args: readonly string[], tools: 'real' | 'stand-ins'): Promise<Ended> {
  const path = [...(tools === 'stand-ins' ? [STAND_INS] : []), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH: path, NO_COLOR: '1' };
  return new Promise((resolve, reject) => {
    const command = [join(REPOSITORY, 'cli/redex.mjs'), 'run', ...args];
    const child = execFile(process.execPath, command, { cwd, env, maxBuffer: 1 << 26 }, (_, stdout, stderr) => {
      const text = stdout + stderr;
      resolve({ code: child.exitCode ?? -1, text, table: lastTable(text) });
    });
    child.on('error', reject);
  });
}

function lastTable(text: string): Record<string, Row> {
  const block = text.slice(text.lastIndexOf('JOB STATUS'));
  const rows = [...block.matchAll(/^\[redex\] \| (\S+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) *$/gm)];
  return Object.fromEntries(
    rows.map(([, task, ...counts]) => {
      const [pending = 0, running = 0, failed = 0, cached = 0, done = 0, total = 0] = counts.map(Number);
      return [task, { pending, running, failed, cached, done, total }];
    }),
  );
}

/** Which of the programs are not on PATH. */
export async function missingTools(names: readonly string[]): Promise<string[]> {
  const looks = names.map(
    (name) =>
      new Promise<string[]>((resolve) => {
        execFile('sh', ['-c', 'command -v "$1"', 'sh', name], (error) => resolve(error ? [name] : []));
      }),
  );
  return (await Promise.all(looks)).flat();
}

/** Writes a file of arguments into the project; gives the flags that name it. */
export async function argsFile(project: Project, args: Readonly<Record<string, unknown>>): Promise<string[]> {
  const path = join(project.folder, 'args.json');
  await writeFile(path, JSON.stringify(args));
  return ['--args-file', path];
}
