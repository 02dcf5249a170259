/**
 * The entry of a worker: a process that loads one bundle (its first argument) and runs what it is asked to. It does no
 * I/O of its own: files go through the engine's process, so that this one needs no credentials and no SDK.
 */

import { dirname, join, sep } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { provideFileAccess } from '../library/contents.ts';
import type { BundleModule } from '../library/entry.ts';
import type { FileAccess } from '../values/classes.ts';
import {
  type Call,
  type CallResult,
  type CallState,
  type FromWorker,
  plainError,
  received,
  type ToWorker,
} from './protocol.ts';

const [, , bundleFile = '', residentBytesMax = '', umask = '', project = ''] = process.argv;
// What authors' code writes by itself is the user's.
if (umask !== '') process.umask(umask);
// Where packages with native addons are installed (`addons.ts`).
if (project !== '') Object.assign(globalThis, { [Symbol.for('redex.project')]: project });
/** The bundle's folder as stacks spell it. */
const FOLDER = join(dirname(bundleFile), sep);

function send(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

const running = new Map<number, { readonly startedAt: number; readonly busyAt: number }>();
const requests = new Map<number, PromiseWithResolvers<unknown>>();
let requestIds = 0;

/** What the engine's process gives is what the method of its own gave. */
function request<M extends keyof FileAccess>(method: M, ...args: Parameters<FileAccess[M]>): ReturnType<FileAccess[M]> {
  const id = requestIds++;
  const response = Promise.withResolvers<unknown>();
  requests.set(id, response);
  send({ type: 'request', id, method, args });
  return response.promise as ReturnType<FileAccess[M]>;
}

const access: FileAccess = {
  text: (location) => request('text', location),
  bytes: (location) => request('bytes', location),
  write: (location, data) => request('write', location, data),
  copy: (from, to, options) => request('copy', from, to, options),
  copyDir: (from, to) => request('copyDir', from, to),
  concat: (from, to) => request('concat', from, to),
  version: (kind, location) => request('version', kind, location),
  list: (location) => request('list', location),
};

const OWN_FRAME = /^ {4}at .*(\bnode:internal\/|\bredex:)/;

/** V8 names a function without a name after the call it stands in, which is the bundler's (`sources.ts`). */
const BUNDLERS_NAME = /^( {4}at ).*\b__redexSource\..* \(/;

/** Without frames of this process's own machinery, and with paths as in the bundle: two machines give one stack. */
function tidyStack(thrown: unknown): void {
  const seen = new Set<unknown>();
  for (let error = thrown; error instanceof Error && !seen.has(error); error = error.cause) {
    seen.add(error);
    if (typeof error.stack !== 'string' || Object.isFrozen(error)) continue;
    const lines = error.stack.split('\n').filter((line) => !OWN_FRAME.test(line) && !line.includes(import.meta.url));
    const named = lines.map((line) => line.replace(BUNDLERS_NAME, '$1<anonymous> ('));
    error.stack = named.join('\n').replaceAll(pathToFileURL(FOLDER).href, '').replaceAll(FOLDER, '');
  }
}

async function load(): Promise<BundleModule> {
  process.setSourceMapsEnabled(true);
  provideFileAccess(access);
  const loaded: { readonly redexBundle: BundleModule } = await import(pathToFileURL(bundleFile).href);
  return loaded.redexBundle;
}

async function carryOut(bundle: BundleModule, call: Call): Promise<CallResult> {
  switch (call.kind) {
    case 'program':
      return { ok: true, description: { program: bundle.program(), notes: bundle.notes() } };
    case 'root':
      return { ok: true, table: bundle.root(call.workflow, call.args) };
    case 'run':
      return { ok: true, table: await bundle.invoke(call.task, call.args) };
  }
}

async function settle(bundle: BundleModule, { id, call }: Extract<ToWorker, { type: 'call' }>): Promise<void> {
  running.set(id, { startedAt: performance.now(), busyAt: busyMs() });
  try {
    const result = await carryOut(bundle, call);
    send({ type: 'settled', id, result });
  } catch (thrown) {
    tidyStack(thrown);
    send({ type: 'settled', id, result: { ok: false, error: bundle.encodeError(thrown) } });
  } finally {
    running.delete(id);
  }
}

function busyMs(): number {
  return performance.eventLoopUtilization().active;
}

function states(): CallState[] {
  const now = performance.now();
  const busy = busyMs();
  return [...running].map(([id, { startedAt, busyAt }]) => ({ id, elapsedMs: now - startedAt, busyMs: busy - busyAt }));
}

function receive(bundle: BundleModule, message: ToWorker): void {
  switch (message.type) {
    case 'call':
      void settle(bundle, message);
      return;
    case 'ping':
      send({ type: 'pong', calls: states() });
      return;
    case 'response':
      requests.get(message.id)?.resolve(message.value);
      requests.delete(message.id);
      return;
    case 'rejection':
      requests.get(message.id)?.reject(Object.assign(new Error(message.error.message), message.error));
      requests.delete(message.id);
  }
}

/** A task that wants to end the process fails by itself, and its neighbours go on. */
function forbidExit(): (code: number) => never {
  const exit = process.exit.bind(process);
  process.exit = (code) => {
    throw new Error(`process.exit(${code ?? ''}) was called: a task returns or throws, it does not end the process`);
  };
  process.abort = () => {
    throw new Error('process.abort() was called: a task returns or throws, it does not end the process');
  };
  return exit;
}

/**
 * Unless the engine does that: ends the process when the engine's is gone or when it has grown too big, also while the author's code never yields.
 * SIGUSR2 says which: buffers are not in the limit that V8 keeps by itself.
 */
const GUARD = `
const { workerData } = require('node:worker_threads');
setInterval(() => {
  if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
  if (workerData.max > 0 && process.memoryUsage.rss() > workerData.max) process.kill(process.pid, 'SIGUSR2');
}, 100);`;

function startGuard(): void {
  const workerData = { parent: process.ppid, max: Number(residentBytesMax) };
  new Worker(GUARD, {
    eval: true,
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
  }).unref();
}

async function main(): Promise<void> {
  const exit = forbidExit();
  const crash = (thrown: unknown): void => {
    if (!process.connected) exit(1);
    tidyStack(thrown);
    process.send?.({ type: 'crashed', error: plainError(thrown) } satisfies FromWorker, undefined, {}, () => exit(1));
  };
  process.on('disconnect', () => exit(0));
  // The terminal sends it to every process of its group; when to stop is the engine's decision.
  process.on('SIGINT', () => undefined);
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  if (residentBytesMax !== '') startGuard();
  const bundle = await load();
  process.on('message', (message) => receive(bundle, received(message)));
  send({ type: 'ready' });
}

await main();
