/** `node bench/array.ts [COUNT …]`: maps of 2,500, 5,000 and 10,000 scripts. Time grows with the count, rounds with their events. */
import { mapOfScripts, type RunFigures } from './map-of-scripts.ts';

const COUNTS = [2_500, 5_000, 10_000];

function row({ count, seconds, cpuSeconds, submissions, invocations, entries, summary }: RunFigures): string[] {
  const quarter = Math.ceil(invocations.length / 4);
  const facts = entries.map((entry) => entry.facts.length);
  return [
    String(count),
    summary.status,
    seconds.toFixed(1),
    cpuSeconds.toFixed(1),
    ((cpuSeconds / count) * 1000).toFixed(2),
    submissions.map((size) => size ?? 1).join('+'),
    String(invocations.length),
    msAnEvent(invocations.slice(0, quarter)),
    msAnEvent(invocations.slice(-quarter)),
    `${median(facts)} / ${median(invocations.map(({ ended }) => ended))}`,
    `${(process.memoryUsage().heapUsed / 2 ** 20).toFixed(0)}`,
  ];
}

const HEADINGS = [
  'jobs',
  'status',
  'seconds',
  'CPU seconds',
  'CPU ms/job',
  'SubmitJob',
  'rounds',
  'ms/event 1st quarter',
  'last quarter',
  'facts / events (median)',
  'heap MB',
];

function msAnEvent(invocations: RunFigures['invocations']): string {
  const ms = invocations.reduce((sum, one) => sum + one.ms, 0);
  const ended = invocations.reduce((sum, one) => sum + one.ended, 0);
  return (ms / ended).toFixed(2);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

const counts = process.argv.slice(2).map(Number);
console.log(HEADINGS.join(' | '));
for (const count of counts.length > 0 ? counts : COUNTS) console.log(row(await mapOfScripts(count)).join(' | '));
process.exit();
