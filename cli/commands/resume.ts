/** `redex resume`. */
import type { RunId } from '../../core/values/ids.ts';
import { findRun } from '../runs.ts';
import { type About, resume } from '../session/carry-on.ts';
import { following } from '../session/follow.ts';
import type { Session } from '../session/open.ts';
import type { Where } from '../session/where.ts';

/** Carries a run on, by default the newest that is not over. Gives the exit code. */
export function resumeCommand(where: Where, given: string | undefined, json: boolean): Promise<number> {
  const begin = async (session: Session, about: About): Promise<RunId> => {
    const { run } = await findRun(session.client, given, 'RUNNING');
    return resume(session, run, about);
  };
  return following(where, { json, wanted: 'DONE' }, begin);
}
