/** How a run begins: checked arguments, a summary by which it can be found, its first entry, and word to who takes it on. */

import type { FailurePolicy, StartedFact } from '../graph/facts.ts';
import { spill } from '../values/contents.ts';
import { encode } from '../values/encode.ts';
import { digest } from '../values/hash.ts';
import { type Hash, type RunId, runNamed } from '../values/ids.ts';
import { hashOf, type Table } from '../values/table.ts';
import { putLarge } from './objects.ts';
import type { Host, RunSummary, World } from './ports.ts';

export interface LaunchRequest {
  /** Full name of a task with declared parameters. */
  readonly workflow: string;
  /** JSON, as given. */
  readonly args: unknown;
  readonly bundle: Hash;
  /** A run id chosen by the caller makes the start repeatable: the second one finds the first. */
  readonly run?: RunId;
  readonly tags?: Readonly<Record<string, string>>;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly failure?: FailurePolicy;
  /** false: nothing is read from other runs. */
  readonly cache?: boolean;
}

export type Launched =
  | { readonly ok: true; readonly run: RunId }
  /** The request is wrong: the encoded error says how. Nothing was written. */
  | { readonly ok: false; readonly error: Table }
  /** The run of that id is another request's. Nothing was written to it. */
  | { readonly ok: false; readonly conflict: RunId };

type LaunchWorld = Pick<World, 'bus' | 'clock' | 'host' | 'journal' | 'objects' | 'summaries'>;

/** The first fact of a run, and the large values in it; or what is wrong with the request. */
export type Begun =
  | { readonly ok: true; readonly started: StartedFact; readonly large: ReadonlyMap<Hash, Table> }
  | { readonly ok: false; readonly error: Table };

/** Writes nothing. `at`: ms since the epoch. */
export async function beginningOf(host: Host, request: LaunchRequest, run: RunId, at: number): Promise<Begun> {
  const root = await host.root(request.bundle, request.workflow, request.args);
  if (!root.ok) return { ok: false, error: root.error };
  const program = await host.program(request.bundle);
  const { table, large } = spill(root.table);
  const started: StartedFact = {
    type: 'started',
    run,
    workflow: request.workflow,
    args: request.args,
    root: table,
    program: { ...program, context: { ...program.context, ...request.context } },
    at,
    tags: request.tags ?? {},
    failure: request.failure ?? 'drain',
    cache: request.cache ?? true,
    asked: askedOf(request),
  };
  return { ok: true, started, large };
}

/**
 * What makes two requests the same one: all that was asked for. Not the bundle: what is asked for again after a deploy
 * is the run that began before it.
 */
export function askedOf(request: Omit<LaunchRequest, 'bundle' | 'run'>): Hash {
  const { workflow, args, tags = {}, context = {}, failure = 'drain', cache = true } = request;
  return digest('request', hashOf(encode([workflow, args, tags, context, failure, cache])));
}

/** Begins the run; its rounds are taken by whoever hears the wake-up. Asked for again, the same request wakes it again. */
export async function launch(world: LaunchWorld, request: LaunchRequest): Promise<Launched> {
  const at = world.clock.now();
  const run = request.run ?? newRunId(at, world.clock.nonce());
  const beginning = await beginningOf(world.host, request, run, at);
  if (!beginning.ok) return beginning;
  const { started, large } = beginning;
  const asked = askedOf(request);
  const earlier = request.run ? await world.summaries.get(run) : undefined;
  // One that never began is nobody's yet: whoever appends its first entry has it.
  const isTaken = earlier !== undefined && earlier.sequence > 0 && (earlier.asked ?? asked) !== asked;
  if (isTaken) return { ok: false, conflict: run };
  await putLarge(world.objects, large);
  // Before the first entry, so that whatever happens next the run can be found.
  const summary: RunSummary = {
    run,
    workflow: request.workflow,
    args: request.args,
    bundle: request.bundle,
    status: 'RUNNING',
    sequence: 0,
    startedAt: at,
    updatedAt: at,
    tally: {},
    tags: started.tags,
    asked,
    beginning: { failure: started.failure, cache: started.cache, context: request.context ?? {} },
  };
  await world.summaries.put(summary);
  // Who asks again for what began is told nothing new.
  if (earlier === undefined) await world.bus.started(summary);
  const nonce = world.clock.nonce();
  const appended = await world.journal.append({ run, sequence: 1, nonce, at, facts: [started] });
  if (appended === 'taken' && !(await beganAs(world, run, asked))) return { ok: false, conflict: run };
  // After the entry, without which there is nothing to take on; whoever dies before leaves a run that the sweep finds.
  await world.bus.wake(run, 'now');
  return { ok: true, run };
}

/** Whether whoever began the run first asked for the same: two requests may come at once. */
async function beganAs({ summaries, journal }: LaunchWorld, run: RunId, asked: Hash): Promise<boolean> {
  const summary = await summaries.get(run);
  if (summary && summary.sequence > 0) return (summary.asked ?? asked) === asked;
  const [first] = await journal.readAfter(run, 0);
  const [started] = first?.facts ?? [];
  return started?.type !== 'started' || (started.asked ?? asked) === asked;
}

/** Start time in base 36, then random digits: sorts by start, letters and digits only. */
export function newRunId(at: number, nonce: string): RunId {
  return runNamed(`${at.toString(36).padStart(9, '0')}${nonce.slice(0, 7)}`);
}
