/** `redex log`, `redex status` and `redex logs`: what runs came to. */
import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { type JobHistory, readHistory } from '../core/engine/history.ts';
import type { RunSummary, TaskTally, World } from '../core/engine/ports.ts';
import type { QueuedJob } from '../core/engine/waiting.ts';
import type { RunId } from '../core/graph/facts.ts';
import { paintFailure, paintStatuses } from './colours.ts';
import { columns, shortDuration } from './columns.ts';
import { findRun } from './runs.ts';
import { withScriptLines } from './script-lines.ts';
import { reading, stateFolder } from './session.ts';
import { statusTable, timestamp } from './status-table.ts';
import { asJson, shown, shownPieces } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { queueOf, waitingLines } from './waiting.ts';
import { endJson, endText, failureText, isOver, isStopped } from './watch.ts';

const ID_SHOWN_LENGTH = 8;
const GIVEN_SHOWN_LENGTH = 60;

/** Lists the runs, or one run's jobs. Gives the exit code. */
export function logCommand(
  root: string,
  given: string | undefined,
  options: { limit: number; json: boolean },
): Promise<number> {
  return reading(root, async ({ world, alive }) => {
    if (given === undefined) {
      const runs = await world.summaries.list({ limit: options.limit });
      return print(
        options.json
          ? asJson(runs.map(({ result, ...summary }) => ({ ...summary, ...stoppedMark(world, summary) })))
          : runLines(world, runs, alive).join('\n'),
      );
    }
    const summary = await findRun(world, given);
    const jobs = await jobsOf(world, summary.run);
    const { waiting, queued } = await queueOf(world, summary, alive);
    if (options.json) return print(asJson({ ...(await endOf(world, summary)), jobs, waiting }));
    const failure = isOver(summary) ? paintFailure(await failureText(world.objects, summary), process.stdout) : '';
    const parts = [
      runLines(world, [summary], alive),
      jobLines(jobs, queued),
      waitingLines(summary, waiting),
      stoppedLines(world, summary),
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
export function statusCommand(root: string, given: string | undefined, json: boolean): Promise<number> {
  return reading(root, async ({ world, alive }) => {
    const summary = await findRun(world, given);
    const { waiting, queued } = await queueOf(world, summary, alive);
    if (json) return print(asJson({ ...(await endOf(world, summary)), waiting }));
    const heading = `${summary.run}  ${summary.workflow}  ${statusWord(world, summary, alive)}`;
    if (!isOver(summary)) {
      const table = statusTable(summary.tally, summary.updatedAt, queued);
      const lines = [...waitingLines(summary, waiting), ...stoppedLines(world, summary)];
      return print([heading, ...table, ...lines].join('\n'));
    }
    return print(
      [
        heading,
        await endText(world.objects, summary),
        paintFailure(await failureText(world.objects, summary), process.stdout),
      ]
        .filter(Boolean)
        .join('\n'),
    );
  });
}

/** Prints a job's log. Gives the exit code. */
export function logsCommand(root: string, given: string, run: string | undefined): Promise<number> {
  return reading(root, async ({ world }) => {
    const summary = await findRun(world, run);
    const jobs = await jobsOf(world, summary.run);
    const job = findJob(jobs, given, summary.run);
    const log = logOf(root, job);
    if (log === undefined || !existsSync(log))
      throw new UsageError(`${job.task} (${shortId(job)}) has no log: ${whyNoLog(job)}`);
    for await (const piece of shownPieces(createReadStream(log), process.stdout)) {
      if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
    }
    return 0;
  });
}

async function jobsOf(world: World, run: RunId): Promise<readonly JobHistory[]> {
  const jobs = (await readHistory(world, run))?.jobs ?? [];
  // What was given is one line for each job.
  const given = await withScriptLines(world.objects, jobs.map((job) => job.given ?? '').join('\n'));
  const lines = given.split('\n');
  return jobs.map((job, at) => (job.given === undefined ? job : { ...job, given: lines[at] as string }));
}

/** Where the local Batch writes what a job says, also while it runs. */
function logOf(root: string, { measured, executorId }: JobHistory): string | undefined {
  if (measured.log !== undefined) return measured.log;
  return executorId && join(stateFolder(root), 'batch', 'logs', `${executorId.replace(':', '_')}.log`);
}

function whyNoLog({ status, attempt }: JobHistory): string {
  if (status === 'CACHED') return 'it ran in an earlier run';
  return attempt === 0 ? 'it has not run yet' : 'it ran in the engine';
}

function findJob(jobs: readonly JobHistory[], given: string, run: string): JobHistory {
  const matching = jobs.filter(({ id, task }) => id.startsWith(given) || task === given || task.endsWith(`.${given}`));
  const [only] = matching;
  if (only && matching.length === 1) return only;
  if (!only) throw new UsageError(`run ${run} has no job ${given}; redex log ${run} lists them`);
  throw new UsageError([`${given} could be any of:`, ...jobLines(matching)].join('\n'));
}

function runLines(world: World, runs: readonly RunSummary[], alive: boolean): string[] {
  const rows = runs.map((summary) => [
    summary.run,
    summary.workflow,
    statusWord(world, summary, alive),
    timestamp(summary.startedAt),
    shortDuration(
      (summary.endedAt ?? (alive && !isStopped(world, summary) ? Date.now() : summary.updatedAt)) - summary.startedAt,
    ),
    countsText(Object.values(summary.tally)),
  ]);
  const lines = columns(['RUN', 'WORKFLOW', 'STATUS', 'STARTED', 'DURATION', 'JOBS'], rows, ['DURATION']);
  return lines.map((line) => paintStatuses(line, process.stdout));
}

/** A run that is not over is interrupted when no process carries it on: the next one does, unless its user stopped it. */
function statusWord(world: World, summary: RunSummary, alive: boolean): string {
  if (isStopped(world, summary)) return 'STOPPED';
  return isOver(summary) || alive ? summary.status : 'INTERRUPTED';
}

function stoppedLines(world: World, summary: RunSummary): string[] {
  return isStopped(world, summary) ? [`Stopped by Ctrl-C. Carry it on with: redex resume ${summary.run}`] : [];
}

/** For programs. */
function stoppedMark(world: World, summary: RunSummary): { readonly stopped?: true } {
  return isStopped(world, summary) ? { stopped: true } : {};
}

async function endOf(world: World, summary: RunSummary): Promise<object> {
  return { ...((await endJson(world.objects, summary)) as object), ...stoppedMark(world, summary) };
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
