/** A draft that is rolled back is what it was. */

import { deepStrictEqual as deepEqual } from 'node:assert';
import type { Draft } from '../../core/graph/draft.ts';
import { draftOf } from '../../core/graph/draft.ts';
import { evolve } from '../../core/graph/evolve.ts';
import type { Fact } from '../../core/graph/facts.ts';
import { snapshotOf } from '../../core/graph/snapshot.ts';
import { encode } from '../../core/values/encode.ts';
import type { RunId } from '../../core/values/ids.ts';
import { start } from '../support/play.ts';
import { referenceWorld } from './comparison.ts';
import { type Disturbances, randomFrom, through } from './disturbances.ts';
import { build, type Program } from './vocabulary.ts';

/** The facts of a whole run of the program. */
async function factsOf(program: Program, given: Disturbances): Promise<Fact[]> {
  const world = referenceWorld();
  const run: RunId = await start(world, build(program));
  await through(given)(world, run);
  return (await world.journal.readAfter(run, 0)).flatMap((entry) => entry.facts);
}

/** Facts that did not happen but might have, on the jobs of those that did. */
function mightHaveBeen(facts: readonly Fact[]): Fact[] {
  const error = encode(new RangeError('might have been'));
  return facts.flatMap((fact): Fact[] => {
    if (fact.type === 'claimed') {
      const { submission, jobs } = fact;
      const failures = jobs.map(({ eval: evaluation, attempt }): Fact => {
        return { type: 'failed', eval: evaluation, attempt, cause: 'machine-lost', error, measured: {} };
      });
      return [{ type: 'withdrawn', submission }, { type: 'refused', submission, reason: 'no' }, ...failures];
    }
    if (fact.type !== 'returned') return [];
    const { eval: evaluation, attempt, measured } = fact;
    return [
      { type: 'failed', eval: evaluation, attempt, cause: 'program', error, measured },
      { type: 'returned', eval: evaluation, attempt: attempt + 1, expression: encode(1), measured },
      { type: 'reused', eval: evaluation, expression: encode([1, 'x'.repeat(2000)]) },
    ];
  });
}

const STOPS: readonly Fact[] = [
  { type: 'cancelled', at: 1, reason: 'test' },
  { type: 'ended', at: 2 },
];

/** The graph as data, its maps in their order. */
function contentOf({ graph }: Draft): unknown {
  return JSON.parse(JSON.stringify(snapshotOf(graph).graph));
}

/**
 * Evolves a program's facts one by one; before each, evolves a few others and takes them back. Throws when that shows, at
 * once or in what the graph comes to.
 */
export async function rollsBack(program: Program, given: Disturbances): Promise<void> {
  const facts = await factsOf(program, given);
  const random = randomFrom(given.seed);
  const others = [...facts, ...mightHaveBeen(facts), ...STOPS];
  const [draft, straight] = [draftOf(), draftOf()];
  for (const fact of facts) {
    const before = contentOf(draft);
    draft.edits.begin();
    for (let count = random() * 12; count > 0; count--) {
      evolve(draft, others[Math.floor(random() * others.length)] as Fact);
    }
    draft.edits.rollback();
    deepEqual(contentOf(draft), before);
    evolve(draft, fact);
    evolve(straight, fact);
  }
  deepEqual(contentOf(draft), contentOf(straight));
}
