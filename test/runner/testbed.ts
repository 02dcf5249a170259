/** A store, a folder of files and the real runner as a child process, for one test file. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { folderAttempts } from '../../core/disk/attempts.ts';
import { folderObjects } from '../../core/disk/objects.ts';
import { putSpecs } from '../../core/engine/manifest.ts';
import { keys, loadLarge } from '../../core/engine/objects.ts';
import type { Attempts, Objects, Outcome } from '../../core/engine/ports.ts';
import type { JobSpec } from '../../core/engine/spec.ts';
import { observeFiles } from '../../core/files/observe.ts';
import { openLeavesOf, withVersions } from '../../core/values/contents.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, Hash, RunId, SubmissionId } from '../../core/values/ids.ts';
import { placeOf } from '../../core/values/staging.ts';
import { ABSENT, type Table } from '../../core/values/table.ts';
import { buildRunner } from '../../docker/runner/build.ts';

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly log: string;
  readonly outcome: Outcome | undefined;
  /** The value of a job that went well. */
  readonly value: unknown;
  /** The error of one that failed. */
  readonly error: (Error & { exitCode?: number; stderr?: string; location?: string }) | undefined;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  log(): string;
}

export interface Script {
  readonly text: string;
  readonly inputs?: unknown;
  /** As an author writes them. */
  readonly outputs?: unknown;
  readonly env?: Record<string, string>;
}

export interface Testbed {
  readonly files: string;
  readonly store: string;
  readonly work: string;
  readonly objects: Objects;
  readonly attempts: Attempts;
  /** The path of a file, made with this content. */
  write(path: string, content: string | Uint8Array): Promise<string>;
  read(path: string): Promise<string>;
  /** The spec of a script whose files have been looked at, as the engine does when the call becomes ready. */
  scriptSpec(script: Script, changes?: Partial<JobSpec>): Promise<JobSpec>;
  start(
    spec: JobSpec,
    options?: {
      holder?: string;
      environment?: Record<string, string>;
      detached?: boolean;
      /** Where its output goes instead of into the log. */
      output?: number;
      /** Words that start it. */
      wrapper?: readonly string[];
      /** The runner itself, where it is another than the one built here. */
      program?: readonly string[];
    },
  ): Promise<Running>;
  run(script: Script): Promise<Ended>;
  remove(): Promise<void>;
}

let count = 0;

/** `within`: the folder that it is made in. */
export async function openTestbed(within = tmpdir()): Promise<Testbed> {
  const root = await mkdtemp(join(within, 'redex-runner-'));
  const [files, store, work] = [join(root, 'files'), join(root, 'store'), join(root, 'work')];
  await Promise.all([files, store, work].map((folder) => mkdir(folder)));
  const { main } = await buildRunner(join(tmpdir(), 'redex-test-runner'));
  const [objects, attempts] = [folderObjects(store), folderAttempts(store)];

  const testbed: Testbed = {
    files,
    store,
    work,
    objects,
    attempts,
    async write(path, content) {
      const file = join(files, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
      return file;
    },
    read: (path) => readFile(join(files, path), 'utf8'),
    async scriptSpec({ text, inputs = [], outputs = null, env = {} }, changes = {}) {
      const args = await observed(files, encode([text, inputs, places(outputs), { env }]), changes.web);
      return {
        v: 1,
        run: 'run1' as RunId,
        submission: 's-1' as SubmissionId,
        eval: digest('test', `${process.pid} ${count++}`) as EvalHash,
        attempt: 1,
        task: 'redex.script',
        bundle: 'b'.repeat(40) as Hash,
        args,
        ...changes,
      };
    },
    async start(
      spec,
      {
        holder = `job-${count++}`,
        environment = {},
        detached = true,
        output,
        wrapper = [],
        program = [process.execPath, main],
      } = {},
    ) {
      const hash = await putSpecs(objects, [spec]);
      const [file = '', ...words] = [...wrapper, ...program];
      const child = spawn(file, words, {
        detached,
        stdio: ['pipe', output ?? 'pipe', output ?? 'pipe'],
        env: {
          PATH: process.env.PATH,
          REDEX_SPEC: keys.spec(hash),
          REDEX_STORE: store,
          REDEX_FILES_ROOT: files,
          REDEX_WORK: work,
          REDEX_PARENT_PIPE: '1',
          AWS_BATCH_JOB_ID: holder,
          AWS_BATCH_JOB_ATTEMPT: '1',
          ...environment,
        },
      });
      return follow(child, () => outcomeOf(attempts, spec), objects);
    },
    run: async (script) => await (await testbed.start(await testbed.scriptSpec(script))).ended,
    remove: () => rm(root, { recursive: true }),
  };
  return testbed;
}

async function observed(root: string, args: Table, web: JobSpec['web']): Promise<Table> {
  const leaves = openLeavesOf(args).files;
  const seen = await observeFiles({ root, web }).observe(leaves);
  // What cannot be seen the engine hands to no job: here it is for the runner to find out.
  const versionOf = (at: number): string => (typeof seen[at] === 'string' ? seen[at] : ABSENT);
  return withVersions(args, (location) => versionOf(leaves.findIndex((leaf) => leaf.location === location)));
}

/** What script() makes of the outputs an author writes. */
function places(outputs: unknown): unknown {
  const one = placeOf(outputs);
  if (one !== outputs) return one;
  if (Array.isArray(outputs)) return outputs.map(places);
  if (outputs && Object.getPrototypeOf(outputs) === Object.prototype) {
    return Object.fromEntries(Object.entries(outputs).map(([key, value]) => [key, places(value)]));
  }
  return outputs;
}

async function outcomeOf(attempts: Attempts, spec: JobSpec): Promise<Outcome | undefined> {
  return (await attempts.read(spec.run, [spec.eval])).get(spec.eval)?.outcome;
}

function follow(child: ChildProcess, outcomeNow: () => Promise<Outcome | undefined>, objects: Objects): Running {
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (log += chunk));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => {
      outcomeNow()
        .then(async (outcome) => {
          const whole = outcome && (await loadLarge(objects, outcome.ok ? outcome.expression : outcome.error));
          const known = whole && decode(whole, { task: (task) => task, expression: (expression) => expression });
          const error = outcome?.ok === false ? (known as Ended['error']) : undefined;
          resolve({ exitCode, signal, log, outcome, value: outcome?.ok ? known : undefined, error });
        })
        .catch(reject);
    });
  });
  return { child, ended, log: () => log };
}

/** Resolves when `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** The processes whose command line holds the text. */
export async function processesWith(text: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(text)) found.push(Number(name));
  }
  return found;
}
