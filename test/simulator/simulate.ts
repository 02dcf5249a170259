/** One seed, one history: a workflow of the corpus under faults until it is quiet, and whether all promises were kept. */

import { loadLarge } from '../../core/engine/objects.ts';
import type { Host } from '../../core/engine/ports.ts';
import { makeBundle } from '../../core/library/entry.ts';
import { decode } from '../../core/values/decode.ts';
import { encode } from '../../core/values/encode.ts';
import { digest } from '../../core/values/hash.ts';
import type { RunId } from '../../core/values/ids.ts';
import { hashOf } from '../../core/values/table.ts';
import { inProcessHost } from '../support/in-process-host.ts';
import { type Cloud, cloudOf } from './cloud.ts';
import { type Fault, type Faults, plannedFaults, randomFaults } from './faults.ts';
import { type Handlers, handlersOf, type Sabotage } from './handlers.ts';
import type { Simulation } from './process.ts';
import { randomOf } from './random.ts';
import { scheduler } from './scheduler.ts';
import { foldOf } from './truth.ts';
import { machine, WORKFLOWS, type Workflow, workflowOf } from './workflows.ts';

export interface Scenario {
  readonly workflow: Workflow;
  readonly environments: number;
  /** ms after the start. */
  readonly cancelAt?: number;
  /** Whether a run that did not succeed is tried again. */
  readonly retries: boolean;
  readonly intensity: number;
}

export interface Options {
  readonly seed: number;
  /** Without it, one is drawn. */
  readonly scenario?: Scenario;
  /** Exactly these faults, in place of random ones. */
  readonly plan?: readonly Fault[];
  readonly sabotage?: Sabotage;
  readonly trace?: (line: string) => void;
}

export interface History {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly faults: Faults;
  /** What was broken first. */
  readonly violation: string | undefined;
  /** ms. */
  readonly duration: number;
}

const MINUTE_MS = 60_000;
const FAULTS_END_MS = 40 * MINUTE_MS;
const END_MS = 30 * 60 * MINUTE_MS;

const BUNDLE = digest('test', 'simulator');
const bundle = makeBundle({ executors: { batch: { type: 'batch' } }, limits: { one: 1 } }, undefined);
const program = { ...bundle.program(), bundle: BUNDLE };
const host: Host = {
  ...inProcessHost(bundle, BUNDLE),
  program: () => Promise.resolve(program),
  root: (_bundle, workflow) => Promise.resolve({ ok: true, table: encode(workflowOf(workflow).expression()) }),
};

export function scenarioOf(seed: number): Scenario {
  const random = randomOf(seed, 'scenario');
  const cancelAt = random.chance(0.25) ? random.between(0, random.pick([0.05, 1, 10])) * MINUTE_MS : undefined;
  return {
    workflow: random.pick(WORKFLOWS),
    environments: 1 + random.below(5),
    ...(cancelAt !== undefined && { cancelAt }),
    retries: random.chance(0.5),
    intensity: random.pick([0, 0.5, 1, 1, 2, 4]),
  };
}

export async function simulate(options: Options): Promise<History> {
  const { seed, plan, trace } = options;
  const scenario = options.scenario ?? scenarioOf(seed);
  const time = scheduler();
  let violation: string | undefined;
  const simulation: Simulation = {
    seed,
    time,
    random: randomOf(seed, 'history'),
    faults: plan ? plannedFaults(seed, plan) : randomFaults(seed, scenario.intensity),
    note: (line) => trace?.(`${(time.now() / 1000).toFixed(3).padStart(10)} ${line()}`),
    violate: (what) => {
      violation ??= what;
      trace?.(`VIOLATION ${what}`);
    },
  };
  machine.isRepaired = false;
  const cloud = cloudOf(simulation, host, options.sabotage?.refusedExitCode);
  const handlers = handlersOf(cloud, scenario.environments, options.sabotage ?? {});
  const runs = begin(simulation, handlers, scenario);
  time.at(FAULTS_END_MS, () => simulation.faults.stop());

  const isQuiet = (): boolean =>
    violation !== undefined ||
    time.now() > END_MS ||
    (handlers.idle() &&
      cloud.batch.running() === 0 &&
      cloud.queue.pending() === 0 &&
      runs.every((run) => isTerminal(cloud, run)) &&
      time.now() > (scenario.cancelAt ?? 0));
  await time.run(isQuiet);
  if (!violation && scenario.retries) {
    machine.isRepaired = true;
    for (const run of runs) handlers.retry(run);
    let asked = false;
    time.after(5 * MINUTE_MS, () => {
      asked = true;
    });
    await time.run(() => violation !== undefined || (asked && isQuiet()));
  }
  if (!violation) violation = await verdictOn(cloud, withUnseen(scenario, simulation.faults), runs);
  return { seed, scenario, faults: simulation.faults, violation, duration: time.now() };
}

/** Without a file that could not be looked at, nothing may come of one. */
function withUnseen(scenario: Scenario, { happened }: Faults): Scenario {
  if (happened.some(({ site }) => site === 'look')) return scenario;
  const { unseen, ...workflow } = scenario.workflow;
  return { ...scenario, workflow };
}

function begin({ time, random }: Simulation, handlers: Handlers, { workflow, cancelAt }: Scenario): RunId[] {
  const runs = Array.from({ length: workflow.runs ?? 1 }, (_, at) => `run${at + 1}` as RunId);
  for (const run of runs) {
    const { failure, cache } = workflow;
    const start = () =>
      handlers.start(workflow.name, run, BUNDLE, {
        ...(failure && { failure }),
        ...(cache !== undefined && { cache }),
      });
    time.at(run === 'run1' ? 0 : random.between(0, MINUTE_MS), start);
  }
  if (cancelAt !== undefined) time.at(cancelAt, () => handlers.cancel('run1' as RunId));
  handlers.open();
  return runs;
}

/** By its summary, as everyone outside sees it. */
function isTerminal(cloud: Cloud, run: RunId): boolean {
  const known = cloud.truth.run(run);
  return known?.draft.graph.end != null && cloud.summaryOf(run)?.endedAt !== undefined;
}

/** What is wrong now that everything is quiet, if anything. */
async function verdictOn(cloud: Cloud, scenario: Scenario, runs: readonly RunId[]): Promise<string | undefined> {
  for (const run of runs) {
    const wrong = await verdictOnRun(cloud, scenario, run);
    if (wrong) return `${run}: ${wrong}`;
  }
  return cloud.batch.running() > 0 ? 'jobs are still running' : undefined;
}

async function verdictOnRun(cloud: Cloud, scenario: Scenario, run: RunId): Promise<string | undefined> {
  const known = cloud.truth.run(run);
  const summary = cloud.summaryOf(run);
  if (!known || !summary) return 'it never began';
  const { end } = foldOf(known.entries).graph;
  if (!end) return `it has not ended: it is ${summary.status}`;
  if (summary.status !== end.status) return `its summary says ${summary.status}, its journal ${end.status}`;
  const open = Object.values(summary.tally).reduce((count, { pending, running }) => count + pending + running, 0);
  if (open > 0) return `${open} of its jobs are not over`;
  if (end.status === 'CANCELLED') return scenario.cancelAt === undefined ? 'nobody cancelled it' : undefined;
  const found = summary.result && decoded(await loadLarge(cloud.objects, summary.result));
  const { workflow, retries } = scenario;
  if (end.status === 'FAILED') {
    const message = (found as Error | undefined)?.message;
    const { error, unseen, repaired } = workflow;
    const failsItself = error !== undefined && (repaired === undefined || !retries || machine.isRepaired);
    const expected = [failsItself ? error : undefined, unseen?.error].filter((one) => one !== undefined);
    // The first by position counts, also when it is of a machine: a failing run tries nothing again.
    const isKnown =
      expected.some((one) => one === message) || /ended (FAILED|SUCCEEDED) without a result/.test(message ?? '');
    return expected.length > 0 && isKnown ? undefined : `it failed: ${message}`;
  }
  const values = [workflow.repaired ?? workflow.value, workflow.unseen?.value];
  const isRight = values.some((value) => value !== undefined && hashOf(encode(value)) === hashOf(encode(found)));
  return isRight ? undefined : `its value is ${JSON.stringify(found)}`;
}

function decoded(table: Parameters<typeof decode>[0]): unknown {
  return decode(table, { task: (reference) => reference, expression: (expression) => expression });
}
