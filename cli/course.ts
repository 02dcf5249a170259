/** `redex cancel` and `redex retry`: a run's course is changed, and watched to its end. */
import type { RunId } from '../core/graph/facts.ts';
import { inSession } from './run.ts';
import { findRun } from './runs.ts';
import type { Session } from './session.ts';
import { UsageError } from './usage-error.ts';

/** Cancels a run and waits until nothing of it is left. Gives the exit code: 0 when it ended cancelled. */
export function cancelCommand(root: string, given: string, reason: string | undefined, json: boolean): Promise<number> {
  return inSession(root, { json, wanted: 'CANCELLED' }, async (session) => {
    const { run } = await findRun(session.world, given);
    await change(session, 'cancel', { run, ...(reason !== undefined && { reason }) });
    // Afterwards: what waits in the queue of a run that was stopped is not started any more.
    await session.cloud.release(run);
    return run;
  });
}

/** Takes a run up that failed or was cancelled, with the code it was started with. Gives the exit code. */
export function retryCommand(root: string, given: string, json: boolean): Promise<number> {
  return inSession(root, { json, wanted: 'DONE' }, async (session, about) => {
    const { run } = await findRun(session.world, given);
    await session.cloud.release(run);
    about(run);
    await change(session, 'retry', { run });
    return run;
  });
}

async function change(
  { cloud }: Session,
  course: 'cancel' | 'retry',
  request: { readonly run: RunId; readonly reason?: string },
): Promise<void> {
  const answer = (await cloud.invoke(course, request)) as object | { readonly errors: readonly string[] };
  if ('errors' in answer) throw new UsageError(answer.errors.join('\n'));
}
