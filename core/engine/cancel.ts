/** Cancel: a mark that every runner reads when it claims its work, and a fact. The next round ends what is in flight. */

import { type Fact, traitsOf } from '../graph/facts.ts';
import type { RunId } from '../values/ids.ts';
import { JournalDamaged } from './lost.ts';
import type { RunStatus, World } from './ports.ts';

type CancelWorld = Pick<World, 'attempts' | 'bus' | 'clock' | 'journal' | 'summaries'>;

/** Nothing new starts from now on. The run is terminal when all that is in flight has ended. A run that is over stays as it is. */
export async function cancel(world: CancelWorld, run: RunId, reason: string): Promise<RunStatus | 'unknown'> {
  await world.attempts.cancel(run);
  // It comes seconds later, whatever has become of this handler by then; until the next line is done it changes nothing.
  await world.bus.wake(run, 'soon');
  const status = await record(world, run, reason);
  await world.bus.wake(run, 'now');
  return status;
}

/** Appends to a journal that it does not fold: whoever is first with an entry, this is tried after it. */
async function record(world: CancelWorld, run: RunId, reason: string): Promise<RunStatus | 'unknown'> {
  const { summaries, journal, clock } = world;
  for (;;) {
    const summary = await summaries.get(run);
    if (!summary) return 'unknown';
    if (summary.endedAt !== undefined) return summary.status;
    const tail = await journal.readAfter(run, summary.sequence).catch((error: unknown) => {
      if (error instanceof JournalDamaged) return undefined;
      throw error;
    });
    // The next round ends it, by name.
    if (!tail) return summary.status;
    const sequence = tail.at(-1)?.sequence ?? summary.sequence;
    if (sequence === 0) return 'unknown';
    const { isCancelled, isOver } = courseAfter(
      tail.flatMap(({ facts }) => facts),
      summary.status,
    );
    if (isCancelled) return 'CANCELLING';
    // Its summary is about to say how.
    if (isOver) return summary.status;
    const at = clock.now();
    const facts: Fact[] = [{ type: 'cancelled', at, reason }];
    // An ended run has no entries but those of a retry.
    if (summary.retry && tail.length === 0) facts.unshift({ type: 'retried', at });
    const entry = { run, sequence: sequence + 1, nonce: clock.nonce(), at, facts };
    if ((await journal.append(entry)) === 'appended') return 'CANCELLING';
  }
}

/** What became of a run of that status by facts that its summary does not cover. */
function courseAfter(facts: readonly Fact[], status: RunStatus) {
  let isCancelled = status === 'CANCELLING';
  let isOver = false;
  for (const fact of facts) {
    const course = traitsOf(fact)?.course;
    if (course === 'cancelled') isCancelled = true;
    else if (course === 'over') isOver = true;
    else if (course === 'going on') [isCancelled, isOver] = [false, false];
  }
  return { isCancelled: isCancelled && !isOver, isOver };
}
