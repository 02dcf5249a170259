import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EvalHash } from '../../core/graph/facts.ts';
import type { MemoryWorld } from '../support/memory-world.ts';
import { check, referenceWorld } from './comparison.ts';
import { CALM, disturbances, randomFrom, through } from './disturbances.ts';
import { programs } from './programs.ts';

const PROGRAMS = 500;

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
  return {
    ran,
    finished,
    world: {
      ...world,
      host: {
        ...world.host,
        run: (bundle, task, args) => {
          ran.push(task);
          return world.host.run(bundle, task, args);
        },
      },
      attempts: {
        ...world.attempts,
        finish: (run, evaluation, attempt, holder, outcome) => {
          if (outcome.ok) finished.push(evaluation);
          return world.attempts.finish(run, evaluation, attempt, holder, outcome);
        },
      },
    },
  };
}

/** The same world with a part of its cache gone: each entry for as long as the world is used. */
function forgetting(world: MemoryWorld, seed: number): MemoryWorld {
  const random = randomFrom(seed);
  const share = random();
  const gone = new Map<EvalHash, boolean>();
  return {
    ...world,
    cache: {
      ...world.cache,
      read: (evals) => {
        for (const each of evals) if (!gone.has(each)) gone.set(each, random() < share);
        return world.cache.read(evals.filter((each) => !gone.get(each)));
      },
    },
  };
}

describe('a run after another', () => {
  it('has the same value with a warm cache, and nothing that came to a value runs again', async () => {
    await fc.assert(
      fc.asyncProperty(programs({ uncached: false }), disturbances, async (program, given) => {
        const { world, ran, finished } = watchedWorld();
        const { errors } = await check(world, program, through(given));
        const before = new Set(finished.splice(0));
        ran.length = 0;
        await check(world, program, through(CALM));
        expect(finished.filter((evaluation) => before.has(evaluation))).toEqual([]);
        if (errors.length === 0) expect(ran).toEqual([]);
      }),
      { numRuns: PROGRAMS },
    );
  });

  it('has the same value with any part of the cache gone', async () => {
    await fc.assert(
      fc.asyncProperty(programs({ uncached: true }), disturbances, fc.nat(), async (program, given, seed) => {
        const world = referenceWorld();
        await check(world, program, through(CALM));
        await check(forgetting(world, seed), program, through(given));
      }),
      { numRuns: PROGRAMS },
    );
  });
});
