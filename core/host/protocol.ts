/** What the engine's process and the process that holds a bundle say to each other. Structured clones, in order. */
import type { TaskResult } from '../engine/ports.ts';
import type { FileAccess } from '../values/classes.ts';
import type { Program } from '../values/program.ts';
import type { Table } from '../values/table.ts';

export type Call =
  | { readonly kind: 'program' }
  | { readonly kind: 'root'; readonly workflow: string; readonly args: unknown }
  | { readonly kind: 'run'; readonly task: string; readonly args: Table };

/** What the bundle says of itself: the answer to a call of the kind `program`. */
export interface BundleDescription {
  readonly program: Omit<Program, 'bundle'>;
  readonly notes: readonly string[];
}

export type CallResult = TaskResult | { readonly ok: true; readonly description: BundleDescription };

/** A thrown thing as far as it crosses between processes when there is no bundle to encode it. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
}

export type ToWorker =
  | { readonly type: 'call'; readonly id: number; readonly call: Call }
  /** Asks what is going on; answered as soon as the author's code lets the worker answer. */
  | { readonly type: 'ping' }
  /** What a request of the worker's came to. */
  | { readonly type: 'response'; readonly id: number; readonly value: unknown }
  | { readonly type: 'rejection'; readonly id: number; readonly error: PlainError };

export type FromWorker =
  | { readonly type: 'ready' }
  /** The bundle could not be loaded, or code that belongs to no call threw. The worker ends. */
  | { readonly type: 'crashed'; readonly error: PlainError }
  | { readonly type: 'settled'; readonly id: number; readonly result: CallResult }
  | { readonly type: 'pong'; readonly calls: readonly CallState[] }
  /** A task reads or writes files: the engine's process does it. */
  | {
      readonly type: 'request';
      readonly id: number;
      readonly method: keyof FileAccess;
      readonly args: readonly unknown[];
    };

export interface CallState {
  readonly id: number;
  /** Since the call began, and how much of that the worker was computing, for this or another call. */
  readonly elapsedMs: number;
  readonly busyMs: number;
}

/** The one place where what arrives gets its type: both ends are of one release, and send nothing else. */
export function received<M extends ToWorker | FromWorker>(message: unknown): M {
  return message as M;
}

export function plainError(thrown: unknown): PlainError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
  const { name, message, stack } = thrown;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? { code: thrown.code } : {};
  return { name, message, ...(stack === undefined ? {} : { stack }), ...code };
}
