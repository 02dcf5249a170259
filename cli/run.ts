/** `redex run`, `redex resume` and `redex local`. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { deployBundle } from '../core/engine/deployed.ts';
import { askedOf, newRunId } from '../core/engine/launch.ts';
import type { Objects, RunSummary } from '../core/engine/ports.ts';
import type { FailurePolicy } from '../core/graph/facts.ts';
import { type Bundle, storeBundle } from '../core/host/bundle.ts';
import { encode } from '../core/values/encode.ts';
import type { Hash, RunId } from '../core/values/ids.ts';
import { type Workflow, workflowsOf } from '../core/values/program.ts';
import { hashOf } from '../core/values/table.ts';
import type { ListedRun } from '../functions/shapes.ts';
import { parseFlags, refuseAmbiguous } from './arguments.ts';
import { type Client, listRuns } from './client.ts';
import { type ContextPart, contextWith } from './context.ts';
import { EXIT } from './exit.ts';
import { type About, following, holdAll, runsUnderWay } from './follow.ts';
import { listenForInterrupt } from './interrupt.ts';
import { fullName } from './names.ts';
import { bundleProject, readArgsFile, typedLocation } from './project.ts';
import { findRun } from './runs.ts';
import { openSession, reading, type Session, type Where } from './session.ts';
import { withAdvice } from './trouble.ts';
import { UsageError } from './usage-error.ts';

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
export async function runCommand(where: Where, words: readonly string[], options: RunOptions): Promise<number> {
  const files = words[0]?.endsWith('.ts') ? [words[0]] : [];
  const [name, ...flags] = words.slice(files.length);
  if (where.stack !== undefined) refuseOnAws(files, options);
  const code = await codeOf(where, files, name, options);
  const { workflows } = code;
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
  const { workflow, context } = await code.look(chosen);
  refuseAmbiguous(workflow, options.typed);
  const given = options.argsFile === undefined ? {} : readArgsFile(options.argsFile);
  const parsed = parseFlags(workflow, flags, given, (typed) => locationOf(where, typed));
  if (parsed.kind === 'help') {
    process.stdout.write(parsed.text);
    return EXIT.done;
  }
  const request = {
    workflow: chosen,
    args: parsed.args,
    bundle: code.hash,
    tags: options.tags,
    cache: options.cache,
    failure: options.failure,
    ...(options.context.length > 0 && { context: contextWith(context, options.context) }),
  };
  const { json, chaos } = options;
  const { bundle } = code;
  if (options.dryRun) {
    // Brings the whole of the functions with it, which a run starts in its own time.
    const { printDryRun } = await import('./dry-run.ts');
    return (await printDryRun(where, bundle, request, json)) ? EXIT.done : EXIT.failed;
  }
  const begin = async (session: Session, about: About): Promise<RunId> => {
    if (bundle) await storeBundle(session.objects, bundle);
    const same = session.cloud && (await unfinished(session.client, session.cloud, request));
    if (same) return carryOn(session, same, about);
    const run = newRunId(Date.now(), randomBytes(NONCE_BYTES).toString('hex'));
    about(run);
    await session.client.call('start', { ...request, run });
    if (!session.cloud) process.stderr.write(`redex: run ${run} is under way in ${session.place}\n`);
    return run;
  };
  return following(where, { json, wanted: 'DONE', chaos }, begin, resume);
}

/** What would be passed over in silence there. */
function refuseOnAws(files: readonly string[], { chaos, profile }: RunOptions): void {
  if (chaos !== undefined) throw new UsageError('--chaos is for the local cloud: a stack has its own');
  if (profile === undefined || files.length > 0) return;
  throw new UsageError('what was deployed has its profile: give --profile to deploy-code, or with a FILE.ts');
}

const NONCE_BYTES = 8;

/** What a run is to be made of. */
interface Code {
  readonly hash: Hash;
  /** To be put where runs find it; undefined: it was deployed. */
  readonly bundle: Bundle | undefined;
  readonly workflows: readonly Omit<Workflow, 'params'>[];
  look(workflow: string): Promise<{ readonly workflow: Workflow; readonly context: Readonly<Record<string, unknown>> }>;
}

/** On AWS what was deployed, unless a file is named: that is edited code, and for whoever may deploy it. */
function codeOf(where: Where, files: readonly string[], name: string | undefined, options: RunOptions): Promise<Code> {
  return where.stack !== undefined && files.length === 0 ? deployedCode(where) : ownCode(where, files, name, options);
}

async function ownCode({ root }: Where, files: readonly string[], name: string | undefined, options: RunOptions) {
  const bundle = await bundled(root, files, name, options);
  const { context } = bundle.program;
  const workflows = workflowsOf(bundle.program);
  const look = (chosen: string) => {
    const workflow = workflows.find((one) => one.name === chosen) as Workflow;
    return Promise.resolve({ workflow, context });
  };
  return { hash: bundle.hash, bundle, workflows, look };
}

async function deployedCode(where: Where): Promise<Code> {
  return await reading(where, async ({ client }) => {
    const { bundle: hash, workflows = [] } = await client.call('workflows', {});
    const look = async (chosen: string) => {
      const { context = {}, ...workflow } = await client.call('workflow', { workflow: chosen });
      return { workflow, context };
    };
    return { hash, bundle: undefined, workflows, look };
  });
}

/** On AWS there are no local files: what was typed is for the functions to judge. */
function locationOf({ root, stack }: Where, typed: string): string {
  return stack === undefined ? typedLocation(root, process.cwd(), typed) : typed;
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
export function resumeCommand(where: Where, given: string | undefined, json: boolean): Promise<number> {
  const begin = async (session: Session, about: About): Promise<RunId> => {
    const { run } = await findRun(session.client, given, 'RUNNING');
    return resume(session, run, about);
  };
  return following(where, { json, wanted: 'DONE' }, begin, resume);
}

/** Keeps the cloud up until Ctrl-C, with all unfinished runs in it but those that were stopped. Gives the exit code. */
export async function localCommand(root: string): Promise<number> {
  const interrupt = listenForInterrupt();
  const warn = (message: string) => process.stderr.write(`redex: ${withAdvice(message)}\n`);
  const { client, cloud, objects } = await openSession({ root, stack: undefined }, warn);
  if (!cloud) throw new Error('a project has a cloud');
  try {
    if (!cloud.owner) throw new UsageError(`process ${cloud.pid} keeps the local cloud up already`);
    const active = await runsUnderWay(client, cloud);
    for (const { run } of active) await cloud.release(run);
    await deployHere(root, objects).catch((error: Error) => warn(`its API starts nothing yet: ${error.message}`));
    process.stderr.write(
      `redex: the local cloud is up, with ${active.length} unfinished runs. Ctrl-C ends it and stops them.\n` +
        `redex: its API, as of functions/openapi.json, for who knows this address: ${cloud.apiUrl}\n`,
    );
    await Promise.race([cloud.closed, once(interrupt.signal, 'abort')]);
    if (interrupt.signal.aborted) await holdAll(client, cloud);
    return EXIT.done;
  } finally {
    await cloud.close();
    interrupt.end();
  }
}

/** What is asked for by the API is made of the project's workflows as they are now. */
async function deployHere(root: string, objects: Objects): Promise<void> {
  const bundle = await bundleProject(root, [], undefined);
  await storeBundle(objects, bundle);
  await deployBundle(objects, bundle.hash);
}

export async function resume(session: Session, run: RunId, about: About): Promise<RunId> {
  const summary = await session.client.call('status', { run });
  const isOver = summary.endedAt !== undefined;
  return isOver || !session.cloud ? run : carryOn(session, summary, about);
}

const POLICIES = ['drain', 'cancel'] as const;

/** A run of the same workflow, arguments, context and code that was interrupted, carried on; with its own failure policy. */
async function unfinished(
  client: Client,
  cloud: NonNullable<Session['cloud']>,
  request: Request,
): Promise<ListedRun | undefined> {
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
  cloud: NonNullable<Session['cloud']>,
  active: readonly ListedRun[],
  request: Request,
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

async function carryOn({ client, cloud, place }: Session, summary: ListedRun, about: About): Promise<RunId> {
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
    const args = summary.args as Record<string, unknown>;
    await client.call('start', { run, workflow, args, bundle, tags, cache: true, ...beginning });
  }
  return run;
}
