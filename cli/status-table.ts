/** The status table of a run, as people who know redun read it. */
import type { TaskTally } from '../core/engine/ports.ts';

type Tally = Readonly<Record<string, TaskTally>>;

const COLUMNS: readonly (readonly [heading: string, count: (tally: TaskTally) => number])[] = [
  ['PENDING', (tally) => tally.pending],
  ['RUNNING', (tally) => tally.running],
  ['FAILED', (tally) => tally.failed],
  ['CACHED', (tally) => tally.cached],
  ['DONE', (tally) => tally.done],
];
/** Shown only when there is something to count: jobs that never ran, since their run failed or was cancelled. */
const CANCELLED = ['CANCELLED', (tally: TaskTally) => tally.cancelled] as const;

const COLUMN_WIDTH_MIN = 7;
const PREFIX = '[redex]';

/** Lines of the table; `at` is ms since the epoch, shown in the machine's time zone. */
export function statusTable(tally: Tally, at: number): string[] {
  const tasks = Object.keys(tally).sort();
  const all = sum(Object.values(tally));
  const columns = all.cancelled > 0 ? [...COLUMNS, CANCELLED] : COLUMNS;
  const countsOf = (counted: TaskTally) => {
    const counts = columns.map(([, count]) => count(counted));
    return [...counts, counts.reduce((total, count) => total + count, 0)].map(String);
  };
  const rows = [['ALL', ...countsOf(all)], ...tasks.map((task) => [task, ...countsOf(tally[task] as TaskTally)])];
  const headings = ['TASK', ...columns.map(([heading]) => heading), 'TOTAL'];
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

function sum(tallies: readonly TaskTally[]): TaskTally {
  const add = (key: keyof TaskTally) => tallies.reduce((total, tally) => total + tally[key], 0);
  return {
    pending: add('pending'),
    running: add('running'),
    failed: add('failed'),
    cached: add('cached'),
    done: add('done'),
    cancelled: add('cancelled'),
  };
}
