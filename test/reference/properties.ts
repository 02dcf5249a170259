/** What holds for every program: sampled by `npm test`, at length by `npm run fuzz`. */

import fc from 'fast-check';
import type { EvalHash } from '../../core/values/ids.ts';
import { hashOf } from '../../core/values/table.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { check, referenceWorld } from './comparison.ts';
import { CALM, disturbances, randomFrom, through } from './disturbances.ts';
import { programs } from './programs.ts';
import { rollsBack } from './rollback.ts';

interface Property {
  readonly name: string;
  /** How often it is tried, of all programs. */
  readonly share: number;
  readonly property: fc.IAsyncPropertyWithHooks<unknown[]>;
}

const anyProgram = programs({ uncached: true });

export const PROPERTIES: readonly Property[] = [
  {
    name: 'a run has the value that the reference evaluator gives it, or fails with an error it finds too',
    share: 0.5,
    property: property(
      fc.asyncProperty(anyProgram, async (program) => {
        await check(referenceWorld(), program, through(CALM));
      }),
    ),
  },
  {
    name: 'it runs no function twice on the same arguments',
    share: 0.1,
    property: property(
      fc.asyncProperty(programs({ uncached: false }), async (program) => {
        const { world, ran } = watchedWorld();
        await check(world, program, through(CALM));
        const twice = ran.filter((one, at) => ran.indexOf(one) < at);
        if (twice.length > 0) throw new Error(`ran twice: ${twice.join(', ')}`);
      }),
    ),
  },
  {
    name: 'it does so whatever happens on its way: events late, twice and in any order, rounds cut short, graphs dropped, racing handlers, faults',
    share: 0.3,
    property: property(
      fc.asyncProperty(anyProgram, disturbances, async (program, given) => {
        await check(referenceWorld(), program, through(given));
      }),
    ),
  },
  {
    name: 'with a warm cache it has the same value, and nothing that came to a value runs again',
    share: 0.1,
    property: property(
      fc.asyncProperty(programs({ uncached: false }), disturbances, async (program, given) => {
        const { world, ran, finished } = watchedWorld();
        const { errors } = await check(world, program, through(given));
        const before = new Set(finished.splice(0));
        ran.length = 0;
        await check(world, program, through(CALM));
        if (finished.some((evaluation) => before.has(evaluation)))
          throw new Error('a job with a recorded value ran again');
        if (errors.length === 0 && ran.length > 0) throw new Error(`ran again: ${ran.join(', ')}`);
      }),
    ),
  },
  {
    name: 'with any part of the cache gone it has the same value',
    share: 0.1,
    property: property(
      fc.asyncProperty(anyProgram, disturbances, fc.nat(), async (program, given, seed) => {
        const world = referenceWorld();
        await check(world, program, through(CALM));
        await check(forgetting(world, seed), program, through(given));
      }),
    ),
  },
  {
    name: 'its graph, rolled back after any facts, is what it was and goes on as if nothing had been',
    share: 0.05,
    property: property(fc.asyncProperty(anyProgram, disturbances, rollsBack)),
  },
];

function property<Ts extends unknown[]>(given: fc.IAsyncPropertyWithHooks<Ts>): Property['property'] {
  return given as unknown as Property['property'];
}

/** What was done by functions, and which jobs recorded a value, since the last look. */
interface Watched {
  readonly world: MemoryWorld;
  readonly ran: string[];
  readonly finished: EvalHash[];
}

function watchedWorld(): Watched {
  const world = referenceWorld();
  const ran: string[] = [];
  const finished: EvalHash[] = [];
  const host: MemoryWorld['host'] = {
    ...world.host,
    run: (bundle, task, args) => {
      ran.push(`${task} ${hashOf(args)}`);
      return world.host.run(bundle, task, args);
    },
  };
  const attempts: MemoryWorld['attempts'] = {
    ...world.attempts,
    finish: (run, evaluation, attempt, holder, outcome) => {
      if (outcome.ok) finished.push(evaluation);
      return world.attempts.finish(run, evaluation, attempt, holder, outcome);
    },
  };
  return { ran, finished, world: { ...world, host, attempts } };
}

/** The same world with a part of its cache gone: each entry for as long as the world is used. */
function forgetting(world: MemoryWorld, seed: number): MemoryWorld {
  const random = randomFrom(seed);
  const share = random();
  const gone = new Map<EvalHash, boolean>();
  const read: MemoryWorld['cache']['read'] = (evals) => {
    for (const each of evals) if (!gone.has(each)) gone.set(each, random() < share);
    return world.cache.read(evals.filter((each) => !gone.get(each)));
  };
  return { ...world, cache: { ...world.cache, read } };
}
