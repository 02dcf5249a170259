/**
 * A limit caps how much of something a run's jobs in flight take together: licences, connections to a database. redex.config.ts
 * says how much there is (`limits`), each task how much a job of it takes. Reused jobs take nothing.
 */
import { script, task, v } from '../../core/index.ts';

export const simulateAll = task(
  'limits.simulate_all',
  {
    description: 'Runs simulations of which no more go on at once than there are licences',
    params: v.object({ count: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 4) }),
  },
  ({ count }) => Array.from({ length: count }, (_, seed) => simulate(seed)),
);

/** There are two licences, so four simulations go out two at a time. */
const simulate = task('limits.simulate', {}, (seed: number) =>
  script('echo "seed $SEED took a licence"', {
    executor: 'batch',
    limits: { licences: 1 },
    env: { SEED: String(seed) },
  }),
);
