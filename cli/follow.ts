/** Commands that follow a run to its end, in the project's own cloud or on AWS. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { RunStatus, RunSummary } from '../core/engine/ports.ts';
import type { RunId } from '../core/values/ids.ts';
import type { Cloud } from '../local/cloud.ts';
import { type Client, listRuns } from './client.ts';
import { paintFailure } from './colours.ts';
import { EXIT } from './exit.ts';
import { listenForInterrupt } from './interrupt.ts';
import { live } from './live.ts';
import { openSession, type Session, type Where } from './session.ts';
import { asJson } from './terminal.ts';
import { withAdvice } from './trouble.ts';
import { queueWatcher } from './waiting.ts';
import { endJson, endText, failureText, isOver, watch } from './watch.ts';

export interface Followed {
  /** Whether the run's end is printed as JSON. */
  readonly json: boolean;
  /** How the run must end for the command to have succeeded. */
  readonly wanted: RunStatus;
  readonly chaos?: number | undefined;
}

/** Is told which run Ctrl-C stops, as soon as that is known: it may take long to begin. */
export type About = (run: RunId) => void;

/**
 * Opens the cloud or the stack, follows the run that `begin` gives, and prints its end. Takes `again` where the process
 * has ended whose cloud the run was in. Gives the exit code.
 */
export async function following(
  where: Where,
  { json, wanted, chaos }: Followed,
  begin: (session: Session, about: About) => Promise<RunId>,
  again: (session: Session, run: RunId, about: About) => Promise<RunId>,
): Promise<number> {
  const table = live(json ? { write: () => undefined } : process.stdout);
  const warn = (message: string) => table.print(`redex: ${withAdvice(message)}`);
  const interrupt = listenForInterrupt();
  let session = await openSession(where, warn, chaos);
  let run: RunId | undefined;
  let stoppable: RunId | undefined;
  const hold = (): void => {
    if (interrupt.signal.aborted && stoppable !== undefined) session.cloud?.hold(stoppable);
  };
  // At once: whatever is being waited for, a second Ctrl-C may end this process before that is over.
  interrupt.signal.addEventListener('abort', hold);
  const about: About = (given) => {
    stoppable = given;
    hold();
  };
  try {
    for (;;) {
      try {
        if (run === undefined && interrupt.signal.aborted) return EXIT.interrupted;
        run = run === undefined ? await begin(session, about) : await again(session, run, about);
        const queuedOf = table.isShown ? queueWatcher(session.client) : undefined;
        const summary = await watch(session.client, run, table, interrupt.signal, queuedOf);
        if (!summary) return await leave(session, run, where);
        stoppable = undefined;
        await conclude(session, summary, json, interrupt.signal);
        return summary.status === wanted ? EXIT.done : EXIT.failed;
      } catch (error) {
        if (!(await lostOwner(session))) throw error;
        // The process we were attached to has ended: whoever comes first opens the cloud again, and the run goes on.
        session = await openSession(where, warn, chaos);
      }
    }
  } finally {
    await session.close();
    interrupt.end();
  }
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

/** Who ends a cloud by Ctrl-C stops all runs in it; those that have a command of their own are taken up again by that. */
export async function holdAll(client: Client, cloud: Cloud): Promise<void> {
  for (const { run } of await listRuns(client, { status: 'RUNNING' })) cloud.hold(run);
}

/** An owner stays while other runs need its cloud, those of attached commands and those it carried on. */
async function waitForOthers(client: Client, cloud: Cloud, interrupt: AbortSignal): Promise<void> {
  const others = await runsUnderWay(client, cloud);
  if (others.length === 0) return;
  const names = others.map(({ run, workflow }) => `${run} (${workflow})`).join(', ');
  process.stderr.write(`redex: waiting for other runs: ${names}. Ctrl-C stops them; redex resume carries them on.\n`);
  const silent = live({ write: () => undefined });
  for (const { run } of others) await watch(client, run, silent, interrupt);
  if (interrupt.aborted) await holdAll(client, cloud);
}

/** Runs that are not over and not stopped, the newest first. */
export async function runsUnderWay(client: Client, { isHeld }: Pick<Cloud, 'isHeld'>) {
  const [running, cancelling] = await Promise.all([
    listRuns(client, { status: 'RUNNING' }),
    listRuns(client, { status: 'CANCELLING' }),
  ]);
  return [...running, ...cancelling].filter((summary) => !isOver(summary) && !isHeld(summary.run));
}
