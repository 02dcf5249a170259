/** Watches a run to its end: a live table on a terminal, and what to print when it is over. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadLarge } from '../core/engine/objects.ts';
import type { Objects, RunStatus, RunSummary, World } from '../core/engine/ports.ts';
import type { QueuedJob } from '../core/engine/waiting.ts';
import type { RunId } from '../core/graph/facts.ts';
import type { Cloud } from '../local/cloud.ts';
import type { Live } from './live.ts';
import { plain, pretty } from './pretty.ts';
import { withScriptLines } from './script-lines.ts';
import { durationLine, statusTable } from './status-table.ts';

const POLL_MS = 200;

const OVER: ReadonlySet<RunStatus> = new Set(['DONE', 'FAILED', 'CANCELLED']);

export function isOver(summary: RunSummary): boolean {
  return OVER.has(summary.status);
}

/** By its user, until he carries it on. */
export function isStopped({ held }: World, summary: RunSummary): boolean {
  return !isOver(summary) && held?.has(summary.run) === true;
}

type QueueWatcher = (summary: RunSummary) => Promise<readonly QueuedJob[]>;

/** Shows the run until it is over; undefined when `interrupt` comes first. */
export async function watch(
  cloud: Cloud,
  run: RunId,
  table: Live,
  interrupt: AbortSignal,
  queuedOf: QueueWatcher = () => Promise.resolve([]),
): Promise<RunSummary | undefined> {
  let look = new AbortController();
  const stopListening = cloud.onRunEnded(() => look.abort());
  try {
    while (!interrupt.aborted) {
      look = new AbortController();
      const summary = await statusOf(cloud, run);
      if (isOver(summary)) return summary;
      table.show(statusTable(summary.tally, Date.now(), await queuedOf(summary)));
      await sleep(POLL_MS, undefined, { signal: AbortSignal.any([interrupt, look.signal]) }).catch(() => undefined);
    }
    return undefined;
  } finally {
    table.clear();
    stopListening();
  }
}

async function statusOf(cloud: Cloud, run: RunId): Promise<RunSummary> {
  const answer = (await cloud.invoke('status', { run })) as RunSummary | { readonly errors: readonly string[] };
  if ('errors' in answer) throw new Error(answer.errors.join('\n'));
  return answer;
}

/**
 * The end of a run for people: table, duration, and the value; a failure's story is for `failureText`. `waitedMs`: how
 * long the user of a command waited for it; by default from the run's start, which may lie days before it was carried on.
 */
export async function endText(objects: Objects, summary: RunSummary, waitedMs?: number): Promise<string> {
  const { endedAt = summary.updatedAt, startedAt, status, result, tally } = summary;
  const lines = [...statusTable(tally, endedAt), durationLine(waitedMs ?? endedAt - startedAt)];
  if (status === 'DONE' && result) lines.push(pretty(await loadLarge(objects, result)));
  return lines.join('\n');
}

/** What went wrong, and where to read on; empty for a run that ended well. */
export async function failureText(objects: Objects, summary: RunSummary): Promise<string> {
  const { status, run, traceback, otherErrors = [] } = summary;
  if (status === 'DONE') return '';
  if (status === 'CANCELLED') return `The run ${run} was cancelled.`;
  const others = otherErrors.length > 0 ? ['', 'Other errors:', ...otherErrors.map((error) => `  ${error}`)] : [];
  const story = [traceback ?? 'The run failed.', ...others].join('\n');
  return `${await withScriptLines(objects, story)}\n\nIts jobs and their logs: redex log ${run}`;
}

/** The end of a run for programs. */
export async function endJson(objects: Objects, summary: RunSummary): Promise<unknown> {
  const { result, ...rest } = summary;
  return { ...rest, ...(result && { result: plain(await loadLarge(objects, result)) }) };
}
