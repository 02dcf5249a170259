/**
 * What goes wrong, and where. Every place where something can go wrong is a point with a number; a history's faults are
 * therefore a list that can be replayed, and shortened.
 */
import { type Random, randomOf } from './random.ts';

/** A call of a port dies with its process, fails, or finds its process frozen; before or after it took effect. */
const CALL = {
  'crash-before': 0.002,
  'crash-after': 0.002,
  'throw-before': 0.004,
  'throw-after': 0.004,
  'freeze-before': 0.001,
  'freeze-after': 0.001,
} as const;

/** Kinds of faults, with their rates at intensity 1. */
const RATES = {
  handler: CALL,
  append: { ...CALL, 'taken-after': 0.02, 'crash-after': 0.01, 'freeze-before': 0.005 },
  submit: {
    ...CALL,
    'crash-after': 0.02,
    'unknown-before': 0.03,
    'unknown-after': 0.03,
    throttled: 0.03,
    denied: 0.02,
    'freeze-before': 0.02,
    'freeze-after': 0.01,
  },
  runner: { 'lost-before': 0.008, 'lost-after': 0.008, 'oom-before': 0.003, 'oom-after': 0.003 },
  container: { image: 0.02, 'lost-at-start': 0.02, zombie: 0.02, 'false-failure': 0.02 },
  event: { lost: 0.06, duplicate: 0.08, delayed: 0.08 },
  invocation: { 'warm-dropped': 0.05, 'snapshots-lost': 0.02 },
  describe: { forgotten: 0.03 },
  /** A file that cannot be looked at now. */
  look: { unseen: 0.1 },
} as const;

export type Site = keyof typeof RATES;
export type FaultKind<S extends Site = Site> = S extends Site ? keyof (typeof RATES)[S] : never;

export interface Fault {
  readonly point: number;
  readonly site: Site;
  readonly kind: FaultKind;
}

export interface Faults {
  /** What goes wrong here, if anything. `allows`: kinds that this place cannot have now are passed over. */
  at<S extends Site>(site: S, allows?: (kind: FaultKind<S>) => boolean): FaultKind<S> | undefined;
  /** Randomness for the details of the fault at the point that was asked about last. */
  details(): Random;
  /** From now on nothing goes wrong. */
  stop(): void;
  readonly happened: readonly Fault[];
  /** Sites of all points so far, in order. */
  readonly sites: readonly Site[];
}

/** Random faults; `intensity` multiplies all rates. */
export function randomFaults(seed: number, intensity: number): Faults {
  const random = randomOf(seed, 'faults');
  return faultsBy(seed, (_point, site) => {
    let left = random.next();
    for (const [kind, rate] of Object.entries(RATES[site])) {
      left -= rate * intensity;
      if (left < 0) return kind as FaultKind;
    }
    return undefined;
  });
}

/** Exactly these, as far as their points come up. */
export function plannedFaults(seed: number, plan: readonly Fault[]): Faults {
  const byPoint = new Map(plan.map((fault) => [fault.point, fault]));
  return faultsBy(seed, (point, site) => {
    const fault = byPoint.get(point);
    return fault && fault.kind in RATES[site] ? fault.kind : undefined;
  });
}

function faultsBy(seed: number, choose: (point: number, site: Site) => FaultKind | undefined): Faults {
  const happened: Fault[] = [];
  const sites: Site[] = [];
  let isOver = false;
  return {
    at<S extends Site>(site: S, allows: (kind: FaultKind<S>) => boolean = () => true) {
      const point = sites.length;
      sites.push(site);
      const kind = isOver ? undefined : (choose(point, site) as FaultKind<S> | undefined);
      if (kind === undefined || !allows(kind)) return undefined;
      happened.push({ point, site, kind });
      return kind;
    },
    details: () => randomOf(seed, `details ${sites.length}`),
    stop: () => {
      isOver = true;
    },
    happened,
    sites,
  };
}
