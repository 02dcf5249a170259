/** `redex run` and `redex resume`. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { askedOf, newRunId } from '../core/engine/launch.ts';
import type { RunStatus, RunSummary, World } from '../core/engine/ports.ts';
import type { FailurePolicy, RunId } from '../core/graph/facts.ts';
import { type Bundle, storeBundle } from '../core/host/bundle.ts';
import { encode } from '../core/values/encode.ts';
import type { Hash } from '../core/values/hash.ts';
import { workflowsOf } from '../core/values/program.ts';
import { hashOf } from '../core/values/table.ts';
import { parseFlags, refuseAmbiguous } from './arguments.ts';
import { paintFailure } from './colours.ts';
import { type ContextPart, contextWith } from './context.ts';
import { printDryRun } from './dry-run.ts';
import { listenForInterrupt } from './interrupt.ts';
import { live } from './live.ts';
import { fullName } from './names.ts';
import { bundleProject, readArgsFile, typedLocation } from './project.ts';
import { findRun } from './runs.ts';
import { openSession, type Session } from './session.ts';
import { asJson } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { queueWatcher } from './waiting.ts';
import { endJson, endText, failureText, isOver, watch } from './watch.ts';

export interface RunOptions {
  readonly argsFile?: string;
  readonly profile?: string;
  readonly cache: boolean;
  readonly failure: FailurePolicy;
  /** Seed of what goes wrong on purpose. */
  readonly chaos?: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly context: readonly ContextPart[];
  readonly json: boolean;
  /** Only says what would run. */
  readonly dryRun: boolean;
  /** Options that were typed where a parameter of the workflow might have been meant, as `--tag`. */
  readonly typed: readonly string[];
}

export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

interface Request {
  readonly workflow: string;
  readonly args: Record<string, unknown>;
  readonly bundle: Hash;
  readonly tags: Readonly<Record<string, string>>;
  readonly cache: boolean;
  readonly failure?: FailurePolicy;
  readonly context?: Readonly<Record<string, unknown>>;
}

/** `words`: an optional workflow file, the workflow, and its flags. Gives the exit code. */
export async function runCommand(root: string, words: readonly string[], options: RunOptions): Promise<number> {
  const files = words[0]?.endsWith('.ts') ? [words[0]] : [];
  const [name, ...flags] = words.slice(files.length);
  const bundle = await bundled(root, files, name, options);
  const workflows = workflowsOf(bundle.program);
  if (name === undefined || name === '--help' || name === '-h') {
    const lines = workflows.map(
      (workflow) => `  ${workflow.name}${workflow.description ? `: ${workflow.description}` : ''}`,
    );
    const text = ['Workflows:', ...lines, '', 'redex run WORKFLOW --help lists what one takes.'].join('\n');
    if (name === undefined) throw new UsageError(`which workflow?\n${text}`);
    process.stdout.write(`${text}\n`);
    return EXIT.done;
  }
  const chosen = fullName(
    name,
    workflows.map((workflow) => workflow.name),
  );
  const workflow = workflows.find((one) => one.name === chosen) as (typeof workflows)[number];
  refuseAmbiguous(workflow, options.typed);
  const given = options.argsFile === undefined ? {} : readArgsFile(options.argsFile);
  const parsed = parseFlags(workflow, flags, given, (typed) => typedLocation(root, process.cwd(), typed));
  if (parsed.kind === 'help') {
    process.stdout.write(parsed.text);
    return EXIT.done;
  }
  const request = {
    workflow: chosen,
    args: parsed.args,
    bundle: bundle.hash,
    tags: options.tags,
    cache: options.cache,
    failure: options.failure,
    ...(options.context.length > 0 && { context: contextWith(bundle.program.context, options.context) }),
  };
  const { json, chaos } = options;
  if (options.dryRun) return (await printDryRun(root, bundle, request, json)) ? EXIT.done : EXIT.failed;
  return inSession(root, { json, wanted: 'DONE', chaos }, async (session, about) => {
    await storeBundle(session.world.objects, bundle);
    const same = await unfinished(session, request);
    if (same) return carryOn(session, same, about);
    const { clock } = session.world;
    const run = newRunId(clock.now(), clock.nonce());
    about(run);
    return start(session, { ...request, run });
  });
}

/** What was typed as --profile may have been meant for the workflow, and then the project has no such profile. */
async function bundled(
  root: string,
  files: readonly string[],
  name: string | undefined,
  { profile, typed }: RunOptions,
): Promise<Bundle> {
  try {
    return await bundleProject(root, files, profile);
  } catch (thrown) {
    if (name === undefined || !typed.includes('--profile')) throw thrown;
    const { program } = await bundleProject(root, files, undefined).catch(() => Promise.reject(thrown));
    const workflows = workflowsOf(program).filter((one) => one.name === name || one.name.endsWith(`.${name}`));
    for (const workflow of workflows) refuseAmbiguous(workflow, ['--profile']);
    throw thrown;
  }
}

/** Carries a run on, by default the newest that is not over. Gives the exit code. */
export function resumeCommand(root: string, given: string | undefined, json: boolean): Promise<number> {
  return inSession(root, { json, wanted: 'DONE' }, async (session, about) => {
    const { run } = await findRun(session.world, given, 'RUNNING');
    return resume(session, run, about);
  });
}

/** Keeps the cloud up until Ctrl-C, with all unfinished runs in it but those that were stopped. Gives the exit code. */
export async function localCommand(root: string): Promise<number> {
  const interrupt = listenForInterrupt();
  const { cloud, world } = await openSession(root, (message) => process.stderr.write(`redex: ${message}\n`));
  try {
    if (!cloud.owner) throw new UsageError(`process ${cloud.pid} keeps the local cloud up already`);
    const active = await runsUnderWay(world);
    for (const { run } of active) await world.bus.wake(run, 'now');
    process.stderr.write(
      `redex: the local cloud is up, with ${active.length} unfinished runs. Ctrl-C ends it and stops them.\n`,
    );
    await Promise.race([cloud.closed, once(interrupt.signal, 'abort')]);
    if (interrupt.signal.aborted) await holdAll({ cloud, world });
    return EXIT.done;
  } finally {
    await cloud.close();
    interrupt.end();
  }
}

export interface Watched {
  /** Whether the run's end is printed as JSON. */
  readonly json: boolean;
  /** How the run must end for the command to have succeeded. */
  readonly wanted: RunStatus;
  readonly chaos?: number | undefined;
}

/** Is told which run Ctrl-C stops, as soon as that is known: it may take long to begin. */
type About = (run: RunId) => void;

/** Opens the cloud, watches the run that `begin` gives, prints its end, and leaves when no run needs the cloud any more. */
export async function inSession(
  root: string,
  { json, wanted, chaos }: Watched,
  begin: (session: Session, about: About) => Promise<RunId>,
): Promise<number> {
  const table = live(json ? { write: () => undefined } : process.stdout);
  const warn = (message: string) => table.print(`redex: ${message}`);
  const interrupt = listenForInterrupt();
  let session = await openSession(root, warn, chaos);
  let run: RunId | undefined;
  let stoppable: RunId | undefined;
  const hold = (): void => {
    if (interrupt.signal.aborted && stoppable !== undefined) session.cloud.hold(stoppable);
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
        run = run === undefined ? await begin(session, about) : await resume(session, run, about);
        const queuedOf = table.isShown ? queueWatcher(session.world) : undefined;
        const summary = await watch(session.cloud, run, table, interrupt.signal, queuedOf);
        if (!summary) return await leave(session, run);
        stoppable = undefined;
        await conclude(session, summary, json, interrupt.signal);
        return summary.status === wanted ? EXIT.done : EXIT.failed;
      } catch (error) {
        if (!(await lostOwner(session.cloud))) throw error;
        // The process we were attached to has ended: whoever comes first opens the cloud again, and the run goes on.
        session = await openSession(root, warn, chaos);
      }
    }
  } finally {
    await session.cloud.close();
    interrupt.end();
  }
}

/** How long the end of a connection may take to show. */
const CLOSED_NOTICE_MS = 1000;

function lostOwner(cloud: Session['cloud']): Promise<boolean> {
  if (cloud.owner) return Promise.resolve(false);
  return Promise.race([cloud.closed.then(() => true), sleep(CLOSED_NOTICE_MS, false)]);
}

async function conclude(session: Session, summary: RunSummary, json: boolean, interrupt: AbortSignal): Promise<void> {
  const { objects } = session.world;
  const end = json ? asJson(await endJson(objects, summary)) : await endText(objects, summary, performance.now());
  process.stdout.write(`${end}\n`);
  const failure = await failureText(objects, summary);
  if (failure) process.stderr.write(`\n${paintFailure(failure, process.stderr)}\n`);
  await waitForOthers(session, interrupt);
}

async function resume(session: Session, run: RunId, about: About): Promise<RunId> {
  const summary = await session.world.summaries.get(run);
  return summary && !isOver(summary) ? carryOn(session, summary, about) : run;
}

async function leave({ cloud, world }: Session, run: RunId): Promise<number> {
  if (cloud.owner) {
    process.stderr.write('\nredex: stopping the jobs (Ctrl-C again leaves at once)\n');
    await holdAll({ cloud, world });
    // It may have been cancelled meanwhile, or be over: then there is nothing to carry on.
    if ((await world.summaries.get(run))?.status !== 'RUNNING') await cloud.release(run);
    await cloud.close();
    process.stderr.write(`redex: stopped; finished work is kept. Carry the run on with: redex resume ${run}\n`);
  } else {
    process.stderr.write(
      `\nredex: the run goes on in process ${cloud.pid}. Watch it again with: redex resume ${run}\n`,
    );
  }
  return EXIT.interrupted;
}

/** Who ends a cloud by Ctrl-C stops all runs in it; those that have a command of their own are taken up again by that. */
async function holdAll({ cloud, world }: Session): Promise<void> {
  if (!cloud.owner) return;
  for (const { run } of await world.summaries.list({ status: 'RUNNING' })) cloud.hold(run);
}

/** Runs that are not over and not stopped, the newest first. */
async function runsUnderWay({ summaries, held }: World, status: RunStatus = 'RUNNING'): Promise<RunSummary[]> {
  const listed = await summaries.list({ status });
  return listed.filter(({ run }) => !held?.has(run));
}

/** An owner stays while other runs need its cloud, those of attached commands and those it carried on. */
async function waitForOthers({ cloud, world }: Session, interrupt: AbortSignal): Promise<void> {
  if (!cloud.owner) return;
  const others = [...(await runsUnderWay(world)), ...(await runsUnderWay(world, 'CANCELLING'))];
  if (others.length === 0) return;
  const names = others.map(({ run, workflow }) => `${run} (${workflow})`).join(', ');
  process.stderr.write(`redex: waiting for other runs: ${names}. Ctrl-C stops them; redex resume carries them on.\n`);
  const silent = live({ write: () => undefined });
  for (const { run } of others) await watch(cloud, run, silent, interrupt);
  if (interrupt.aborted) await holdAll({ cloud, world });
}

async function start({ cloud }: Session, request: Request & { readonly run: RunId }): Promise<RunId> {
  const answer = (await cloud.invoke('start', request)) as
    | { readonly run: RunId }
    | { readonly errors: readonly string[] };
  if ('errors' in answer) throw new UsageError(answer.errors.join('\n'));
  return answer.run;
}

const POLICIES = ['drain', 'cancel'] as const;

/** A run of the same workflow, arguments, context and code that was interrupted, carried on; with its own failure policy. */
async function unfinished(session: Session, request: Request): Promise<RunSummary | undefined> {
  const active = await session.world.summaries.list({ status: 'RUNNING' });
  const asked = new Set(POLICIES.map((failure) => askedOf({ ...request, failure })));
  const isSame = (run: RunSummary) =>
    keyOf(run) === keyOf(request) && (run.asked === undefined ? request.cache : asked.has(run.asked));
  const same = active.find(isSame);
  if (session.cloud.owner) await giveUpOlder(session, active, request);
  return same;
}

/**
 * Runs of the same workflow on the same arguments that were interrupted and whose code has changed since: two of them
 * would write the same files, and the one that is wanted is the one asked for now. What they finished is in the cache.
 */
async function giveUpOlder({ cloud }: Session, active: readonly RunSummary[], request: Request): Promise<void> {
  const asked = hashOf(encode(request.args));
  const older = active.filter(
    ({ workflow, args, bundle }) =>
      workflow === request.workflow && bundle !== request.bundle && hashOf(encode(args)) === asked,
  );
  for (const { run } of older) {
    await cloud.invoke('cancel', { run });
    await cloud.release(run);
    process.stderr.write(`redex: run ${run} was interrupted, and its code has changed since: it is cancelled\n`);
  }
}

function keyOf({ workflow, args, bundle, tags }: Pick<RunSummary, 'workflow' | 'args' | 'bundle' | 'tags'>): string {
  return hashOf(encode({ workflow, args, bundle, tags }));
}

async function carryOn(session: Session, summary: RunSummary, about: About): Promise<RunId> {
  const { run, workflow, bundle, tags } = summary;
  await session.cloud.release(run);
  about(run);
  process.stderr.write(
    session.cloud.owner
      ? `redex: carrying on with run ${run}, which was interrupted\n`
      : `redex: run ${run} is under way in process ${session.cloud.pid}\n`,
  );
  if (summary.sequence > 0) await session.world.bus.wake(run, 'now');
  // It was stopped before its first entry: asked for again under its id, it begins.
  else {
    const args = summary.args as Record<string, unknown>;
    await start(session, { run, workflow, args, bundle, tags, cache: true, ...summary.beginning });
  }
  return run;
}
