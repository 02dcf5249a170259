/** `redex cancel` and `redex retry`: a run's course is changed, and watched to its end. */
import type { RunId } from '../core/graph/facts.ts';
import { inSession } from './run.ts';
import { findRun } from './runs.ts';
import type { Session } from './session.ts';
import { UsageError } from './usage-error.ts';

/** Cancels a run and waits until nothing of it is left. Gives the exit code: 0 when it ended cancelled. */
export function cancelCommand(root: string, given: string, reason: string | undefined, json: boolean): Promise<number> {
  return inSession(root, { json, wanted: 'CANCELLED' }, (session) =>
    change(session, 'cancel', given, reason === undefined ? {} : { reason }),
  );
}

/** Takes a run up that failed or was cancelled, with the code it was started with. Gives the exit code. */
export function retryCommand(root: string, given: string, json: boolean): Promise<number> {
  return inSession(root, { json, wanted: 'DONE' }, (session) => change(session, 'retry', given, {}));
}

async function change(
  { cloud, world }: Session,
  course: 'cancel' | 'retry',
  given: string,
  more: Readonly<Record<string, unknown>>,
): Promise<RunId> {
  const { run } = await findRun(world, given);
  const answer = (await cloud.invoke(course, { run, ...more })) as object | { readonly errors: readonly string[] };
  if ('errors' in answer) throw new UsageError(answer.errors.join('\n'));
  return run;
}
