/**
 * The worker pool of one bundle. Calls share a worker until one of them breaks it; then whoever was in it is run again,
 * isolated.
 *
 * 1. A call fails for its worker's end only when nothing else was ever called in there: another call may have left behind
 *    what ended it, or it was gone already. It fails for time only when it was alone or the worker was idle all the while.
 * 2. A call runs at most twice.
 * 3. A worker with a call that never ends gets no new calls, and is killed when the others are done.
 */
import { encode } from '../values/encode.ts';
import { type ErrorName, reviveError } from '../values/errors.ts';
import { describeEnd, type ProcessOptions, startWorker, type WorkerEnd, type WorkerProcess } from './process.ts';
import type { Call, CallResult } from './protocol.ts';

export interface WorkerPool {
  /** Rejects with an Error when the bundle cannot be loaded. */
  call(call: Call): Promise<CallResult>;
  readonly idle: boolean;
  /** Ends all workers; calls in flight are rejected. */
  close(): Promise<void>;
}

export interface PoolOptions extends ProcessOptions {
  /** Of one call; undefined: none. */
  readonly timeMs: number | undefined;
}

/** Calls in one worker at once: enough to overlap waiting for files, few enough to be run again one by one. */
const SHARED_MAX = 32;
/** For a bundle to be loaded; a top level that takes longer waits for something or loops. */
const LOAD_MS_MAX = 30_000;
/** For a worker to answer at all. One that is computing does not. */
const PROBE_MS = 500;

interface PendingCall {
  readonly id: number;
  readonly call: Call;
  readonly result: PromiseWithResolvers<CallResult>;
  timer?: NodeJS.Timeout;
}

interface PooledWorker {
  readonly process: WorkerProcess;
  readonly pending: Map<number, PendingCall>;
  /** Calls that it has had. */
  served: number;
  loaded: boolean;
  /** Takes no new calls. */
  retired: boolean;
}

interface PoolState {
  readonly file: string;
  readonly options: PoolOptions;
  readonly queue: PendingCall[];
  /** To be run again, each in a worker of its own: they were in one that broke. */
  readonly isolated: PendingCall[];
  readonly workers: Set<PooledWorker>;
  /** The worker of the queue, and that of an isolated call. */
  shared?: PooledWorker | undefined;
  dedicated?: PooledWorker | undefined;
}

/** Starts no worker before the first call. */
export function workerPool(file: string, options: PoolOptions): WorkerPool {
  const pool: PoolState = { file, options, queue: [], isolated: [], workers: new Set() };
  let ids = 0;
  return {
    call(call) {
      const pending: PendingCall = { id: ids++, call, result: Promise.withResolvers() };
      pool.queue.push(pending);
      dispatch(pool);
      return pending.result.promise;
    },
    get idle() {
      const { queue, isolated, workers } = pool;
      return queue.length + isolated.length === 0 && [...workers].every(({ pending }) => pending.size === 0);
    },
    close: () => closePool(pool),
  };
}

/** Gives waiting calls a worker as far as there is room. */
function dispatch(pool: PoolState): void {
  while (pool.queue.length > 0) {
    pool.shared ??= spawn(pool);
    if (pool.shared.pending.size >= SHARED_MAX) break;
    assignNext(pool, pool.shared, pool.queue);
  }
  if (pool.dedicated?.pending.size === 0) retire(pool, pool.dedicated);
  // Each has a worker of its own, so that what comes of it is its doing.
  if (pool.isolated.length === 0 || pool.dedicated) return;
  pool.dedicated = spawn(pool);
  assignNext(pool, pool.dedicated, pool.isolated);
}

function spawn(pool: PoolState): PooledWorker {
  const pending = new Map<number, PendingCall>();
  const process = startWorker(pool.file, pool.options, (id, result) => {
    const settled = pending.get(id);
    if (!settled) return;
    release(worker, settled);
    settled.result.resolve(result);
    dispatch(pool);
  });
  const worker: PooledWorker = { process, pending, served: 0, loaded: false, retired: false };
  pool.workers.add(worker);
  const overdue = setTimeout(() => process.kill(), LOAD_MS_MAX);
  process.ready.then(
    () => {
      worker.loaded = true;
      clearTimeout(overdue);
    },
    () => clearTimeout(overdue),
  );
  void process.ended.then((end) => workerEnded(pool, worker, end));
  return worker;
}

function assignNext(pool: PoolState, worker: PooledWorker, from: PendingCall[]): void {
  const next = from.shift();
  if (next) assign(pool, worker, next);
}

function assign(pool: PoolState, worker: PooledWorker, pending: PendingCall): void {
  const { timeMs } = pool.options;
  worker.pending.set(pending.id, pending);
  worker.served++;
  worker.process.keepAlive(true);
  const begin = (): void => {
    if (!worker.pending.has(pending.id)) return;
    worker.process.call(pending.id, pending.call);
    if (timeMs !== undefined) pending.timer = setTimeout(() => void timeUp(pool, worker, pending), timeMs);
  };
  worker.process.ready.then(begin, () => undefined);
}

function release(worker: PooledWorker, pending: PendingCall): void {
  clearTimeout(pending.timer);
  worker.pending.delete(pending.id);
  if (worker.pending.size > 0) return;
  worker.process.keepAlive(false);
  if (worker.retired) worker.process.kill();
}

function retire(pool: PoolState, worker: PooledWorker): void {
  worker.retired = true;
  if (pool.shared === worker) pool.shared = undefined;
  if (pool.dedicated === worker) pool.dedicated = undefined;
  if (worker.pending.size === 0) worker.process.kill();
}

/** The call has had its time. Is it the one to blame? */
async function timeUp(pool: PoolState, worker: PooledWorker, pending: PendingCall): Promise<void> {
  const calls = await worker.process.probe(PROBE_MS);
  if (!worker.pending.has(pending.id)) return;
  const state = calls?.find(({ id }) => id === pending.id);
  const idle = state !== undefined && state.busyMs < state.elapsedMs / 2;
  if (idle || worker.pending.size === 1) {
    release(worker, pending);
    pending.result.resolve(failure('TimedOut', tooLong(pending.call, pool.options.timeMs)));
  } else isolateAll(pool, worker);
  retire(pool, worker);
  dispatch(pool);
}

function isolateAll(pool: PoolState, worker: PooledWorker): void {
  for (const pending of [...worker.pending.values()]) {
    release(worker, pending);
    pool.isolated.push(pending);
  }
}

function workerEnded(pool: PoolState, worker: PooledWorker, end: WorkerEnd): void {
  const { workers, queue, isolated, options } = pool;
  workers.delete(worker);
  retire(pool, worker);
  const [first] = worker.pending.values();
  if (!worker.loaded) {
    // The next worker would load no better.
    const reason = new Error(notLoaded(end));
    const lost = [...worker.pending.values(), ...queue.splice(0), ...isolated.splice(0)];
    for (const pending of lost) pending.result.reject(reason);
  } else if (first && worker.served === 1) {
    release(worker, first);
    first.result.resolve(endedDuring(first.call, end, options.memoryMb));
  } else isolateAll(pool, worker);
  dispatch(pool);
}

async function closePool(pool: PoolState): Promise<void> {
  const { queue, isolated } = pool;
  const workers = [...pool.workers];
  const lost = [...queue.splice(0), ...isolated.splice(0), ...workers.flatMap(({ pending }) => [...pending.values()])];
  for (const worker of workers) {
    for (const pending of [...worker.pending.values()]) release(worker, pending);
    retire(pool, worker);
    worker.process.keepAlive(true);
  }
  for (const pending of lost) pending.result.reject(new Error('the host was closed'));
  await Promise.all(workers.map(({ process }) => process.ended));
}

function notLoaded(end: WorkerEnd): string {
  if (end.kind === 'exit' && end.signal === 'SIGKILL') {
    return `the bundle did not load within ${LOAD_MS_MAX / 1000} s: its top level waits or loops`;
  }
  return describeEnd(end, 'the bundle');
}

function nameOf(call: Call): string {
  if (call.kind === 'program') return 'the program';
  return call.kind === 'root' ? `the call of ${call.workflow}` : `the task ${call.task}`;
}

function tooLong(call: Call, timeMs: number | undefined): string {
  return `${nameOf(call)} did not finish within the ${(timeMs ?? 0) / 1000} s that an inline task has: give it executor: 'batch'`;
}

function endedDuring(call: Call, end: WorkerEnd, memoryMb: number | undefined): CallResult {
  const who = nameOf(call);
  if (end.kind !== 'memory') return failure('Error', describeEnd(end, who));
  if (memoryMb === undefined) return failure('OutOfMemory', describeEnd(end, who));
  return failure(
    'OutOfMemory',
    `${who} needs more than the ${memoryMb} MB that an inline task has: give it executor: 'batch'`,
  );
}

function failure(name: ErrorName | 'Error', message: string): CallResult {
  return { ok: false, error: encode(reviveError(name, [...new Set([name, 'Error'])], message, {})) };
}
