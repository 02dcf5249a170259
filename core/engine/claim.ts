/** Jobs that are ready become claimed submissions: their specs are stored, the claim is a fact, the request comes later. */

import type { Attempt } from '../graph/demands.ts';
import { errorOf, errorValue } from '../graph/errors.ts';
import { attemptOptions } from '../graph/evolve.ts';
import type { Fact } from '../graph/facts.ts';
import { type Graph, runIdOf, runOf } from '../graph/graph.ts';
import { groupAttempts } from '../graph/group.ts';
import type { Leaf } from '../values/contents.ts';
import { type EvalHash, type Hash, type SubmissionId, submissionNamed } from '../values/ids.ts';
import { splitConfig, toldOptions } from '../values/options.ts';
import { clashOf, clashText, type Target } from '../values/places.ts';
import { type ExecutorPlace, type JobOptions, MEMORY_GIB_DEFAULT } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import type { Executor, Resources, SubmissionRequest } from './executor.ts';
import { executorOf } from './executors.ts';
import { putSpecs } from './manifest.ts';
import type { Findings } from './meeting.ts';
import { keys, ValueGone } from './objects.ts';
import { overwriteNote } from './overwritten.ts';
import { placesFor, type Taken, takenOf, targetsOf } from './places.ts';
import type { World } from './ports.ts';
import { leavesIn } from './reuse.ts';
import { type JobSpec, jobName } from './spec.ts';

export interface ClaimContext {
  /** Of the entry that will carry the claims. */
  readonly sequence: number;
  /** Of the same entry: keeps the ids of two racing rounds apart. */
  readonly nonce: string;
  /** ms since the epoch: when the sender can no longer be sending. */
  readonly deadline: number;
  /** With large values that may not be stored yet; takes what is to be known of claims when results are reused. */
  readonly findings: Findings;
  /** How many submissions may be sent to an executor; what is beyond it stays ready. */
  readonly roomFor: (executor: Executor) => number;
}

/**
 * Claims for what is ready and has room under its limits, as many submissions as can be sent; what would write where
 * others write fails.
 */
export async function claimReady(
  world: World,
  graph: Graph,
  ready: readonly Attempt[],
  context: ClaimContext,
): Promise<Fact[]> {
  const { findings } = context;
  const { writes, lost } = await writesOf(world, ready, findings.large);
  const writers = ready.filter((attempt) => writes.has(attempt.evaluation));
  const given = await givenBefore(world, graph, writers, writes, findings);
  const { free, conflicts } = separateWriters(graph, writers, writes, given);
  const executorBy = (name: string) => executorOf(world, graph, name);
  const all = groupAttempts(graph, free, (name) => executorBy(name).limits.jobsPerSubmission);
  const groups = withinRoom(all, ([first]) => executorBy(first?.options.executor ?? ''), context.roomFor);
  const claims = await Promise.all(
    groups.map((group, at) => claimGroup(world, graph, group, { at, writes, ...context })),
  );
  for (const { evaluation: by } of groups.flat()) {
    for (const leaf of given.get(by)?.values() ?? []) {
      const note = overwriteNote(leaf, by, runIdOf(graph), world.clock.now());
      findings.evaluations.set(note.hash, note);
    }
  }
  // Claims first: a failure may end the need for other work, and what is claimed must be there.
  return [...claims, ...conflicts, ...lost];
}

/** The first groups for each executor, as many as there is room for. */
function withinRoom(
  groups: readonly Attempt[][],
  executorOfGroup: (group: readonly Attempt[]) => Executor,
  roomFor: (executor: Executor) => number,
): Attempt[][] {
  const left = new Map<Executor, number>();
  return groups.filter((group) => {
    const executor = executorOfGroup(group);
    const room = left.get(executor) ?? roomFor(executor);
    left.set(executor, room - 1);
    return room > 0;
  });
}

/** What an attempt writes. */
interface Writing {
  readonly targets: readonly Target[];
  /** The places of the targets, and the first location of each. */
  readonly places: ReadonlyMap<string, string>;
}

type Writes = ReadonlyMap<EvalHash, Writing>;

/** An attempt whose list of outputs is gone has failed. */
async function writesOf(
  { objects, files }: World,
  ready: readonly Attempt[],
  large: ReadonlyMap<Hash, Table>,
): Promise<{ readonly writes: Writes; readonly lost: readonly Fact[] }> {
  const targets = new Map<EvalHash, readonly Target[]>();
  const lost: Fact[] = [];
  const load = async (attempt: Attempt): Promise<void> => {
    try {
      targets.set(attempt.evaluation, await targetsOf(objects, attempt.args, large));
    } catch (error) {
      if (!(error instanceof ValueGone)) throw error;
      lost.push(failure(attempt, errorOf(error)));
    }
  };
  await Promise.all(ready.map(load));
  const locations = [...targets.values()].flat().map(({ location }) => location);
  const placeOf = await placesFor(files, locations);
  const writing = (found: readonly Target[]): Writing => ({
    targets: found,
    places: new Map(found.map(({ location }) => [placeOf.get(location) ?? location, location])),
  });
  return { writes: new Map([...targets].map(([evaluation, found]) => [evaluation, writing(found)])), lost };
}

/** By attempt, the files it is given that lie where it writes and other scripts of the run have written, by their place. */
type Given = ReadonlyMap<EvalHash, ReadonlyMap<string, Leaf>>;

async function givenBefore(
  world: World,
  graph: Graph,
  ready: readonly Attempt[],
  writes: Writes,
  findings: Findings,
): Promise<Given> {
  const given = ready.map(async (attempt) => {
    const places = [...(writes.get(attempt.evaluation)?.places.keys() ?? [])];
    const taken = new Set(
      places.filter((place) => (graph.written.get(place) ?? attempt.evaluation) !== attempt.evaluation),
    );
    const leaves = taken.size > 0 ? await leavesIn({ world, findings }, attempt.args) : [];
    const placeOf = await placesFor(
      world.files,
      leaves.map(({ location }) => location),
    );
    const placed = leaves.map((leaf) => [placeOf.get(leaf.location) ?? leaf.location, leaf] as const);
    return [attempt.evaluation, new Map(placed.filter(([place]) => taken.has(place)))] as const;
  });
  return new Map(await Promise.all(given));
}

/**
 * Two jobs in flight in one run never write one place, or places in one another: the second is refused, naming both. Nor
 * does one job write a place twice, nor do two in turn, where the second is not given what the first one made: no run
 * would find both results valid, and each would do all of it again.
 */
function separateWriters(
  graph: Graph,
  ready: readonly Attempt[],
  writes: Writes,
  given: Given,
): { free: Attempt[]; conflicts: Fact[] } {
  const writing = takenOf(graph.writing);
  const written = takenOf(graph.written);
  const free: Attempt[] = [];
  const conflicts: Fact[] = [];
  for (const attempt of ready) {
    const { targets = [], places = new Map<string, string>() } = writes.get(attempt.evaluation) ?? {};
    const clash = clashOf(targets);
    const known = given.get(attempt.evaluation);
    const other = (taken: Taken, place: string) => {
      const writer = taken.by(place);
      return writer === attempt.evaluation ? undefined : writer;
    };
    const [conflict] = [...places].flatMap(([place, location]) => {
      const writer = other(writing, place);
      return writer ? [[writer, location] as const] : [];
    });
    const earlier = [...places].find(([place]) => !known?.has(place) && other(written, place));
    if (clash) conflicts.push(refusal(attempt, `${describeWork(graph, attempt.evaluation)}: ${clashText(clash)}`));
    else if (conflict) conflicts.push(conflictFact(graph, attempt, conflict[1], conflict[0]));
    else if (earlier) conflicts.push(inTurnFact(graph, attempt, earlier[1]));
    else {
      free.push(attempt);
      for (const place of places.keys()) writing.take(place, attempt.evaluation);
    }
  }
  return { free, conflicts };
}

/** The work that wrote it is over and may be gone: only its place is known. */
function inTurnFact(graph: Graph, attempt: Attempt, location: string): Fact {
  const advice = 'give each a place of its own, or give the second what the first one made as an input';
  const second = describeWork(graph, attempt.evaluation);
  return refusal(attempt, `${second} would write ${location}, which another job of this run has written: ${advice}`);
}

function conflictFact(graph: Graph, attempt: Attempt, location: string, writer: EvalHash): Fact {
  const [second, first] = [describeWork(graph, attempt.evaluation), describeWork(graph, writer)];
  return refusal(attempt, `${second} would write ${location} while ${first} is writing it`);
}

function refusal(attempt: Attempt, why: string): Fact {
  return failure(attempt, errorValue('OutputConflict', why));
}

function failure({ evaluation, attempt }: Attempt, error: Table): Fact {
  return { type: 'failed', eval: evaluation, attempt, cause: 'program', error, measured: {} };
}

/** The work as its author knows it: a script goes by the task that called it. */
function describeWork(graph: Graph, evaluation: EvalHash): string {
  const work = graph.works.get(evaluation);
  const first = work?.jobs[0];
  const job = first && graph.jobs.get(first);
  const parent = job?.parent && graph.jobs.get(job.parent);
  return parent ? `${work?.task} in ${parent.task}` : (work?.task ?? 'another job');
}

async function claimGroup(
  world: World,
  graph: Graph,
  group: readonly Attempt[],
  { at, writes, sequence, nonce, deadline }: ClaimContext & { readonly at: number; readonly writes: Writes },
): Promise<Fact> {
  const submission = submissionNamed(`${sequence}-${nonce}-${at}`);
  const jobs = group.map((attempt) => specOf(graph, submission, attempt));
  const { scratch } = placeOf(graph, group[0]?.options.executor);
  const exchanged = scratch === undefined ? undefined : world.scratch?.(scratch);
  const spec = await putSpecs(exchanged ?? world.objects, jobs);
  return {
    type: 'claimed',
    submission,
    sender: world.sender.id,
    deadline,
    executor: group[0]?.options.executor ?? '',
    spec,
    jobs: group.map(({ evaluation, attempt }) => {
      const places = [...(writes.get(evaluation)?.places.keys() ?? [])];
      return { eval: evaluation, attempt, ...(places.length > 0 && { writes: places }) };
    }),
  };
}

function specOf(graph: Graph, submission: SubmissionId, attempt: Attempt): JobSpec {
  const { bundle, web } = runOf(graph).program;
  const { evaluation, attempt: number, task, args } = attempt;
  return {
    ...{ v: 1, run: runIdOf(graph), submission, eval: evaluation, attempt: number, task, bundle, args },
    ...(web && { web }),
  };
}

const VCPUS_DEFAULT = 1;
const TIMEOUT_SECONDS_DEFAULT = 24 * 3600;

function resourcesOf(world: World, graph: Graph, options: JobOptions): Resources {
  const { scratch, ...place } = placeOf(graph, options.executor);
  return {
    ...toldOptions(options),
    ...place,
    ...(scratch !== undefined && world.scratch && { scratch }),
    vcpus: options.vcpus ?? VCPUS_DEFAULT,
    memory: options.memory ?? MEMORY_GIB_DEFAULT,
    timeoutSeconds: options.timeoutSeconds ?? TIMEOUT_SECONDS_DEFAULT,
  };
}

function placeOf(graph: Graph, executor: string | undefined): ExecutorPlace {
  const config = runOf(graph).program.executors[executor ?? ''];
  return config ? splitConfig(config).place : {};
}

/** The request for a claimed submission; undefined when it is not there any more. */
export function requestOf(world: World, graph: Graph, id: SubmissionId): SubmissionRequest | undefined {
  const submission = graph.submissions.get(id);
  const first = submission?.jobs[0];
  const work = first && graph.works.get(first.eval);
  if (!submission || !work) return undefined;
  return {
    name: jobName(world.stack, runIdOf(graph), id),
    run: runIdOf(graph),
    submission: id,
    spec: keys.spec(submission.spec),
    size: submission.jobs.length,
    resources: resourcesOf(world, graph, attemptOptions(work)),
  };
}
