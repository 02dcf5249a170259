/** Runs that were begun earlier, carried on in a session. */

import { askedOf } from '../../core/engine/launch.ts';
import type { RunSummary } from '../../core/engine/ports.ts';
import type { FailurePolicy } from '../../core/graph/facts.ts';
import { encode } from '../../core/values/encode.ts';
import { isRecord } from '../../core/values/guards.ts';
import type { Hash, RunId } from '../../core/values/ids.ts';
import { hashOf } from '../../core/values/table.ts';
import type { ListedRun } from '../../functions/shapes.ts';
import type { Cloud } from '../../local/cloud.ts';
import { type Client, listRuns } from '../client.ts';
import type { Session } from './open.ts';

/** Is told which run Ctrl-C stops, as soon as that is known: it may take long to begin. */
export type About = (run: RunId) => void;

/** What a run is asked for by. */
export interface RunRequest {
  readonly workflow: string;
  readonly args: Record<string, unknown>;
  readonly bundle: Hash;
  readonly tags: Readonly<Record<string, string>>;
  readonly cache: boolean;
  readonly failure?: FailurePolicy;
  readonly context?: Readonly<Record<string, unknown>>;
}

/** Takes the run up where it stands still; one that is over, or in a stack, needs nobody. */
export async function resume(session: Session, run: RunId, about: About): Promise<RunId> {
  const summary = await session.client.call('status', { run });
  const isOver = summary.endedAt !== undefined;
  return isOver || !session.cloud ? run : carryOn(session, summary, about);
}

const POLICIES = ['drain', 'cancel'] as const;

/** A run of the same workflow, arguments, context and code that was interrupted, carried on; with its own failure policy. */
export async function unfinished(client: Client, cloud: Cloud, request: RunRequest): Promise<ListedRun | undefined> {
  const active = await listRuns(client, { status: 'RUNNING' });
  const asked = new Set(POLICIES.map((failure) => askedOf({ ...request, failure })));
  const isSame = (run: ListedRun) =>
    keyOf(run) === keyOf(request) && (run.asked === undefined ? request.cache : asked.has(run.asked));
  const same = active.find(isSame);
  if (cloud.owner) await giveUpOlder(client, cloud, active, request);
  return same;
}

/**
 * Runs of the same workflow on the same arguments that were interrupted and whose code has changed since: two of them
 * would write the same files, and the one that is wanted is the one asked for now. What they finished is in the cache.
 */
async function giveUpOlder(
  client: Client,
  cloud: Cloud,
  active: readonly ListedRun[],
  request: RunRequest,
): Promise<void> {
  const asked = hashOf(encode(request.args));
  const older = active.filter(
    ({ workflow, args, bundle }) =>
      workflow === request.workflow && bundle !== request.bundle && hashOf(encode(args)) === asked,
  );
  for (const { run } of older) {
    await client.call('cancel', { run });
    await cloud.release(run);
    process.stderr.write(`redex: run ${run} was interrupted, and its code has changed since: it is cancelled\n`);
  }
}

function keyOf({ workflow, args, bundle, tags }: Pick<RunSummary, 'workflow' | 'args' | 'bundle' | 'tags'>): string {
  return hashOf(encode({ workflow, args, bundle, tags }));
}

export async function carryOn({ client, cloud, place }: Session, summary: ListedRun, about: About): Promise<RunId> {
  const { run, workflow, bundle, tags } = summary;
  about(run);
  process.stderr.write(
    cloud?.owner
      ? `redex: carrying on with run ${run}, which was interrupted\n`
      : `redex: run ${run} is under way in ${place}\n`,
  );
  await cloud?.release(run);
  if (summary.sequence === 0) {
    // It was stopped before its first entry: asked for again under its id, it begins.
    const { beginning } = await client.call('status', { run });
    const { args } = summary;
    if (!isRecord(args)) throw new Error(`the arguments of run ${run} are no record`);
    await client.call('start', { run, workflow, args, bundle, tags, cache: true, ...beginning });
  }
  return run;
}
