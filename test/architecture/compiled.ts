/** Compiles a copy of the project with changes, to see which files the compiler names. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const TSC = join(ROOT, 'node_modules/.bin/tsc');

/** What a change has to be told to, or tells of. */
const FOLDERS = ['core', 'cli', 'docker', 'functions', 'local', 'stack', 'workflows', 'test/golden', 'test/support'];
const FILES = ['package.json', 'redex.config.ts', 'tsconfig.json'];

/** A text that stands once in a file, and what stands there instead. */
export interface Change {
  readonly file: string;
  readonly text: string;
  readonly instead: string;
}

/** A new file. */
export interface Added {
  readonly file: string;
  readonly text: string;
}

export interface Copy {
  /** The files that do not compile with the changes, sorted; the copy is then as it was. */
  complaints(changes: readonly (Change | Added)[]): Promise<string[]>;
  remove(): Promise<void>;
}

export async function copyOfProject(): Promise<Copy> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'redex-growth-')));
  for (const file of FILES) await cp(join(ROOT, file), join(folder, file));
  for (const each of FOLDERS) await cp(join(ROOT, each), join(folder, each), { recursive: true, filter: isSource });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return {
    async complaints(changes) {
      const undo = await Promise.all(changes.map((change) => apply(folder, change)));
      try {
        return await compile(folder);
      } finally {
        for (const takeBack of undo.reverse()) await takeBack();
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function isSource(path: string): boolean {
  return extname(path) === '' || /\.(ts|json)$/.test(path);
}

/** Gives what takes the change back. */
async function apply(folder: string, change: Change | Added): Promise<() => Promise<void>> {
  const path = join(folder, change.file);
  if (!('instead' in change)) {
    await writeFile(path, change.text, { flag: 'wx' });
    return () => rm(path);
  }
  const whole = await readFile(path, 'utf8');
  const [before, after, ...more] = whole.split(change.text);
  if (after === undefined || more.length > 0) throw new Error(`${change.file} does not hold once: ${change.text}`);
  await writeFile(path, `${before}${change.instead}${after}`);
  return () => writeFile(path, whole);
}

/** `path(line,column): error TS…` is what the compiler says of each; other output is a failure of its own. */
function compile(folder: string): Promise<string[]> {
  const args = ['--incremental', '--tsBuildInfoFile', join(folder, 'tsbuildinfo.json'), '--pretty', 'false'];
  return new Promise((resolve, reject) => {
    execFile(TSC, args, { cwd: folder, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const files = new Set([...stdout.matchAll(/^(\S+?)\(\d+,\d+\): error TS\d+/gm)].map(([, file = '']) => file));
      if (error && files.size === 0) reject(new Error(`the compiler gave no report: ${stdout}${stderr}`));
      else resolve([...files].sort());
    });
  });
}
