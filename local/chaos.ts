/** What may go wrong on purpose: the bus loses, repeats and delays events, the machine loses jobs. */

export interface Chaos {
  /** One delay in ms for each time an event is to be delivered; none when it gets lost. */
  deliveries(): readonly number[];
  /** When a job that starts now loses its machine, in ms; undefined when it does not. */
  lossOfMachine(): number | undefined;
}

export const noChaos: Chaos = {
  deliveries: () => [0],
  lossOfMachine: () => undefined,
};

/** Shares of events and jobs that something happens to, and for how long at the most. */
const LOST = 0.05;
const REPEATED = 0.15;
const DELAYED = 0.3;
const DELAY_MS_MAX = 1500;
const MACHINES_LOST = 0.1;
const MACHINE_LIFE_MS_MAX = 3000;

/** Chaos that is the same for the same seed, and the same order of questions. */
export function seededChaos(seed: number): Chaos {
  const random = mulberry32(seed);
  const delay = (): number => (random() < DELAYED ? Math.floor(random() * DELAY_MS_MAX) : 0);
  return {
    deliveries: () => {
      const chance = random();
      if (chance < LOST) return [];
      return chance < LOST + REPEATED ? [delay(), delay()] : [delay()];
    },
    lossOfMachine: () => (random() < MACHINES_LOST ? Math.floor(random() * MACHINE_LIFE_MS_MAX) : undefined),
  };
}

/** Tommy Ettinger's Mulberry32: numbers in [0, 1) from 32 bits of state. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
