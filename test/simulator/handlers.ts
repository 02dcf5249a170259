/** Lambda functions: environments with clocks and warm graphs of their own, invocations that end, fail, freeze or die. */

import { cancel } from '../../core/engine/cancel.ts';
import type { JobReport } from '../../core/engine/executor.ts';
import { launch } from '../../core/engine/launch.ts';
import type { World } from '../../core/engine/ports.ts';
import { retry } from '../../core/engine/retry.ts';
import { type RoundOptions, round } from '../../core/engine/round.ts';
import { parseJobName } from '../../core/engine/spec.ts';
import { SWEEP_PERIOD_MS, sweep } from '../../core/engine/sweep.ts';
import { warmGraphs } from '../../core/engine/warm.ts';
import type { Hash, RunId } from '../../core/values/ids.ts';
import { type Cloud, type Environment, STACK } from './cloud.ts';
import { kill, processOf, Trouble } from './process.ts';
import type { Message } from './queue.ts';

const TIMEOUT_MS = 60_000;
const SKEW_MS_MAX = 8_000;
const WARM_MAX = 8;
const POLL_MS_MAX = 1_500;
const RETRY_CALL_MS = 20_000;

/** How the protocol is broken on purpose. */
export interface Sabotage {
  /** The world that handlers see. */
  readonly world?: (world: World, cloud: Cloud) => World;
  /** What they hear of jobs. */
  readonly reports?: (reports: JobReport[], cloud: Cloud) => JobReport[];
  /** Of a runner whose claim was refused. */
  readonly refusedExitCode?: number;
}

export interface Handlers {
  /** From now on the queue is read and the sweep is called. */
  open(): void;
  /** No invocation is under way. */
  idle(): boolean;
  start(workflow: string, run: RunId, bundle: Hash, options: { failure?: 'drain' | 'cancel'; cache?: boolean }): void;
  cancel(run: RunId): void;
  retry(run: RunId): void;
}

interface Work {
  readonly reports: JobReport[];
  readonly messages: Message[];
}

function worksOf(messages: readonly Message[]): Map<RunId, Work> {
  const works = new Map<RunId, Work>();
  for (const message of messages) {
    const { event } = message;
    const run = event.kind === 'wake' ? event.run : parseJobName(STACK, event.report.name)?.run;
    if (!run) continue;
    const work = works.get(run) ?? { reports: [], messages: [] };
    works.set(run, work);
    work.messages.push(message);
    if (event.kind === 'report') work.reports.push(structuredClone(event.report));
  }
  return works;
}

type Result = 'done' | 'failed' | 'died';

/** Nobody waits for the result. */
const ignored = (): void => undefined;

export function handlersOf(cloud: Cloud, count: number, sabotage: Sabotage): Handlers {
  const { simulation, queue } = cloud;
  const { time, random, faults } = simulation;
  let made = 0;
  let underWay = 0;
  const environments = Array.from({ length: count }, environment);

  function environment(): Environment {
    const skewMs = random.between(-SKEW_MS_MAX, SKEW_MS_MAX);
    return { name: `lambda${++made}`, skewMs, warm: warmGraphs(WARM_MAX), process: undefined };
  }

  /** Runs the work in an environment that is free; false when there is none. */
  function invoke(
    name: string,
    work: (world: World, options: RoundOptions) => Promise<void>,
    after: (result: Result) => void,
  ): boolean {
    const free = environments.filter((one) => !one.process);
    if (free.length === 0) return false;
    const chosen = random.pick(free);
    const fault = faults.at('invocation');
    if (fault === 'warm-dropped') chosen.warm = warmGraphs(WARM_MAX);
    if (fault === 'snapshots-lost') cloud.loseSnapshots();
    const process = processOf(simulation, `${chosen.name} ${name}`);
    chosen.process = process;
    underWay++;
    let isFinished = false;
    const finish = (result: Result) => {
      if (isFinished) return;
      isFinished = true;
      underWay--;
      if (result === 'died') environments[environments.indexOf(chosen)] = environment();
      else chosen.process = undefined;
      after(result);
    };
    const watch = () => {
      if (isFinished) return;
      if (process.alive && process.thawAt > time.now()) time.at(process.thawAt + 5_000, watch);
      else {
        kill(simulation, process, 'time-out');
        finish('died');
      }
    };
    time.after(TIMEOUT_MS, watch);
    const own = cloud.worldFor(chosen, process);
    const world = sabotage.world?.(own, cloud) ?? own;
    simulation.note(() => `${process.name} begins`);
    work(world, { hardEnd: world.clock.now() + TIMEOUT_MS }).then(
      () => finish('done'),
      (error: unknown) => {
        simulation.note(() => `${process.name} throws ${String(error)}`);
        if (!(error instanceof Trouble))
          simulation.violate(`${process.name} threw ${(error as Error).stack ?? String(error)}`);
        finish('failed');
      },
    );
    return true;
  }

  /** As long as it takes: whoever asks for it asks again, `isPatient` or not at all. */
  function insist(
    name: string,
    work: (world: World, options: RoundOptions) => Promise<void>,
    isPatient: () => boolean,
  ): void {
    const again = () => time.after(RETRY_CALL_MS, () => insist(name, work, isPatient));
    const isTaken = invoke(name, work, (result) => {
      if (result !== 'done' && isPatient()) again();
    });
    if (!isTaken) again();
  }

  let isPolling = false;

  /** Soon; again as long as there is something to receive. */
  function poll(): void {
    if (isPolling) return;
    isPolling = true;
    time.after(random.between(100, POLL_MS_MAX), () => {
      isPolling = false;
      if (environments.every((one) => one.process)) {
        poll();
        return;
      }
      const messages = queue.receive();
      if (messages.length === 0) return;
      invoke('advance', (world, options) => advance(world, options, messages), ignored);
      poll();
    });
  }

  /** As functions/advance: a round for each run, and only what was taken is deleted. */
  async function advance(world: World, options: RoundOptions, messages: readonly Message[]): Promise<void> {
    let trouble: Trouble | undefined;
    for (const [run, work] of worksOf(messages)) {
      try {
        await round(world, run, sabotage.reports?.(work.reports, cloud) ?? work.reports, options);
        for (const message of work.messages) queue.delete(message);
      } catch (error) {
        if (!(error instanceof Trouble)) throw error;
        trouble = error;
      }
    }
    if (trouble) throw trouble;
  }

  function sweepNow(): void {
    time.after(SWEEP_PERIOD_MS, sweepNow);
    invoke(
      'sweep',
      async (world, options) => {
        const { failures } = await sweep(world, options);
        const bug = failures.find((failure) => !failure.includes('!'));
        if (bug) simulation.violate(`the sweep met ${bug}`);
      },
      ignored,
    );
  }

  return {
    open() {
      queue.onArrival(poll);
      time.after(random.between(0, SWEEP_PERIOD_MS), sweepNow);
    },
    idle: () => underWay === 0,
    start: (workflow, run, bundle, options) =>
      insist(
        'start',
        async (world) => {
          await launch(world, { workflow, args: {}, bundle, run, ...options });
        },
        () => true,
      ),
    cancel: (run) =>
      insist(
        'cancel',
        async (world) => void (await cancel(world, run, 'enough')),
        () => random.chance(0.5),
      ),
    retry: (run) =>
      insist(
        'retry',
        async (world, options) => void (await retry(world, run, options)),
        () => random.chance(0.5),
      ),
  };
}
