/** The engine's Host: bundles from the object store, each in worker processes of its own. The engine itself never imports user code. */

import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BundleGone } from '../engine/deployed.ts';
import { getSealed, keys, ValueDamaged, ValueGone } from '../engine/objects.ts';
import type { Host, Objects, TaskResult } from '../engine/ports.ts';
import type { FileAccess } from '../values/classes.ts';
import { digestBytes } from '../values/hash.ts';
import { type Hash, hashNamed } from '../values/ids.ts';
import type { Program, WebSettings } from '../values/program.ts';
import { type PoolOptions, type WorkerPool, workerPool } from './pool.ts';
import type { Call, CallResult } from './protocol.ts';
import { isProcessGone, removeLeftovers, removeNamed } from './temporary.ts';

/** What one call may take. */
export interface CallLimits {
  /** Wall time of one call; undefined: as long as it likes. */
  readonly timeMs: number | undefined;
  /** Heap of the worker; undefined: what V8 gives a process. */
  readonly memoryMb: number | undefined;
}

/** 64 MB for the task itself, and what it takes to decode arguments and to encode a result of 10 MB (measured: 300 MB). */
export const INLINE_LIMITS: CallLimits = { timeMs: 10_000, memoryMb: 512 };
/** For the runner: a batch job has its machine for itself, and its executor keeps the time. */
export const NO_LIMITS: CallLimits = { timeMs: undefined, memoryMb: undefined };

export interface HostOptions {
  readonly objects: Objects;
  /** Where bundles are kept between runs: it may be lost at any time. */
  readonly folder: string;
  /**
   * Whether a bundle leaves the folder with its workers, with all that lies beside its modules, so that the folder stays
   * small: in the cloud, where functions have little disk. Not where the folder is the object store's own.
   */
  readonly tidy?: boolean | undefined;
  /** What File and Dir do inside tasks of a program. It runs in this process, so that the worker needs no credentials. */
  readonly files?: (web: WebSettings | undefined) => FileAccess;
  readonly limits?: CallLimits;
  /** The only environment variables authors' code sees. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of the worker, where this process has another for what is its own. */
  readonly umask?: number | undefined;
  /** Where the project's packages are installed: those with native addons are taken from there. */
  readonly project?: string | undefined;
  /** Whether workers are kept from the machine and from what this process has for itself (`process.ts`). */
  readonly confined?: boolean | undefined;
  /** Gets what authors' code prints. */
  readonly log?: (text: string) => void;
}

/** Ends all workers. A process that only ends need not call it. */
export type ClosableHost = Host & { close(): Promise<void> };

/** Bundles whose workers are kept at once. */
const BUNDLES_MAX = 3;

interface HostedBundle {
  readonly program: Promise<Program>;
  pool?: Promise<WorkerPool>;
}

/** A call rejects when the bundle is not in the store, damaged, or cannot be loaded; everything else is its result. */
export function workerHost(options: HostOptions): ClosableHost {
  const hosted = new Map<Hash, HostedBundle>();
  let unpacking: Promise<unknown> = Promise.resolve();
  // One after another: none is removed that somebody has just looked for.
  const unpack = (bundle: Hash): Promise<string> => {
    const file = unpacking.then(() => fetchBundle(options, bundle, (name) => hosted.has(hashNamed(name))));
    unpacking = file.catch(() => undefined);
    return file;
  };
  const keep = (bundle: Hash): HostedBundle => {
    const found = hosted.get(bundle) ?? { program: readProgram(options.objects, bundle) };
    // What failed is asked for again next time.
    found.program.catch(() => hosted.get(bundle) === found && hosted.delete(bundle));
    hosted.delete(bundle);
    hosted.set(bundle, found);
    void evict(hosted);
    return found;
  };
  const call = async (bundle: Hash, what: Call): Promise<TaskResult> => {
    const kept = keep(bundle);
    kept.pool ??= openPool(options, unpack(bundle), kept.program);
    const pool = await kept.pool.catch((thrown) => {
      delete kept.pool;
      throw thrown;
    });
    return taskResultOf(await pool.call(what));
  };
  return {
    program: (bundle) => keep(bundle).program,
    root: (bundle, workflow, args) => call(bundle, { kind: 'root', workflow, args }),
    run: (bundle, task, args) => call(bundle, { kind: 'run', task, args }),
    async close() {
      const pools = [...hosted.values()].map(({ pool }) => pool);
      hosted.clear();
      await Promise.all(pools.map(async (pool) => (await pool)?.close()));
    },
  };
}

function taskResultOf(result: CallResult): TaskResult {
  if ('description' in result) throw new Error('a worker was called, and described its bundle');
  return result;
}

async function readProgram(objects: Objects, bundle: Hash): Promise<Program> {
  return await getSealed<Program>(objects, keys.program(bundle)).catch((error: unknown) => {
    if (!(error instanceof ValueGone)) throw error;
    // Not a value that one call lacks: without it nothing of the run goes on.
    const what = error instanceof ValueDamaged ? 'damaged in the object store' : 'not in the object store';
    throw new BundleGone(`the program of the bundle ${bundle} is ${what}`);
  });
}

/** Least recently used first; never one that is at work. */
async function evict(hosted: Map<Hash, HostedBundle>): Promise<void> {
  for (const [bundle, { pool }] of [...hosted].slice(0, -BUNDLES_MAX)) {
    const idle = await pool?.then(
      (found) => found.idle && found,
      () => undefined,
    );
    if (idle === false || hosted.get(bundle)?.pool !== pool) continue;
    hosted.delete(bundle);
    await idle?.close();
  }
}

async function openPool(options: HostOptions, file: Promise<string>, program: Promise<Program>): Promise<WorkerPool> {
  const [unpacked, { web }] = await Promise.all([file, program]);
  return workerPool(unpacked, poolOptions(options, web));
}

function poolOptions(
  { files, limits = INLINE_LIMITS, env = {}, umask, project, confined, log = toStderr }: HostOptions,
  web: WebSettings | undefined,
): PoolOptions {
  return { ...limits, files: files?.(web), env, umask, project, confined, log };
}

function toStderr(text: string): void {
  process.stderr.write(text);
}

/** What is still being written, or was when its writer was killed. */
const PART = /^\.[0-9a-f]{40}\./;

/** The bundle as a file; whoever else writes it at the same time writes the same bytes. */
async function fetchBundle(
  { objects, folder: around, tidy = false }: HostOptions,
  bundle: Hash,
  isHeld: (name: string) => boolean,
): Promise<string> {
  const own = join(around, String(process.pid));
  const folder = tidy ? join(own, bundle) : around;
  const file = join(folder, `${bundle}.mjs`);
  // What was kept may have been damaged since.
  const kept = await readFile(file).catch(() => undefined);
  if (kept && digestBytes(kept) === bundle) return file;
  const bytes = await objects.get(keys.bundle(bundle));
  if (!bytes) throw new BundleGone(`the bundle ${bundle} is not in the object store`);
  if (digestBytes(bytes) !== bundle) throw new BundleGone(`the bundle ${bundle} in the object store is damaged`);
  if (tidy) {
    // Of the functions' processes that were killed here before.
    await removeNamed(around, (name) => isProcessGone(Number(name)));
    await removeNamed(own, (name) => name === bundle || !isHeld(name));
  }
  // For its owner alone, as all that redex keeps.
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeLeftovers(folder, (name) => PART.test(name));
  const part = join(folder, `.${bundle}.${randomUUID()}`);
  await writeFile(part, bytes, { mode: 0o600 });
  await rename(part, file);
  return file;
}
