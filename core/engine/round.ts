/**
 * A round: load → reduce → record → submit, until nothing can be met now. The order of effects is in docs/design.md:
 * stopping after any of them is harmless.
 *
 * 1. Facts and claims become true by one conditional append; before it only what may be lost or repeated is written.
 * 2. A submission is sent only after its claim was appended, and never past the claim's deadline.
 * 3. The warm graph is the fold of appended entries: whatever else happens, its changes are taken back.
 */

import { type Demands, demandsOf, hasWorkLeft } from '../graph/demands.ts';
import { noEffects, type Recovery } from '../graph/draft.ts';
import { isOver } from '../graph/ending.ts';
import { evolve } from '../graph/evolve.ts';
import { type Fact, traitsOf } from '../graph/facts.ts';
import { runOf } from '../graph/graph.ts';
import { CATCH_TASK } from '../graph/recovery.ts';
import type { EvalHash, RunId, SubmissionId } from '../values/ids.ts';
import { askExecutors } from './ask.ts';
import { claimReady } from './claim.ts';
import type { Executor, JobReport } from './executor.ts';
import { learn } from './learn.ts';
import { foldTail, isSnapshotDue, letFinishedLeave, loadRun, snapshotIfDue } from './load.ts';
import { endDamaged, JournalDamaged } from './lost.ts';
import { meet, PASS_FACTS_MAX } from './meet.ts';
import type { Findings, Meeting } from './meeting.ts';
import { putLarge } from './objects.ts';
import { settleOverdue } from './overdue.ts';
import { broken, type Trust, trustWithout, withoutOverwritten } from './overwritten.ts';
import type { Entry, Evaluation, RunStatus, World } from './ports.ts';
import { leavesIn } from './reuse.ts';
import { type Pace, paceOf, roomFor, sendClaimed } from './sending.ts';
import { stopSubmissions } from './stop.ts';
import { summaryOf } from './summary.ts';
import type { LiveRun } from './warm.ts';

/** What a round came to. */
export interface RoundReport {
  readonly status: RunStatus | 'unknown';
  /** Of the run's last entry; absent where the run was not loaded. */
  readonly sequence?: number;
  /** Entries. */
  readonly appended: number;
  /** Requests that the executor accepted: an array is one. */
  readonly submitted: number;
  /** Entries that another round had appended first. */
  readonly conflicts: number;
  /** Requests that the executor put off, since it has too many. */
  readonly throttled: number;
  readonly durationMs: number;
  /** Why the executor took none of the jobs: somebody has to be told. */
  readonly denied?: string;
}

export interface RoundOptions {
  /** ms since the epoch: when the caller is cut off. Claims get it as their deadline. */
  readonly hardEnd?: number;
  /** Ask the executor about everything in flight: events may have been lost. */
  readonly ask?: boolean;
  /** Sequence that the stored summary covers, where the caller knows it: one that is behind is written anew. */
  readonly summarised?: number;
  /** Is told of every round that comes to its end. */
  readonly onRound?: (run: RunId, report: RoundReport) => void;
}

/** How long a caller that says nothing is taken to live. */
const ROUND_DURATION_MS = 60_000;
/**
 * After the executor has denied us a job, nothing is sent for so long: each event, and each wake-up that a claim takes with
 * it, would be answered the same. What comes after that, at the latest the sweep, tries again.
 */
const DENIED_PAUSE_MS = 60_000;
/** Of a round's time, what is left for recording, submitting and recording again when no new wave begins. */
const RESERVE_SHARE = 0.4;

/**
 * Takes the run as far as it goes now. `reports` are what executors said of their jobs. A run whose journal is damaged
 * has failed.
 */
export async function round(
  world: World,
  run: RunId,
  reports: readonly JobReport[] = [],
  options: RoundOptions = {},
): Promise<RoundReport> {
  const start = world.clock.now();
  const outcome = await loadAndAdvance(world, run, reports, options).catch(async (error: unknown) => {
    if (!(error instanceof JournalDamaged)) throw error;
    return nothingDone(await endDamaged(world, run, error));
  });
  const report = { ...outcome, durationMs: world.clock.now() - start };
  options.onRound?.(run, report);
  return report;
}

/** The report where no round was taken. */
export function nothingDone(status: RoundReport['status']): RoundReport {
  return { status, appended: 0, submitted: 0, conflicts: 0, throttled: 0, durationMs: 0 };
}

async function loadAndAdvance(
  world: World,
  run: RunId,
  reports: readonly JobReport[],
  options: RoundOptions,
): Promise<Omit<RoundReport, 'durationMs'>> {
  const loaded = await loadRun(world, run);
  if (typeof loaded === 'string') return nothingDone(loaded);
  const live = loaded;
  if (options.ask) delete live.terminated;
  const start = world.clock.now();
  const hardEnd = options.hardEnd ?? start + ROUND_DURATION_MS;
  const course: Course = {
    world,
    live,
    hardEnd,
    wavesEnd: hardEnd - (hardEnd - start) * RESERVE_SHARE,
    pace: paceOf(world, start, hardEnd),
    holdBack: live.denied !== undefined && start < live.denied.at + DENIED_PAUSE_MS,
    denied: undefined,
    cached: new Map(),
    // A summary that is behind was left by a handler that died.
    summarised: options.summarised ?? live.summarised ?? Number.POSITIVE_INFINITY,
    appended: 0,
    submitted: 0,
    conflicts: 0,
    throttled: 0,
  };
  const learned = await learn(world, live, [...reports, ...(options.ask ? await askExecutors(world, live) : [])]);
  let incoming: readonly Fact[] = [
    ...(live.retry ? [{ type: 'retried', at: start } as const] : []),
    ...learned,
    ...(await settleOverdue(world, live, heardOf(learned), hardEnd)),
  ];
  for (let goesOn = true; goesOn || incoming.length > 0; ) {
    const pass = await reduce(course, incoming);
    goesOn = pass.isCut && world.clock.now() <= course.wavesEnd;
    if (pass.facts.length === 0) {
      live.draft.edits.commit();
      break;
    }
    if (await record(course, pass)) incoming = await submit(course, pass);
    else incoming = await afterLostRace(course, pass, reports);
    if (goesOn) await world.summaries.put(summaryOf(live, world.clock.now()));
  }
  await finish(course);
  const { appended, submitted, conflicts, throttled, denied } = course;
  const { status, sequence } = summaryOf(live, start);
  return { status, sequence, appended, submitted, conflicts, throttled, ...(denied !== undefined && { denied }) };
}

function heardOf(facts: readonly Fact[]): ReadonlySet<SubmissionId> {
  return new Set(facts.flatMap((fact) => (fact.type === 'acknowledged' ? [fact.submission] : [])));
}

interface Course {
  readonly world: World;
  readonly live: LiveRun;
  readonly hardEnd: number;
  readonly wavesEnd: number;
  readonly pace: Pace;
  readonly summarised: number;
  /** Set when the executor asked for fewer requests, or takes none: nothing more is claimed in this round. */
  holdBack: boolean;
  /** Why it takes none. */
  denied: string | undefined;
  /** As they were written to the cache in this round. */
  readonly cached: Map<EvalHash, Evaluation>;
  appended: number;
  submitted: number;
  conflicts: number;
  throttled: number;
}

/** The facts of one entry to be, applied to the draft but not yet true. */
interface Pass {
  readonly facts: readonly Fact[];
  /** Whether there is more that can be met now: it is for the next entry. */
  readonly isCut: boolean;
  readonly nonce: string;
  readonly findings: Findings;
}

/** Made again from what was learned where a result was reused on trust in vain: without that, and so once for each. */
async function reduce(course: Course, incoming: readonly Fact[]): Promise<Pass> {
  const { draft } = course.live;
  const findings: Findings = { large: new Map(), evaluations: new Map() };
  const withdrawn = new Set<EvalHash>();
  for (let known = incoming; ; ) {
    draft.edits.begin();
    try {
      const pass = await reduceOnce(course, known, findings, withdrawn);
      if (!isBroken(pass)) return pass;
      for (const call of pass.broken) withdrawn.add(call);
      known = pass.known.filter((fact) => fact.type !== 'reused');
    } catch (error) {
      draft.edits.rollback();
      throw error;
    }
    draft.edits.rollback();
  }
}

interface BrokenPass {
  readonly broken: ReadonlySet<EvalHash>;
  readonly known: readonly Fact[];
}

function isBroken(pass: Pass | BrokenPass): pass is BrokenPass {
  return 'broken' in pass;
}

async function reduceOnce(
  course: Course,
  incoming: readonly Fact[],
  findings: Findings,
  withdrawn: ReadonlySet<EvalHash>,
): Promise<Pass | BrokenPass> {
  const { world, live } = course;
  const { draft } = live;
  const nonce = world.clock.nonce();
  const facts: Fact[] = [];
  const fold = (news: readonly Fact[]) => {
    for (const fact of news) if (noticing(course, findings, fact)) facts.push(fact);
    for (const [hash, table] of draft.effects.large) findings.large.set(hash, table);
    for (const recovery of draft.effects.recoveries) keepRecovery(course, findings, recovery);
    draft.effects = noEffects();
  };
  fold(incoming);
  const { program } = runOf(draft.graph);
  const unseen: Meeting['unseen'] = new Map();
  const trust = trustWithout(withdrawn);
  const meeting: Meeting = { world, run: live.run, program, findings, unseen, trust, until: course.wavesEnd };
  let demands = demandsOf(draft.graph);
  let isCut = false;
  for (let news = await meet(meeting, demands); news.length > 0; ) {
    fold(news);
    demands = demandsOf(draft.graph);
    isCut = facts.length >= PASS_FACTS_MAX && mayCut(trust, demands);
    if (isCut || world.clock.now() > course.wavesEnd) break;
    news = await meet(meeting, demands);
  }
  const { submit: ready } = demands;
  await withoutOverwritten(trust, ready, (args) => leavesIn(meeting, args));
  const inVain = broken(trust, draft.graph);
  if (inVain.size > 0) return { broken: inVain, known: facts };
  // Of a pass that is cut nothing is claimed: what comes ready with the rest may share its arrays.
  if (ready.length > 0 && !isCut && !course.holdBack && !draft.graph.stopping) {
    const now = world.clock.now();
    const room = (executor: Executor) => roomFor(course.pace, executor, now);
    const context = { sequence: live.sequence + 1, nonce, deadline: course.hardEnd, roomFor: room, findings };
    fold(await claimReady(world, draft.graph, ready, context));
  }
  if (!isCut) fold([...unseen.values()]);
  if (isOver(draft.graph)) fold([{ type: 'ended', at: world.clock.now() }]);
  else if (isSnapshotDue(live, live.sequence + 1)) fold(await letFinishedLeave(world, live));
  return { facts: withoutObvious(facts), isCut, nonce, findings };
}

/** There is more to do, and nothing was taken on trust, which ends with the pass. */
function mayCut({ relied }: Trust, { inline, lookup }: Demands): boolean {
  return relied.size === 0 && inline.length + lookup.length > 0;
}

/** Folds a fact; what a function returned is also kept for the cache. */
function noticing({ world, live }: Course, findings: Findings, fact: Fact): boolean {
  const { draft } = live;
  const work = fact.type === 'returned' ? draft.graph.works.get(fact.eval) : undefined;
  if (!evolve(draft, fact)) return false;
  if (fact.type === 'returned' && work) {
    const { eval: evaluation, expression } = fact;
    const entry = { hash: evaluation, task: work.task, expression, run: live.run, at: world.clock.now() };
    findings.evaluations.set(evaluation, entry);
  }
  return true;
}

function keepRecovery({ world, live }: Course, findings: Findings, { key, expression, requires }: Recovery): void {
  const entry = { hash: key, task: CATCH_TASK, expression, requires, run: live.run, at: world.clock.now() };
  findings.evaluations.set(key, entry);
}

/** A look-up that missed need not be told of work that was run or claimed in the same entry. */
function withoutObvious(facts: readonly Fact[]): Fact[] {
  const known = new Set<string>();
  for (const fact of facts) {
    if (fact.type === 'returned' || fact.type === 'failed') known.add(fact.eval);
    if (fact.type === 'claimed') for (const job of fact.jobs) known.add(job.eval);
  }
  return facts.flatMap((fact): Fact[] => {
    if (fact.type !== 'missed') return [fact];
    const evals = fact.evals.filter((evaluation) => !known.has(evaluation));
    return evals.length > 0 ? [{ ...fact, evals }] : [];
  });
}

/** Large values → cache → wake-up → append. False when another round was first. */
async function record(course: Course, pass: Pass): Promise<boolean> {
  const { world, live, denied } = course;
  const { draft, run, sequence } = live;
  const entry: Entry = { run, sequence: sequence + 1, nonce: pass.nonce, at: world.clock.now(), facts: pass.facts };
  try {
    await putLarge(world.objects, pass.findings.large);
    await cacheEvaluations(course, pass.findings);
    if (hasWorkLeft(draft.graph) && denied === undefined) await world.bus.wake(run, 'soon');
    if ((await world.journal.append(entry)) === 'taken' && !(await isOwn(world, entry))) {
      draft.edits.rollback();
      return false;
    }
  } catch (error) {
    draft.edits.rollback();
    throw error;
  }
  draft.edits.commit();
  live.sequence = entry.sequence;
  course.cached.clear();
  return true;
}

/** Once in a round, however many races it loses: where many events come at once these are most of what is written. */
async function cacheEvaluations({ world, cached, pace }: Course, { evaluations }: Findings): Promise<void> {
  const news = [...evaluations.values()].filter(({ hash: evaluation, expression, requires }) => {
    const known = cached.get(evaluation);
    return known?.expression !== expression || known.requires !== requires;
  });
  // What was computed is not thrown away because the cache is busy, as long as there is time for the append.
  if (news.length > 0) await world.cache.write(news, pace.sendEnd);
  for (const evaluation of news) cached.set(evaluation.hash, evaluation);
}

/** Whether the entry that stands in the journal is this one: then the append succeeded and only the answer was lost. */
async function isOwn(world: World, entry: Entry): Promise<boolean> {
  const [standing] = await world.journal.readAfter(entry.run, entry.sequence - 1);
  return standing?.nonce === entry.nonce;
}

/** Sends what was claimed; the executor's answers are the next entry's facts. */
async function submit(course: Course, pass: Pass): Promise<Fact[]> {
  course.appended++;
  const { world, live } = course;
  const claimed = pass.facts.flatMap((fact) => (fact.type === 'claimed' ? [fact.submission] : []));
  course.pace.claimed += claimed.length;
  const { facts: answers, throttled, denied } = await sendClaimed(world, live.draft.graph, claimed, course.pace);
  const accepted = answers.filter((answer) => answer.type === 'acknowledged').length;
  course.submitted += accepted;
  course.throttled += throttled;
  course.holdBack ||= answers.some((answer) => answer.type === 'withdrawn');
  course.denied ??= denied;
  if (denied !== undefined)
    live.denied = { reason: `the executor takes no job of ours: ${denied}`, at: world.clock.now() };
  else if (accepted > 0) delete live.denied;
  return [...answers];
}

/**
 * What was learned stays learned; claims are made anew on the graph as the others left it. A submission that another sender
 * took over meanwhile, or one of whose jobs was heard of, is no longer ours to close.
 */
async function afterLostRace(course: Course, pass: Pass, reports: readonly JobReport[]): Promise<Fact[]> {
  course.conflicts++;
  const { world, live } = course;
  const { submissions } = live.draft.graph;
  const turnOf = (id: SubmissionId) => {
    const { sender, deadline, ids = [] } = submissions.get(id) ?? {};
    return `${sender} ${deadline} ${ids.length}`;
  };
  const closed = pass.facts.flatMap((fact) => (isClosing(fact) ? [fact.submission] : []));
  const turns = new Map(closed.map((id) => [id, turnOf(id)]));
  await foldTail(world, live);
  const kept = pass.facts.filter((fact) =>
    isClosing(fact) ? turns.get(fact.submission) === turnOf(fact.submission) : traitsOf(fact)?.afterLostRace === 'kept',
  );
  return [...kept, ...(await learn(world, live, reports))];
}

function isClosing(fact: Fact): fact is Extract<Fact, { readonly submission: SubmissionId }> {
  return 'submission' in fact && traitsOf(fact)?.afterLostRace === 'kept if untouched';
}

/** Now and then a snapshot, the end made known, the summary; the graph stays warm. */
async function finish({ world, live, appended, summarised }: Course): Promise<void> {
  const { graph } = live.draft;
  const isNews = appended > 0 || live.sequence > summarised;
  if (graph.stopping && !graph.end) await stopSubmissions(world, live);
  await snapshotIfDue(world, live);
  const blocked = graph.end ? undefined : live.denied;
  const summary = { ...summaryOf(live, world.clock.now()), ...(blocked && { blocked }) };
  // First the event: whoever ends in between leaves a summary that does not say so, and the next round tells it again.
  if (graph.end && isNews) await world.bus.ended(summary);
  if (isNews) {
    await world.summaries.put(summary);
    live.summarised = live.sequence;
  }
  delete live.retry;
  if (!graph.end) world.warm.keep(live);
}
