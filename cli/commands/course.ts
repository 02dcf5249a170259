/** `redex cancel` and `redex retry`: a run's course is changed, and watched to its end. */

import { findRun } from '../runs.ts';
import { following } from '../session/follow.ts';
import type { Where } from '../session/where.ts';

/** Cancels a run and waits until nothing of it is left. Gives the exit code: 0 when it ended cancelled. */
export function cancelCommand(where: Where, given: string, reason: string | undefined, json: boolean): Promise<number> {
  return following(where, { json, wanted: 'CANCELLED' }, async ({ client, cloud }) => {
    const { run } = await findRun(client, given);
    await client.call('cancel', { run, ...(reason !== undefined && { reason }) });
    // Afterwards: what waits in the queue of a run that was stopped is not started any more.
    await cloud?.release(run);
    return run;
  });
}

/** Takes a run up that failed or was cancelled, with the code it was started with. Gives the exit code. */
export function retryCommand(where: Where, given: string, json: boolean): Promise<number> {
  return following(where, { json, wanted: 'DONE' }, async ({ client, cloud }, about) => {
    const { run } = await findRun(client, given);
    await cloud?.release(run);
    about(run);
    await client.call('retry', { run });
    return run;
  });
}
