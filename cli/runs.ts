/** Runs as people name them: by id, by its beginning, or not at all. */
import type { RunStatus, RunSummary } from '../core/engine/ports.ts';
import { type Client, listRuns, RequestRefused } from './client.ts';
import { UsageError } from './usage-error.ts';

/** Of runs whose id begins as given, as many as are named where one is meant. */
const NAMED_MAX = 10;

/** The run whose id is `given` or begins so; without it the newest, of `status` if that is given. Throws UsageError. */
export async function findRun(client: Client, given: string | undefined, status?: RunStatus): Promise<RunSummary> {
  if (given === undefined) {
    const [newest] = await listRuns(client, status ? { status } : {}, 1);
    if (newest) return await client.call('status', { run: newest.run });
    throw new UsageError(status ? 'there is no unfinished run' : 'there are no runs yet');
  }
  const exact = await client.call('status', { run: given }).catch((error: unknown) => {
    if (error instanceof RequestRefused) return undefined;
    throw error;
  });
  if (exact) return exact;
  const matching = await listRuns(client, { run: given }, NAMED_MAX);
  const [only] = matching;
  if (only && matching.length === 1) return await client.call('status', { run: only.run });
  if (!only) throw new UsageError(`there is no run ${given}`);
  throw new UsageError(`${given} could be any of: ${matching.map(({ run }) => run).join(', ')}`);
}
