/**
 * A dry run: what a run would find in the cache, what it would run and why, as far as that can be known without running
 * it. The graph is reduced in memory; there is no journal.
 *
 * 1. Nothing is written: only methods that read are called.
 * 2. Inline tasks are run, save those marked `effects: true` and those that turn out to write files.
 */

import { type Attempt, type Demands, demandsOf } from '../graph/demands.ts';
import { draftOf, noEffects } from '../graph/draft.ts';
import { callChain } from '../graph/ending.ts';
import { errorLine, isCaughtBy } from '../graph/errors.ts';
import { evolve } from '../graph/evolve.ts';
import type { Fact } from '../graph/facts.ts';
import { type Graph, runOf } from '../graph/graph.ts';
import type { FileAccess } from '../values/classes.ts';
import { type EvalHash, runNamed } from '../values/ids.ts';
import { at } from '../values/present.ts';
import { INLINE_EXECUTOR } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import { beginningOf, type LaunchRequest } from './launch.ts';
import { meet } from './meet.ts';
import type { Findings, Meeting } from './meeting.ts';
import { broken, trustWithout, withoutOverwritten } from './overwritten.ts';
import type { World } from './ports.ts';
import { type Reason, reasonsFor } from './reasons.ts';
import { leavesIn } from './reuse.ts';

/** What a dry run asks of the world. */
export type DryWorld = Pick<World, 'cache' | 'clock' | 'files' | 'host' | 'journal' | 'objects' | 'summaries'>;

export interface PlannedJob {
  readonly task: string;
  readonly executor: string;
  /** The task calls that lead to it, outermost first, its own last. */
  readonly calls: readonly string[];
  readonly reason: Reason;
  /** Whether it was run to look further: an inline task. */
  readonly looked: boolean;
}

export interface DryRun {
  readonly workflow: string;
  /** Jobs whose results would be reused. */
  readonly cached: number;
  /** Jobs that would run, in the order they come up. */
  readonly jobs: readonly PlannedJob[];
  /** Calls that wait for those, by task. What they call in turn nobody knows yet. */
  readonly waiting: Readonly<Record<string, number>>;
  /** The run's value, where nothing is left to run. */
  readonly value?: Table;
  /** Where the run would fail, as far as was looked: the error and the calls that led to it. */
  readonly failure?: { readonly calls: readonly string[]; readonly error: string };
}

/** The name of the error that writing a file has in a dry run. */
const DRY_RUN_WRITE = 'DryRunWrite';

/** What the tasks are given that a dry run runs. */
export function readOnly(files: FileAccess): FileAccess {
  const fail = (location: string): Promise<never> =>
    Promise.reject(Object.assign(new Error(`a dry run does not write ${location}`), { name: DRY_RUN_WRITE }));
  return {
    ...files,
    write: fail,
    copy: (_, to) => fail(to),
    copyDir: (_, to) => fail(to),
    concat: (_, to) => fail(to),
  };
}

/** The request is refused as `launch` refuses it. */
export async function dryRun(
  world: DryWorld,
  request: LaunchRequest,
): Promise<{ readonly ok: true; readonly plan: DryRun } | { readonly ok: false; readonly error: Table }> {
  const run = runNamed('dry');
  const beginning = await beginningOf(world.host, request, run, world.clock.now());
  if (!beginning.ok) return beginning;
  const { started, large } = beginning;
  const withdrawn = new Set<EvalHash>();
  for (;;) {
    const findings: Findings = { large: new Map(large), evaluations: new Map() };
    const trust = trustWithout(withdrawn);
    const walk: DryReduction = {
      draft: draftOf(),
      meeting: { world, run, program: started.program, findings, unseen: new Map(), trust },
      looked: new Map(),
      left: new Set(),
    };
    fold(walk, [started]);
    await reduceAll(walk);
    const inVain = await brokenIn(walk);
    if (inVain.size === 0) return { ok: true, plan: await planOf(world, walk) };
    for (const call of inVain) withdrawn.add(call);
  }
}

/** As in a round, nothing of what rested on trust in vain counts. */
async function brokenIn({ draft, meeting }: DryReduction): Promise<Set<EvalHash>> {
  await withoutOverwritten(meeting.trust, demandsOf(draft.graph).submit, (args) => leavesIn(meeting, args));
  return broken(meeting.trust, draft.graph);
}

interface DryReduction {
  readonly draft: ReturnType<typeof draftOf>;
  readonly meeting: Meeting;
  /** Inline work that was run. */
  readonly looked: Map<EvalHash, Planned>;
  /** Inline work that is not run here. */
  readonly left: Set<EvalHash>;
}

/** An attempt and its place in the graph, noted while it is there. */
type Planned = Attempt & { readonly calls: readonly string[]; readonly ordinal: number };

function fold({ draft, meeting }: DryReduction, facts: readonly Fact[]): void {
  for (const fact of facts) evolve(draft, fact);
  for (const [hash, table] of draft.effects.large) meeting.findings.large.set(hash, table);
  draft.effects = noEffects();
}

async function reduceAll(walk: DryReduction): Promise<void> {
  for (;;) {
    const demands = withoutEffects(walk, demandsOf(walk.draft.graph));
    const news = await meet(walk.meeting, demands);
    const facts = news.filter((fact) => !writesFiles(walk, fact));
    const unseen = news.length === 0 ? [...walk.meeting.unseen.values()] : [];
    if (news.length + unseen.length === 0) return;
    if (unseen.length > 0) walk.meeting.unseen.clear();
    for (const attempt of demands.inline) {
      if (!walk.left.has(attempt.evaluation)) walk.looked.set(attempt.evaluation, placed(walk, attempt));
    }
    fold(walk, [...facts, ...unseen]);
  }
}

function withoutEffects({ left }: DryReduction, demands: Demands): Demands {
  for (const { evaluation, options } of demands.inline) if (options.effects) left.add(evaluation);
  return { ...demands, inline: demands.inline.filter((attempt) => !left.has(attempt.evaluation)) };
}

/** A task that was about to write has failed for it: what it would have come to is not known. */
function writesFiles({ left }: DryReduction, fact: Fact): boolean {
  const isWrite = fact.type === 'failed' && isCaughtBy(fact.error, [DRY_RUN_WRITE]);
  if (isWrite) left.add(fact.eval);
  return isWrite;
}

function placed({ draft: { graph } }: DryReduction, attempt: Attempt): Planned {
  const work = graph.works.get(attempt.evaluation);
  return { ...attempt, calls: callChain(graph, work?.jobs[0] ?? null), ordinal: work?.ordinal ?? 0 };
}

async function planOf(world: DryWorld, walk: DryReduction): Promise<DryRun> {
  const { graph } = walk.draft;
  const { submit, inline } = demandsOf(graph);
  const ready = [...inline, ...submit].map((attempt) => placed(walk, attempt));
  const attempts = [...walk.looked.values(), ...ready].sort((a, b) => a.ordinal - b.ordinal);
  const reasons = await reasonsFor(world, walk.meeting, runOf(graph), attempts);
  const outcome = graph.nodes.get(graph.root)?.outcome;
  const value = outcome && 'value' in outcome ? outcome.value : undefined;
  const failure = failureOf(graph);
  return {
    workflow: runOf(graph).workflow,
    cached: [...graph.jobs.values()].filter(({ reused }) => reused).length,
    jobs: attempts.map(({ evaluation, task, options, calls }, place) => ({
      task,
      executor: options.executor ?? INLINE_EXECUTOR,
      calls,
      reason: at(reasons, place),
      looked: walk.looked.has(evaluation),
    })),
    waiting: waitingIn(graph),
    ...(value && ready.length === 0 && { value }),
    ...(failure && { failure }),
  };
}

/** Calls that are needed and have no arguments yet. */
function waitingIn(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { shape, outcome, waits } of graph.nodes.values()) {
    if (shape.kind === 'call' && outcome === null && waits === null) counts[shape.task] = (counts[shape.task] ?? 0) + 1;
  }
  return counts;
}

function failureOf(graph: Graph): DryRun['failure'] {
  const last = graph.stopping ? graph.failed.at(0) : undefined;
  const outcome = last && graph.jobs.get(last)?.outcome;
  const rootOutcome = graph.nodes.get(graph.root)?.outcome;
  const failed = outcome && 'failure' in outcome ? outcome : rootOutcome;
  if (!failed || !('failure' in failed)) return undefined;
  const { error, origin } = failed.failure;
  return { calls: callChain(graph, origin), error: errorLine(error) };
}
