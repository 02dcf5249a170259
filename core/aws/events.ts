/** What comes to the queue of events, in the engine's words: its own wake-ups, and what executors tell. */
import type { ExecutorNews } from '../engine/executor.ts';
import type { RunId } from '../values/ids.ts';
import { parseBatchEvent } from './batch/events.ts';
import { parseWakeUp } from './bus.ts';

export type QueueEvent = { readonly kind: 'wake-up'; readonly stack: string; readonly run: RunId } | ExecutorNews;

/** Undefined for what is not ours, or not understood. */
export function parseEvent(event: unknown): QueueEvent | undefined {
  const wakeUp = parseWakeUp(event);
  return wakeUp ? { kind: 'wake-up', ...wakeUp } : parseBatchEvent(event);
}
