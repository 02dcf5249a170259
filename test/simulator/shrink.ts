/** Takes faults away from a failing history, one by one, as long as it still fails. */
import type { Fault } from './faults.ts';
import { type History, type Options, simulate } from './simulate.ts';

export async function shrink(history: History, options: Pick<Options, 'sabotage'> = {}): Promise<History> {
  const { seed, scenario } = history;
  let best = history;
  for (let size = Math.ceil(best.faults.happened.length / 2); size >= 1; size = size > 1 ? Math.ceil(size / 2) : 0) {
    for (let at = 0; at < best.faults.happened.length; ) {
      const plan: Fault[] = best.faults.happened.filter((_, index) => index < at || index >= at + size);
      const tried = await simulate({ seed, scenario, plan, ...options });
      if (tried.violation) best = tried;
      else at += size;
    }
  }
  return best;
}
