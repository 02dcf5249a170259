/** The status table of a run, as people who know redun read it. */

import type { RunSummary, TaskTally } from '../core/engine/ports.ts';
import type { QueuedJob } from '../core/engine/waiting.ts';
import { at as element, present } from '../core/values/present.ts';

/** Of the jobs that were submitted, those that wait for a machine. */
type TaskCounts = TaskTally & { readonly queued: number };

interface Column {
  readonly heading: string;
  readonly count: (counts: TaskCounts) => number;
  /** Whether it is there also when there is nothing to count. */
  readonly isAlways: boolean;
}

/** In the order in which they stand. */
const COLUMNS: Readonly<Record<keyof TaskCounts, Column>> = {
  pending: { heading: 'PENDING', count: ({ pending }) => pending, isAlways: true },
  queued: { heading: 'QUEUED', count: ({ queued }) => queued, isAlways: false },
  running: { heading: 'RUNNING', count: ({ running, queued }) => running - queued, isAlways: true },
  failed: { heading: 'FAILED', count: ({ failed }) => failed, isAlways: true },
  cached: { heading: 'CACHED', count: ({ cached }) => cached, isAlways: true },
  done: { heading: 'DONE', count: ({ done }) => done, isAlways: true },
  // Jobs that never ran, since their run failed or was cancelled.
  cancelled: { heading: 'CANCELLED', count: ({ cancelled }) => cancelled, isAlways: false },
};

const COLUMN_WIDTH_MIN = 7;
const PREFIX = '[redex]';

/**
 * Lines of the table; `at` is ms since the epoch, shown in the machine's time zone. QUEUED and CANCELLED are there only
 * when there is something to count.
 */
export function statusTable(tally: RunSummary['tally'], at: number, queued: readonly QueuedJob[] = []): string[] {
  const waiting = Map.groupBy(queued, ({ task }) => task);
  const tasks = Object.keys(tally).sort();
  const counts = tasks.map((task): TaskCounts => {
    const counted = present(tally[task], `tally of ${task}`);
    // The tally is the newer of the two.
    return { ...counted, queued: Math.min(counted.running, waiting.get(task)?.length ?? 0) };
  });
  const all = sum(counts);
  const columns = Object.values(COLUMNS).filter(({ count, isAlways }) => isAlways || count(all) > 0);
  const cellsOf = (counted: TaskCounts) => {
    const cells = columns.map(({ count }) => count(counted));
    return [...cells, cells.reduce((total, cell) => total + cell, 0)].map(String);
  };
  const rows = [['ALL', ...cellsOf(all)], ...tasks.map((task, index) => [task, ...cellsOf(element(counts, index))])];
  const headings = ['TASK', ...columns.map(({ heading }) => heading), 'TOTAL'];
  const [heading = '', ...lines] = aligned([headings, ...rows]);
  return [
    `${PREFIX} | JOB STATUS ${timestamp(at)}`,
    `${PREFIX} | ${heading}`,
    `${PREFIX} |`,
    ...lines.map((line) => `${PREFIX} | ${line}`),
    PREFIX,
  ];
}

/** `[redex] Execution duration: 8.82 seconds`. */
export function durationLine(ms: number): string {
  return `${PREFIX} Execution duration: ${(ms / 1000).toFixed(2)} seconds`;
}

/** `2021/07/06 17:07:05` in the machine's time zone; `at` is ms since the epoch. */
export function timestamp(at: number): string {
  const date = new Date(at);
  const [year, ...rest] = [
    date.getFullYear(),
    date.getMonth() + 1,
    date.getDate(),
    date.getHours(),
    date.getMinutes(),
    date.getSeconds(),
  ];
  const [month, day, hours, minutes, seconds] = rest.map((part) => String(part).padStart(2, '0'));
  return `${year}/${month}/${day} ${hours}:${minutes}:${seconds}`;
}

/** Rows as lines: the first column to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(COLUMN_WIDTH_MIN, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join(' '),
  );
}

function sum(tallies: readonly TaskCounts[]): TaskCounts {
  const add = (key: keyof TaskCounts) => tallies.reduce((total, tally) => total + tally[key], 0);
  return {
    pending: add('pending'),
    queued: add('queued'),
    running: add('running'),
    failed: add('failed'),
    cached: add('cached'),
    done: add('done'),
    cancelled: add('cancelled'),
  };
}
