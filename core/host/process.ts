/**
 * One worker process with one bundle. A process and not a thread: V8 ends the whole process when a thread's heap grows
 * in large steps (`for (;;) list.push(0)` is enough), whatever the thread's resource limits say.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname, extname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { memoryBytesOf } from '../proc.ts';
import type { FileAccess } from '../values/classes.ts';
import {
  type Call,
  type CallResult,
  type CallState,
  type FromWorker,
  type PlainError,
  plainError,
  received,
  type ToWorker,
} from './protocol.ts';

/** The worker's entry: beside this file, or beside the program that this code was bundled into. */
const WORKER_URL = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

export interface ProcessOptions {
  readonly env: Readonly<Record<string, string>>;
  /** MB of V8's heap; undefined: V8's own choice. */
  readonly memoryMb: number | undefined;
  /** undefined: this process's. */
  readonly umask?: number | undefined;
  /** The folder from which packages that are no part of the bundle are looked for; undefined: the working directory. */
  readonly project?: string | undefined;
  /**
   * Under Node's permission model: the worker reads its bundle and its own program, writes the files that lie beside the
   * bundle's modules, and starts no process, thread or debugger. What this process has for itself stays out of its reach,
   * though both are one user's. On Linux.
   */
  readonly confined?: boolean | undefined;
  readonly files: FileAccess | undefined;
  readonly log: (text: string) => void;
}

/** How a worker ended. */
export type WorkerEnd =
  | { readonly kind: 'memory' }
  | { readonly kind: 'crashed'; readonly error: PlainError }
  | { readonly kind: 'exit'; readonly code: number | null; readonly signal: string | null };

export interface WorkerProcess {
  /** Whether the bundle was loaded; the end of the worker before that rejects it with an Error. */
  readonly ready: Promise<void>;
  /** Resolves when the worker is gone. */
  readonly ended: Promise<WorkerEnd>;
  call(id: number, call: Call): void;
  /** What the calls in flight are doing, or undefined when the worker does not answer in time. */
  probe(timeoutMs: number): Promise<readonly CallState[] | undefined>;
  kill(): void;
  /** Whether the engine's process waits for this worker before it ends. */
  keepAlive(on: boolean): void;
}

/** What a worker needs beside V8's heap: the program, the young generation, a few buffers. */
const RESIDENT_OVERHEAD_MB = 192;

const MEMORY_SIGNALS: ReadonlySet<string> = new Set(['SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGUSR2']);

/** Starts a worker for the bundle in `file`. `settled` gets what calls come to. */
export function startWorker(
  file: string,
  options: ProcessOptions,
  settled: (id: number, result: CallResult) => void,
): WorkerProcess {
  const { memoryMb, umask, project = '', confined = false } = options;
  const residentBytesMax = memoryMb === undefined ? 0 : (memoryMb + RESIDENT_OVERHEAD_MB) * 1e6;
  // A thread that it may start is one that keeps to nothing: who confines it watches it from here.
  const guard = confined ? '' : String(residentBytesMax);
  const given = [file, guard, umask === undefined ? '' : umask.toString(8), project];
  const child = fork(realpathSync(fileURLToPath(WORKER_URL)), given, {
    serialization: 'advanced',
    env: { ...options.env },
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      ...(memoryMb === undefined ? [] : [`--max-old-space-size=${memoryMb}`]),
      ...(confined ? permissions(file) : []),
    ],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  if (confined) {
    ignoreDebuggers();
    watchMemory(child, residentBytesMax);
  }
  forward(child.stdout, options.log);
  forward(child.stderr, options.log);
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<WorkerEnd>();
  const pongs: ((calls: readonly CallState[] | undefined) => void)[] = [];
  let crash: PlainError | undefined;
  let killed = false;
  const tell = (message: ToWorker): void => {
    if (child.connected) child.send(message);
  };
  child.on('message', (message) => {
    const said = received<FromWorker>(message);
    if (said.type === 'ready') ready.resolve();
    else if (said.type === 'settled') settled(said.id, said.result);
    else if (said.type === 'pong') pongs.shift()?.(said.calls);
    else if (said.type === 'crashed') crash = said.error;
    else void respond(options.files, said).then(tell);
  });
  // A message that no longer reaches a dying worker is an error too; its end says more.
  child.on('error', (error) => child.pid === undefined && finish({ kind: 'crashed', error: plainError(error) }));
  child.on('close', (code, signal) => finish(crash ? { kind: 'crashed', error: crash } : endOf(code, signal, killed)));
  const finish = (end: WorkerEnd): void => {
    ready.reject(new Error(describeEnd(end, 'the bundle')));
    ended.resolve(end);
    for (const pong of pongs.splice(0)) pong(undefined);
  };
  ready.promise.catch(() => undefined);
  return {
    ready: ready.promise,
    ended: ended.promise,
    call: (id, call) => tell({ type: 'call', id, call }),
    probe: (timeoutMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve(undefined), timeoutMs);
        pongs.push((calls) => {
          clearTimeout(timer);
          resolve(calls);
        });
        tell({ type: 'ping' });
      }),
    kill: () => {
      killed = true;
      child.kill('SIGKILL');
    },
    keepAlive: (on) => keepAlive(child, on),
  };
}

/** Its program's files: one folder with nothing else in it where it was bundled, else the sources and their packages. */
const PROGRAM_FOLDER = fileURLToPath(new URL(extname(import.meta.url) === '.ts' ? '../../' : './', import.meta.url));

function permissions(bundle: string): string[] {
  const [file, program] = [realpathSync(bundle), realpathSync(PROGRAM_FOLDER)];
  // As `assets.ts` lays them out.
  const assets = join(dirname(file), 'assets', '*');
  return [
    '--permission',
    // It opens files without asking for permission.
    '--no-experimental-sqlite',
    ...[file, assets, join(program, '*')].map((path) => `--allow-fs-read=${path}`),
    `--allow-fs-write=${assets}`,
  ];
}

/** Node opens a debugger to whoever sends it SIGUSR1, and may be told by it to do anything. */
function ignoreDebuggers(): void {
  if (process.listeners('SIGUSR1').includes(ignore)) return;
  process.on('SIGUSR1', ignore);
}

const ignore = (): undefined => undefined;

const WATCH_MS = 100;

/** As the guard in the worker does, which a confined one has not: buffers are not in the limit that V8 keeps by itself. */
function watchMemory(child: ChildProcess, residentBytesMax: number): void {
  const { pid } = child;
  if (residentBytesMax === 0 || pid === undefined) return;
  const watch = setInterval(() => {
    if (memoryBytesOf(pid).resident > residentBytesMax) child.kill('SIGUSR2');
  }, WATCH_MS).unref();
  child.once('exit', () => clearInterval(watch));
}

function endOf(code: number | null, signal: string | null, killed: boolean): WorkerEnd {
  // A kill that was not ours is the kernel's, which was out of memory.
  const full = signal !== null && (MEMORY_SIGNALS.has(signal) || (signal === 'SIGKILL' && !killed));
  return full ? { kind: 'memory' } : { kind: 'exit', code, signal };
}

/** One sentence; `who` is the task, or the bundle. */
export function describeEnd(end: WorkerEnd, who: string): string {
  switch (end.kind) {
    case 'memory':
      return `${who} ran out of memory`;
    case 'crashed':
      return end.error.stack ?? end.error.message;
    case 'exit':
      return end.signal
        ? `${who} ended its process by ${end.signal}`
        : `${who} ended its process with code ${end.code}`;
  }
}

async function respond(
  files: FileAccess | undefined,
  { id, method, args }: Extract<FromWorker, { type: 'request' }>,
): Promise<ToWorker> {
  try {
    if (!files) throw new Error('files can be read and written only inside a task');
    return { type: 'response', id, value: await Reflect.apply(files[method], files, args) };
  } catch (thrown) {
    return { type: 'rejection', id, error: plainError(thrown) };
  }
}

/** What an author prints; not what V8 prints about a heap that is full, which says nothing to an author. */
function forward(stream: Readable | null, log: (text: string) => void): void {
  let dying = false;
  stream?.setEncoding('utf8').on('data', (text: string) => {
    if (dying) return;
    const at = text.indexOf('\n<--- Last few GCs --->');
    dying = at >= 0;
    const own = dying ? text.slice(0, at) : text;
    if (own !== '') log(own);
  });
}

function keepAlive(child: ChildProcess, on: boolean): void {
  const change = on ? 'ref' : 'unref';
  child[change]();
  child.channel?.[change]();
  // Pipes of a child are sockets.
  for (const stream of [child.stdout, child.stderr]) if (stream instanceof Socket) stream[change]();
}
