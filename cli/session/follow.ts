/** Follows a run to its end, in the project's own cloud or on AWS. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunStatus, RunSummary } from '../../core/engine/ports.ts';
import type { RunId } from '../../core/values/ids.ts';
import type { Cloud } from '../../local/cloud.ts';
import type { Client } from '../client.ts';
import { paintFailure } from '../colours.ts';
import { EXIT } from '../exit.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { live } from '../live.ts';
import { asJson } from '../terminal.ts';
import { withAdvice } from '../trouble.ts';
import { queueWatcher } from '../waiting.ts';
import { endJson, endText, failureText, REDRAW_SECONDS, watch } from '../watch.ts';
import { type About, resume } from './carry-on.ts';
import { openSession, type Session } from './open.ts';
import { holdAll, runsUnderWay } from './others.ts';
import type { Where } from './where.ts';

export interface Followed {
  /** Whether the run's end is printed as JSON. */
  readonly json: boolean;
  /** How the run must end for the command to have succeeded. */
  readonly wanted: RunStatus;
  readonly chaos?: number | undefined;
}

/** How far a command is. */
interface Progress {
  readonly session: Session;
  /** undefined until it has begun. */
  readonly run: RunId | undefined;
  /** The run that Ctrl-C stops. */
  readonly stoppable: RunId | undefined;
}

/**
 * Opens the cloud or the stack, follows the run that `begin` gives, and prints its end. Where the process ends whose cloud
 * the run is in, it is carried on. Gives the exit code.
 */
export async function following(
  where: Where,
  { json, wanted, chaos }: Followed,
  begin: (session: Session, about: About) => Promise<RunId>,
): Promise<number> {
  const table = live(json ? { write: () => undefined } : process.stdout);
  const warn = (message: string) => table.print(`redex: ${withAdvice(message)}`);
  const { signal, end } = listenForInterrupt();
  const open = () => openSession(where, warn, chaos);
  let progress: Progress = { session: await open(), run: undefined, stoppable: undefined };
  const hold = () => {
    if (signal.aborted) holdIn(progress);
  };
  const move = (next: Partial<Progress>) => {
    progress = { ...progress, ...next };
    hold();
  };
  const about: About = (stoppable) => move({ stoppable });
  // At once: whatever is being waited for, a second Ctrl-C may end this process before that is over.
  signal.addEventListener('abort', hold);

  /** To the exit code; throws where the session is lost. */
  const follow = async ({ session, run: begun }: Progress): Promise<number> => {
    if (begun === undefined && signal.aborted) return EXIT.interrupted;
    const run = await (begun === undefined ? begin(session, about) : resume(session, begun, about));
    move({ run });
    const { client, cloud } = session;
    const summary = await watch(client, run, table, signal, {
      ...(table.isShown && { queuedOf: queueWatcher(client) }),
      // A cloud that is to close waits for whoever asks it.
      ...((table.isShown || cloud) && { seconds: REDRAW_SECONDS }),
    });
    if (!summary) return await leave(session, run, where);
    move({ stoppable: undefined });
    await conclude(session, summary, json, signal);
    return summary.status === wanted ? EXIT.done : EXIT.failed;
  };

  try {
    for (;;) {
      try {
        return await follow(progress);
      } catch (error) {
        if (!(await lostOwner(progress.session))) throw error;
        // The process we were attached to has ended: whoever comes first opens the cloud again, and the run goes on.
        move({ session: await open() });
      }
    }
  } finally {
    await progress.session.close();
    end();
  }
}

function holdIn({ session: { cloud }, stoppable }: Progress): void {
  if (stoppable !== undefined) cloud?.hold(stoppable);
}

/** How long the end of a connection may take to show. */
const CLOSED_NOTICE_MS = 1000;

function lostOwner({ cloud }: Session): Promise<boolean> {
  if (!cloud || cloud.owner) return Promise.resolve(false);
  return Promise.race([cloud.closed.then(() => true), sleep(CLOSED_NOTICE_MS, false)]);
}

async function conclude(session: Session, summary: RunSummary, json: boolean, interrupt: AbortSignal): Promise<void> {
  const { client, cloud } = session;
  const end = json ? asJson(await endJson(client, summary)) : await endText(client, summary, performance.now());
  process.stdout.write(`${end}\n`);
  const failure = failureText(summary);
  if (failure) process.stderr.write(`\n${paintFailure(failure, process.stderr)}\n`);
  if (cloud?.owner) await waitForOthers(client, cloud, interrupt);
}

async function leave({ client, cloud, place }: Session, run: RunId, { stack }: Where): Promise<number> {
  if (cloud?.owner) {
    process.stderr.write('\nredex: stopping the jobs (Ctrl-C again leaves at once)\n');
    await holdAll(client, cloud);
    // It may have been cancelled meanwhile, or be over: then there is nothing to carry on.
    if ((await client.call('status', { run })).status !== 'RUNNING') await cloud.release(run);
    await cloud.close();
    process.stderr.write(`redex: stopped; finished work is kept. Carry the run on with: redex resume ${run}\n`);
  } else {
    const words = stack === undefined ? '' : ` --stack ${stack}`;
    process.stderr.write(`\nredex: the run goes on in ${place}. Watch it again with: redex resume ${run}${words}\n`);
  }
  return EXIT.interrupted;
}

/** An owner stays while other runs need its cloud, those of attached commands and those it carried on. */
async function waitForOthers(client: Client, cloud: Cloud, interrupt: AbortSignal): Promise<void> {
  const others = await runsUnderWay(client, cloud);
  if (others.length === 0) return;
  const names = others.map(({ run, workflow }) => `${run} (${workflow})`).join(', ');
  process.stderr.write(`redex: waiting for other runs: ${names}. Ctrl-C stops them; redex resume carries them on.\n`);
  const silent = live({ write: () => undefined });
  const seconds = REDRAW_SECONDS;
  for (const { run } of others) await watch(client, run, silent, interrupt, { seconds });
  if (interrupt.aborted) await holdAll(client, cloud);
}
