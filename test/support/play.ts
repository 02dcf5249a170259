/** Takes a run to its end in memory: starts it, plays its jobs, delivers their reports. */

import { endOf, type JobReport } from '../../core/engine/executor.ts';
import { readSpec } from '../../core/engine/manifest.ts';
import { loadLarge, putLarge, ValueGone } from '../../core/engine/objects.ts';
import type { RunSummary, TaskResult, World } from '../../core/engine/ports.ts';
import { round } from '../../core/engine/round.ts';
import type { JobSpec } from '../../core/engine/spec.ts';
import { errorOf } from '../../core/graph/errors.ts';
import type { StartedFact } from '../../core/graph/facts.ts';
import type { Config } from '../../core/language/config.ts';
import { makeBundle } from '../../core/library/entry.ts';
import { spill } from '../../core/values/contents.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';
import type { Table } from '../../core/values/table.ts';
import { inProcessHost } from './in-process-host.ts';
import { type MemoryWorld, memoryWorld } from './memory-world.ts';

const BUNDLE = digest('test', 'bundle');

/** A world whose host runs every task the test file defined. */
export function playWorld(config: Config = {}): MemoryWorld {
  return memoryWorld({
    host: inProcessHost(makeBundle({ executors: { batch: { type: 'batch' } }, ...config }, undefined), BUNDLE),
  });
}

export interface PlayOptions {
  readonly run?: string;
  readonly cache?: boolean;
  readonly failure?: StartedFact['failure'];
  /** Called before each job's report is delivered. */
  readonly between?: (world: MemoryWorld, run: RunId) => void | Promise<void>;
}

/** Writes the run's first entry; nothing is evaluated yet. */
export async function start(world: World, expression: unknown, options: PlayOptions = {}): Promise<RunId> {
  const run = (options.run ?? `run${world.clock.nonce()}`) as RunId;
  const program = await world.host.program(BUNDLE);
  const at = world.clock.now();
  const { table, large } = spill(encode(expression));
  await putLarge(world.objects, large);
  const tags = {};
  const common = { run, workflow: 'test', args: {}, tags };
  await world.summaries.put({
    ...common,
    bundle: BUNDLE,
    status: 'RUNNING',
    sequence: 0,
    startedAt: at,
    updatedAt: at,
    tally: {},
  });
  const started: StartedFact = {
    type: 'started',
    ...common,
    root: table,
    program,
    at,
    failure: options.failure ?? 'drain',
    cache: options.cache ?? true,
  };
  await world.journal.append({ run, sequence: 1, nonce: world.clock.nonce(), at, facts: [started] });
  return run;
}

/** A world whose Batch is played. */
type Played = World & Pick<MemoryWorld, 'batch'>;

/** Runs the work of submitted jobs that have not ended, as the runner would; gives the reports of their ends. */
export async function playJobs(world: Played, isChosen: (id: string) => boolean = () => true): Promise<JobReport[]> {
  const reports: JobReport[] = [];
  for (const job of world.batch.jobs) {
    for (const [id, report] of [...job.reports]) {
      const { index } = report.job;
      const isWholeArray = job.request.size > 1 && index === undefined;
      if (isWholeArray || endOf(report) || !isChosen(id)) continue;
      const spec = await readSpec(world.objects, job.request.spec, index ?? 0);
      reports.push(world.batch.report(id, { status: await work(world, spec, id) }));
    }
  }
  return reports;
}

async function work(world: World, spec: JobSpec, holder: string): Promise<'SUCCEEDED' | 'FAILED'> {
  if ((await world.attempts.claim(spec.run, spec.eval, spec.attempt, holder)) === 'refused') return 'FAILED';
  const result = await resultOf(world, spec);
  const { table, large } = spill(result.ok ? result.table : result.error);
  await putLarge(world.objects, large);
  const outcome = result.ok
    ? ({ ok: true, expression: table, measured: {} } as const)
    : ({ ok: false, error: table, measured: {} } as const);
  await world.attempts.finish(spec.run, spec.eval, spec.attempt, holder, outcome);
  return result.ok ? 'SUCCEEDED' : 'FAILED';
}

async function resultOf(world: World, spec: JobSpec): Promise<TaskResult> {
  try {
    return await world.host.run(spec.bundle, spec.task, await loadLarge(world.objects, spec.args));
  } catch (error) {
    if (!(error instanceof ValueGone)) throw error;
    return { ok: false, error: errorOf(error) };
  }
}

/** A round for each run that was woken, until none is. */
export async function takeOn(world: MemoryWorld): Promise<void> {
  for (let woken = world.bus.woken.splice(0); woken.length > 0; woken = world.bus.woken.splice(0)) {
    for (const run of new Set(woken)) await round(world, run);
  }
}

/** Rounds and jobs in turn until the run has ended; gives its summary. */
export async function play(world: MemoryWorld, run: RunId, options: PlayOptions = {}): Promise<RunSummary> {
  let report = await round(world, run);
  while (report.status === 'RUNNING' || report.status === 'CANCELLING') {
    const reports = await playJobs(world);
    await options.between?.(world, run);
    const woken = world.bus.woken.splice(0).length > 0;
    if (reports.length === 0 && !woken) throw new Error(`the run ${run} is stuck`);
    report = await round(world, run, reports);
  }
  return (await world.summaries.get(run)) as RunSummary;
}

/** Evaluates an expression to its value; throws the run's error. */
export async function evaluate(world: MemoryWorld, expression: unknown, options: PlayOptions = {}): Promise<unknown> {
  const summary = await play(world, await start(world, expression, options), options);
  const value = summary.result && plain(await loadLarge(world.objects, summary.result));
  if (summary.status === 'DONE') return value;
  throw value ?? new Error(summary.status);
}

export function plain(table: Table): unknown {
  return decode(table, { task: (reference) => reference, expression: (expression) => expression });
}

/** All counts over all tasks. */
export function totals(summary: RunSummary): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const tally of Object.values(summary.tally)) {
    for (const [status, count] of Object.entries(tally)) sum[status] = (sum[status] ?? 0) + count;
  }
  return sum;
}
