/** Simulated processes: their calls of ports park on the scheduler, and they die or freeze between any two. */
import type { FaultKind, Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** What all parts of one simulation share. */
export interface Simulation {
  readonly seed: number;
  readonly time: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  note(line: () => string): void;
  /** A promise of the system was broken. The first one counts. */
  violate(what: string): void;
}

export interface Process {
  readonly name: string;
  /** ms since the beginning. */
  readonly startedAt: number;
  alive: boolean;
  /** Nothing of it moves before. */
  thawAt: number;
}

/** A fault of the network or of a service: whoever meets it may fail. */
export class Trouble extends Error {}

export function processOf(simulation: Simulation, name: string): Process {
  return { name, startedAt: simulation.time.now(), alive: true, thawAt: 0 };
}

export function kill(simulation: Simulation, process: Process, why: string): void {
  if (!process.alive) return;
  process.alive = false;
  simulation.note(() => `${process.name} dies: ${why}`);
}

const LATENCY_MS_MAX = 60;
const SLOW_LATENCY_MS_MAX = 3_000;
const SLOW_RATE = 0.03;

export function latency(random: Random): number {
  return random.between(1, random.chance(SLOW_RATE) ? SLOW_LATENCY_MS_MAX : LATENCY_MS_MAX);
}

/** Goes on in the process when it may, unless it has died. */
export function resume(simulation: Simulation, process: Process, delayMs: number, act: () => void): void {
  const { time } = simulation;
  time.after(delayMs, () => {
    if (!process.alive) return;
    if (process.thawAt > time.now()) time.at(process.thawAt, () => process.alive && act());
    else act();
  });
}

export function sleep(simulation: Simulation, process: Process, delayMs: number): Promise<void> {
  return new Promise((resolve) => resume(simulation, process, delayMs, resolve));
}

const FREEZE_MINUTES_MAX = 12;

/** One call: the request travels, takes effect, and its answer travels back, each at its time; or what the fault says. */
export function call<T>(
  simulation: Simulation,
  process: Process,
  name: string,
  effect: () => T | Promise<T>,
  fault: FaultKind | undefined,
): Promise<T> {
  const { time, random, faults } = simulation;
  const there = latency(random);
  const back = latency(random);
  simulation.note(() => `${process.name} ${name}${fault ? ` !${fault}` : ''}`);
  return new Promise<T>((resolve, reject) => {
    if (!process.alive) return;
    const settle = (act: () => void) => resume(simulation, process, back, act);
    const take = (then: (answer: T) => void) => () => {
      void Promise.resolve()
        .then(effect)
        .then(
          (answer) => settle(() => then(answer)),
          (error: unknown) => settle(() => reject(error as Error)),
        );
    };
    const fail = () => reject(new Trouble(`!${fault} of ${name}`));
    switch (fault) {
      case 'crash-before':
        kill(simulation, process, `before ${name}`);
        return;
      case 'crash-after':
        kill(simulation, process, `after ${name}`);
        time.after(there, take(resolve));
        return;
      case 'throw-before':
        settle(fail);
        return;
      case 'throw-after':
        time.after(there, take(fail));
        return;
      case 'freeze-before':
      case 'freeze-after': {
        const untilMs = time.now() + faults.details().between(0, FREEZE_MINUTES_MAX) * 60_000;
        process.thawAt = Math.max(process.thawAt, untilMs);
        simulation.note(() => `${process.name} freezes for ${Math.round((process.thawAt - time.now()) / 1000)} s`);
        time.at(fault === 'freeze-before' ? process.thawAt + there : time.now() + there, take(resolve));
        return;
      }
      default:
        time.after(there, take(resolve));
    }
  });
}
