/** `redex log`, `redex status` and `redex logs`: what runs came to. */
import { once } from 'node:events';
import type { JobHistory } from '../../core/engine/history.ts';
import type { RunSummary, TaskTally } from '../../core/engine/ports.ts';
import type { QueuedJob } from '../../core/engine/waiting.ts';
import type { ListedRun } from '../../functions/shapes.ts';
import { listJobs, listRuns } from '../client.ts';
import { paintFailure, paintStatuses } from '../colours.ts';
import { columns, shortDuration } from '../columns.ts';
import { findRun } from '../runs.ts';
import { type ReadSession, reading } from '../session/reading.ts';
import type { Where } from '../session/where.ts';
import { statusTable, timestamp } from '../status-table.ts';
import { asJson, shown } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';
import { queueOf, waitingLines } from '../waiting.ts';
import { endJson, endText, failureText, isOver } from '../watch.ts';

const ID_SHOWN_LENGTH = 8;
const GIVEN_SHOWN_LENGTH = 60;

/** Lists the runs, or one run's jobs. Gives the exit code. */
export function logCommand(
  where: Where,
  given: string | undefined,
  options: { limit: number; json: boolean },
): Promise<number> {
  return reading(where, async (opened) => {
    const { client } = opened;
    if (given === undefined) {
      const runs = await listRuns(client, {}, options.limit);
      return print(
        options.json
          ? asJson(runs.map((summary) => ({ ...summary, ...stoppedMark(opened, summary) })))
          : runLines(opened, runs).join('\n'),
      );
    }
    const summary = await findRun(client, given);
    // None before the run has begun.
    const jobs = summary.sequence > 0 ? await listJobs(client, summary.run) : [];
    const { waiting, queued } = await queueOf(opened, summary);
    if (options.json) return print(asJson({ ...(await endOf(opened, summary)), jobs, waiting }));
    const failure = isOver(summary) ? paintFailure(failureText(summary), process.stdout) : '';
    const parts = [
      runLines(opened, [summary]),
      jobLines(jobs, queued),
      waitingLines(summary, waiting),
      stoppedLines(opened, summary),
      failure ? [failure] : [],
    ];
    return print(
      parts
        .filter((lines) => lines.length > 0)
        .map((lines) => lines.join('\n'))
        .join('\n\n'),
    );
  });
}

/** Prints one run's table. Gives the exit code. */
export function statusCommand(where: Where, given: string | undefined, json: boolean): Promise<number> {
  return reading(where, async (opened) => {
    const summary = await findRun(opened.client, given);
    const { waiting, queued } = await queueOf(opened, summary);
    if (json) return print(asJson({ ...(await endOf(opened, summary)), waiting }));
    const heading = `${summary.run}  ${summary.workflow}  ${statusWord(opened, summary)}`;
    if (!isOver(summary)) {
      const table = statusTable(summary.tally, summary.updatedAt, queued);
      const lines = [...waitingLines(summary, waiting), ...stoppedLines(opened, summary)];
      return print([heading, ...table, ...lines].join('\n'));
    }
    return print(
      [heading, await endText(opened.client, summary), paintFailure(failureText(summary), process.stdout)]
        .filter(Boolean)
        .join('\n'),
    );
  });
}

/** Prints a job's log, as far as it is written. Gives the exit code. */
export function logsCommand(where: Where, given: string, named: string | undefined): Promise<number> {
  return reading(where, async ({ client }) => {
    const { run, sequence } = await findRun(client, named);
    const job = findJob(sequence > 0 ? await listJobs(client, run) : [], given, run);
    for (let cursor: string | undefined; ; ) {
      const part = await client.call('logs', { run, job: job.id, ...(cursor !== undefined && { cursor }) });
      if (!process.stdout.write(shown(part.text, process.stdout))) await once(process.stdout, 'drain');
      if (part.end) return 0;
      ({ cursor } = part);
    }
  });
}

function findJob(jobs: readonly JobHistory[], given: string, run: string): JobHistory {
  const matching = jobs.filter(({ id, task }) => id.startsWith(given) || task === given || task.endsWith(`.${given}`));
  const [only] = matching;
  if (only && matching.length === 1) return only;
  if (!only) throw new UsageError(`run ${run} has no job ${given}; redex log ${run} lists them`);
  throw new UsageError([`${given} could be any of:`, ...jobLines(matching)].join('\n'));
}

function runLines(opened: ReadSession, runs: readonly ListedRun[]): string[] {
  const { alive, isHeld } = opened;
  const rows = runs.map((summary) => [
    summary.run,
    summary.workflow,
    statusWord(opened, summary),
    timestamp(summary.startedAt),
    shortDuration(
      (summary.endedAt ?? (alive && !isHeld(summary.run) ? Date.now() : summary.updatedAt)) - summary.startedAt,
    ),
    countsText(Object.values(summary.tally)),
  ]);
  const lines = columns(['RUN', 'WORKFLOW', 'STATUS', 'STARTED', 'DURATION', 'JOBS'], rows, ['DURATION']);
  return lines.map((line) => paintStatuses(line, process.stdout));
}

/** A run that is not over is interrupted when no process carries it on: the next one does, unless its user stopped it. */
function statusWord(opened: ReadSession, summary: ListedRun): string {
  if (isStopped(opened, summary)) return 'STOPPED';
  return isOver(summary) || opened.alive ? summary.status : 'INTERRUPTED';
}

/** By its user, until he carries it on. */
function isStopped({ isHeld }: ReadSession, summary: ListedRun): boolean {
  return !isOver(summary) && isHeld(summary.run);
}

function stoppedLines(opened: ReadSession, summary: ListedRun): string[] {
  return isStopped(opened, summary) ? [`Stopped by Ctrl-C. Carry it on with: redex resume ${summary.run}`] : [];
}

/** For programs. */
function stoppedMark(opened: ReadSession, summary: ListedRun): { readonly stopped?: true } {
  return isStopped(opened, summary) ? { stopped: true } : {};
}

async function endOf(opened: ReadSession, summary: RunSummary): Promise<object> {
  return { ...(await endJson(opened.client, summary)), ...stoppedMark(opened, summary) };
}

/** `46: 13 done, 33 cached`: the kinds there are. */
function countsText(tallies: readonly TaskTally[]): string {
  const kinds = ['failed', 'running', 'pending', 'done', 'cached', 'cancelled'] as const;
  const counts = kinds.map((kind) => ({ kind, count: tallies.reduce((total, tally) => total + tally[kind], 0) }));
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const parts = counts.filter(({ count }) => count > 0).map(({ kind, count }) => `${count} ${kind}`);
  return parts.length > 0 ? `${total}: ${parts.join(', ')}` : '0';
}

/** All scripts are one task: who called it and what it was given tell them apart. */
function jobLines(jobs: readonly JobHistory[], queued: readonly QueuedJob[] = []): string[] {
  const waits = new Set(queued.map(({ id }) => id));
  const rows = jobs.map((job) => {
    // What the work itself took, where it was measured; else from when the job came up.
    const { startedAt = job.startedAt, endedAt = job.endedAt } = job.measured;
    return [
      shortId(job),
      job.task,
      job.caller ?? '',
      job.status === 'RUNNING' && waits.has(job.id) ? 'QUEUED' : job.status,
      timestamp(startedAt),
      endedAt === undefined ? '' : shortDuration(endedAt - startedAt),
      job.attempt === 0 ? '' : String(job.attempt),
      givenText(job),
      shown(job.error?.split('\n')[0] ?? '', process.stdout),
    ];
  });
  const headings = ['JOB', 'TASK', 'CALLER', 'STATUS', 'STARTED', 'DURATION', 'ATTEMPT', 'GIVEN', 'ERROR'];
  const lines = columns(headings, rows, ['DURATION', 'ATTEMPT']);
  return lines.map((line) => paintStatuses(line, process.stdout));
}

function givenText({ given = '' }: JobHistory): string {
  const short = given.length > GIVEN_SHOWN_LENGTH ? `${given.slice(0, GIVEN_SHOWN_LENGTH - 1)}…` : given;
  return shown(short, process.stdout);
}

function shortId(job: JobHistory): string {
  return job.id.slice(0, ID_SHOWN_LENGTH);
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
