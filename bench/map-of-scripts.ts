/** Takes a map of scripts through the local cloud, with the real handlers and SDK clients, and measures it. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { directClient, type RequestOf } from '../cli/client.ts';
import { loadFunctions } from '../cli/session/functions.ts';
import { parseEvent } from '../core/aws/events.ts';
import { endOf } from '../core/engine/executor.ts';
import type { Entry, RunSummary } from '../core/engine/ports.ts';
import { bundleProgram, storeBundle } from '../core/host/bundle.ts';
import type { RunId } from '../core/values/ids.ts';
import { stored } from '../core/values/json.ts';
import { world as openWorld } from '../functions/world.ts';
import type { BatchRecord } from '../local/batch/records.ts';
import type { Cloud } from '../local/cloud.ts';
import type { Functions } from '../local/functions.ts';
import { openCloud } from '../local/open-cloud.ts';
import { startInProcess } from './in-process-jobs.ts';

/** One invocation of `advance` that heard of jobs that had ended. */
export interface TimedInvocation {
  readonly ended: number;
  readonly ms: number;
}

export interface RunFigures {
  readonly count: number;
  /** From the start of the run to its end. */
  readonly seconds: number;
  /** What this process computed in that time: engine, database, Batch and jobs. A busy machine makes it no longer. */
  readonly cpuSeconds: number;
  readonly summary: RunSummary;
  /** SubmitJob requests, by size; undefined for a single job. */
  readonly submissions: readonly (number | undefined)[];
  readonly invocations: readonly TimedInvocation[];
  readonly entries: readonly Entry[];
}

/** Slots for jobs: they are over within a millisecond or two. */
const JOBS_AT_ONCE = 32;

export async function mapOfScripts(count: number): Promise<RunFigures> {
  const root = await mkdtemp(join(tmpdir(), 'redex-bench-'));
  const folder = join(root, '.redex');
  const invocations: TimedInvocation[] = [];
  const cloud = await openCloud({
    folder,
    root,
    runner: [],
    startJob: startInProcess,
    environment: process.env,
    functions: async (environment) => measured(await loadFunctions(environment), invocations),
    capacity: { vcpus: JOBS_AT_ONCE, memoryMiB: Number.POSITIVE_INFINITY },
    warn: (message) => process.stderr.write(`${message}\n`),
  });
  if (!cloud) throw new Error(`${folder} is in use`);
  try {
    const world = openWorld(cloud.environment);
    const bundle = await bundleProgram({ entries: [join(import.meta.dirname, 'workflow.ts')], config: CONFIG });
    await storeBundle(world.objects, bundle);
    const begin = performance.now();
    const cpuBefore = process.cpuUsage();
    const run = await start(cloud, { workflow: 'bench.main', args: { count }, bundle: bundle.hash });
    await cloud.idle();
    const seconds = (performance.now() - begin) / 1000;
    const cpu = process.cpuUsage(cpuBefore);
    const cpuSeconds = (cpu.user + cpu.system) / 1e6;
    const summary = await world.summaries.get(run);
    if (!summary) throw new Error(`run ${run} is gone`);
    const entries = await world.journal.readAfter(run, 0);
    return { count, seconds, cpuSeconds, summary, submissions: await submissionsOf(folder), invocations, entries };
  } finally {
    await cloud.close();
    await rm(root, { recursive: true, force: true });
  }
}

const CONFIG = join(import.meta.dirname, '..', 'redex.config.ts');

async function start(cloud: Cloud, request: RequestOf<'start'>): Promise<RunId> {
  return (await directClient(cloud.invoke).call('start', request)).run;
}

const Batch = v.object({ Records: v.array(v.object({ body: v.string() })) });

function measured(functions: Functions, invocations: TimedInvocation[]): Functions {
  return {
    ...functions,
    advance: async (event, context) => {
      const { Records } = v.parse(Batch, event);
      const news = Records.map(({ body }) => parseEvent(JSON.parse(body)));
      const ended = news.filter((one) => one?.kind === 'report' && endOf(one.report)).length;
      const begin = performance.now();
      const answer = await functions.advance(event, context);
      if (ended > 0) invocations.push({ ended, ms: performance.now() - begin });
      return answer;
    },
  };
}

async function submissionsOf(folder: string): Promise<(number | undefined)[]> {
  const lines = (await readFile(join(folder, 'batch', 'jobs.jsonl'), 'utf8')).split('\n').filter(Boolean);
  const records = lines.map((line) => stored<BatchRecord>(line));
  return records.flatMap((record) => (record.type === 'submitted' ? [record.size] : []));
}
