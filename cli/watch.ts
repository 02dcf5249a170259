/** Watches a run to its end: a live table on a terminal, and what to print when it is over. */

import type { RunSummary } from '../core/engine/ports.ts';
import { isRunOver } from '../core/engine/statuses.ts';
import type { QueuedJob } from '../core/engine/waiting.ts';
import type { RunId } from '../core/values/ids.ts';
import type { Client } from './client.ts';
import type { Live } from './live.ts';
import { durationLine, statusTable } from './status-table.ts';

/** Between two drawings of a table in which nothing has changed but the time. */
export const REDRAW_SECONDS = 1;

export function isOver(summary: Pick<RunSummary, 'status'>): boolean {
  return isRunOver(summary.status);
}

type QueueWatcher = (summary: RunSummary) => Promise<readonly QueuedJob[]>;

interface WatchOptions {
  /** What is in the queue, where that is shown. */
  readonly queuedOf?: QueueWatcher;
  /** After so long without news the run is shown again; by default as long as the function waits at most. */
  readonly seconds?: number;
}

/** Shows the run until it is over; undefined when `interrupt` comes first. */
export async function watch(
  client: Client,
  run: RunId,
  table: Live,
  interrupt: AbortSignal,
  { queuedOf = () => Promise.resolve([]), seconds }: WatchOptions = {},
): Promise<RunSummary | undefined> {
  const interrupted = new Promise<undefined>((resolve) => {
    interrupt.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  try {
    for (let seen: number | undefined; !interrupt.aborted; ) {
      const asked = { run, ...(seen !== undefined && { seen, ...(seconds !== undefined && { seconds }) }) };
      const summary = await Promise.race([client.call('wait', asked), interrupted]);
      if (summary === undefined) return undefined;
      if (isOver(summary)) return summary;
      seen = summary.updatedAt;
      table.show(statusTable(summary.tally, Date.now(), await queuedOf(summary)));
    }
    return undefined;
  } finally {
    table.clear();
  }
}

/**
 * The end of a run for people: table, duration, and the value; a failure's story is for `failureText`. `waitedMs`: how
 * long the user of a command waited for it; by default from the run's start, which may lie days before it was carried on.
 */
export async function endText(client: Client, summary: RunSummary, waitedMs?: number): Promise<string> {
  const { run, endedAt = summary.updatedAt, startedAt, status, result, tally } = summary;
  const lines = [...statusTable(tally, endedAt), durationLine(waitedMs ?? endedAt - startedAt)];
  if (status === 'DONE' && result) lines.push((await client.call('result', { run, form: 'text' })).text ?? '');
  return lines.join('\n');
}

/** What went wrong, and where to read on; empty for a run that ended well. */
export function failureText(summary: RunSummary): string {
  const { status, run, traceback, otherErrors = [] } = summary;
  if (status === 'DONE') return '';
  if (status === 'CANCELLED') return `The run ${run} was cancelled.`;
  const others = otherErrors.length > 0 ? ['', 'Other errors:', ...otherErrors.map((error) => `  ${error}`)] : [];
  const story = [traceback ?? 'The run failed.', ...others].join('\n');
  return `${story}\n\nIts jobs and their logs: redex log ${run}`;
}

/** The end of a run for programs. */
export async function endJson(client: Client, summary: RunSummary): Promise<object> {
  const { result, ...rest } = summary;
  const { run } = summary;
  return { ...rest, ...(result && { result: (await client.call('result', { run, form: 'json' })).value }) };
}
