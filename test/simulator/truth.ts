/**
 * What really happened, seen from outside the system: every promise that can be broken at one moment is checked then.
 *
 * 1. A job that Batch accepts was claimed before, in the journal, under the submission it is named after.
 * 2. A submission goes out again only when its first request could not be found.
 * 3. A failure is recorded only of an attempt whose work is over and left no result; a result only as it was recorded.
 * 4. No attempt stages out twice. What has a result in the run is not claimed again.
 * 5. After a cancel nothing new is claimed, and no job takes up work; the run ends only when no request can come any more.
 * 6. A graph that is kept is the fold of the journal.
 */

import { isDeepStrictEqual } from 'node:util';
import { BATCH_LIMITS } from '../../core/aws/batch/limits.ts';
import type { Attempts, Entry, Outcome } from '../../core/engine/ports.ts';
import { jobName, parseJobName } from '../../core/engine/spec.ts';
import type { LiveRun } from '../../core/engine/warm.ts';
import { type Draft, draftOf } from '../../core/graph/draft.ts';
import { evolve } from '../../core/graph/evolve.ts';
import type { Fact } from '../../core/graph/facts.ts';
import type { Work } from '../../core/graph/graph.ts';
import { graphOf, snapshotOf } from '../../core/graph/snapshot.ts';
import type { RunId, SubmissionId } from '../../core/values/ids.ts';
import { type BatchJob, EPOCH, isOver, type SimulatedBatch } from './batch.ts';
import type { Simulation } from './process.ts';

export interface Truth {
  /** `sender` wrote the entry and had read nothing before `since`. */
  appended(entry: Entry, sender: string, since: number): void;
  accepted(job: BatchJob): void;
  claimed(token: Parameters<Attempts['claim']>, answer: 'claimed' | 'refused'): void;
  finished(token: Parameters<Attempts['finish']>): void;
  stagedOut(work: { readonly run: string; readonly eval: string; readonly attempt: number }, holder: string): void;
  /** The mark of a cancel is set or taken away. */
  marked(run: RunId, isSet: boolean): void;
  kept(live: LiveRun): void;
  /** Whether the mark of a cancel is set anywhere. */
  isCancelling(): boolean;
  /** The fold of a run's journal so far. */
  run(run: RunId): TrueRun | undefined;
}

export interface TrueRun {
  readonly draft: Draft;
  readonly entries: Entry[];
}

type OutcomeFact = Extract<Fact, { type: 'returned' | 'failed' }>;

/** Clocks differ by this much at most, and a request travels no longer than that. */
const TOLERANCE_MS = 30_000;
/** ListJobs' lag, as the protocol has it. */

export function truthOf(simulation: Simulation, batch: SimulatedBatch): Truth {
  const { time } = simulation;
  const runs = new Map<string, TrueRun>();
  const holders = new Map<string, { readonly holder: string; readonly at: number }>();
  const outcomes = new Map<string, { readonly outcome: Outcome; readonly at: number }>();
  const stages = new Map<string, string>();
  const marked = new Set<string>();
  const deadlines = new Map<string, number>();
  const answered = new Set<string>();

  function broken(what: string): void {
    simulation.violate(what);
  }

  /** Whether a claim may be made just before it is folded. */
  function checkClaim({ draft: { graph } }: TrueRun, run: RunId, fact: Extract<Fact, { type: 'claimed' }>): void {
    if (graph.submissions.has(fact.submission)) return;
    if (graph.stopping) broken(`${run} claims ${fact.submission} although it is ${graph.stopping}`);
    for (const { eval: evaluation, attempt } of fact.jobs) {
      const work = graph.works.get(evaluation);
      const isFree = work?.state === 'ready' || work?.state === 'lookup';
      if (!isFree) broken(`${run} claims ${evaluation.slice(0, 8)}, which is ${work?.state ?? 'not there'}`);
      else if (attempt !== work.attempt + 1) broken(`${run} claims attempt ${attempt} after ${work.attempt}`);
    }
  }

  /** Whether an outcome is true just before it is folded; its writer has read nothing before `since`. */
  function checkOutcome({ draft: { graph } }: TrueRun, run: RunId, fact: OutcomeFact, since: number): void {
    const work = graph.works.get(fact.eval);
    if (work?.state !== 'claimed' || work.attempt !== fact.attempt) return;
    const key = `${run} ${fact.eval} ${fact.attempt}`;
    const known = outcomes.get(key);
    if (fact.type === 'returned') {
      if (!known?.outcome.ok) broken(`${run} has a result of attempt ${fact.attempt} that nobody recorded`);
      else if (!isDeepStrictEqual(known.outcome.expression, fact.expression))
        broken(`${run} has another result than was recorded`);
      return;
    }
    if (known?.outcome.ok && known.at < since)
      broken(`${run} fails attempt ${fact.attempt} of ${work.task}, which has a result`);
    // A failure that its job recorded itself is one, whoever told of it.
    if (known) return;
    const held = holders.get(key);
    const holder = held && batch.container(held.holder);
    if (!held && !someEnded(run, work))
      broken(`${run} fails attempt ${fact.attempt} of ${work.task}, none of whose jobs has ended`);
    if (holder && held.at < since && !isOver(holder.described)) {
      broken(`${run} fails attempt ${fact.attempt} of ${work.task} while ${holder.id} is doing it`);
    }
  }

  /** What becomes of a claim: when its request can come at the latest, and whether there is an answer. */
  function noteClaim(
    { draft: { graph } }: TrueRun,
    run: RunId,
    fact: Extract<Fact, { submission: unknown }>,
    sender: string,
  ): void {
    const name = `${run} ${fact.submission}`;
    if (fact.type === 'claimed') {
      deadlines.set(name, fact.deadline - EPOCH);
      return;
    }
    // Only the sender itself knows that its request will never come.
    const submission = graph.submissions.get(fact.submission);
    if (submission && (fact.type === 'acknowledged' || submission.sender === sender)) answered.add(name);
  }

  /** Whether a job that was to do the work has ended. */
  function someEnded(run: RunId, { submission, evaluation }: Work): boolean {
    const index =
      runs
        .get(run)
        ?.draft.graph.submissions.get(submission ?? ('' as SubmissionId))
        ?.jobs.findIndex((job) => job.eval === evaluation) ?? -1;
    const sent = [...batch.jobs.values()].filter(
      ({ request }) => request.name === jobName('sim', run, submission ?? ('' as SubmissionId)),
    );
    return sent.some(({ containers }) => containers[index] && isOver(containers[index].described));
  }

  function checkEnd({ draft: { graph } }: TrueRun, run: RunId): void {
    if (graph.end?.status !== 'CANCELLED') return;
    for (const [name, deadline] of deadlines) {
      if (
        !name.startsWith(`${run} `) ||
        answered.has(name) ||
        time.now() > deadline + BATCH_LIMITS.lookupLagMs - TOLERANCE_MS
      )
        continue;
      broken(`${run} is declared cancelled before the deadline of its unanswered claim ${name}`);
    }
  }

  return {
    appended(entry, sender, since) {
      const known = runs.get(entry.run) ?? { draft: draftOf(), entries: [] };
      runs.set(entry.run, known);
      const wasEnded = known.draft.graph.end !== null;
      known.entries.push(structuredClone(entry));
      for (const fact of structuredClone(entry.facts)) {
        if (fact.type === 'claimed') checkClaim(known, entry.run, fact);
        if (fact.type === 'returned' || fact.type === 'failed') checkOutcome(known, entry.run, fact, since);
        if ('submission' in fact) noteClaim(known, entry.run, fact, sender);
        evolve(known.draft, fact);
      }
      known.draft.effects.large.clear();
      if (!wasEnded && known.draft.graph.end) checkEnd(known, entry.run);
    },
    accepted(job) {
      const name = parseJobName('sim', job.request.name);
      const known = name && runs.get(name.run);
      const claim = known?.entries.some(({ facts }) =>
        facts.some((fact) => fact.type === 'claimed' && fact.submission === name?.submission),
      );
      if (!name || !claim) {
        broken(`${job.id} was submitted as ${job.request.name}, which nobody claimed`);
        return;
      }
      for (const other of batch.jobs.values()) {
        if (other.id === job.id || other.request.name !== job.request.name) continue;
        const first = firstDeadline(known?.entries ?? [], name.submission);
        if (other.acceptedAt < first + TOLERANCE_MS)
          broken(`${job.request.name} was submitted again although ${other.id} could be found`);
      }
    },
    claimed([run, evaluation, attempt, holder], answer) {
      if (answer === 'refused') return;
      holders.set(`${run} ${evaluation} ${attempt}`, { holder, at: time.now() });
      if (marked.has(run)) broken(`${holder} took up work of ${run}, which is cancelled`);
    },
    finished([run, evaluation, attempt, holder, outcome]) {
      const key = `${run} ${evaluation} ${attempt}`;
      if (outcomes.has(key)) broken(`attempt ${attempt} of ${evaluation.slice(0, 8)} in ${run} has two results`);
      if (holders.get(key)?.holder !== holder) broken(`${holder} recorded a result of work that it does not hold`);
      outcomes.set(key, { outcome: structuredClone(outcome), at: time.now() });
    },
    stagedOut({ run, eval: evaluation, attempt }, holder) {
      const key = `${run} ${evaluation} ${attempt}`;
      const other = stages.get(key);
      if (other !== undefined && other !== holder) broken(`${holder} staged out after ${other} had`);
      stages.set(key, holder);
    },
    marked(run, isSet) {
      if (isSet) marked.add(run);
      else marked.delete(run);
    },
    kept(live) {
      const known = runs.get(live.run);
      if (!known || live.sequence > known.entries.length) {
        broken(`a graph of ${live.run} is kept at ${live.sequence}, which its journal has not reached`);
        return;
      }
      const draft =
        live.sequence === known.entries.length ? known.draft : foldOf(known.entries.slice(0, live.sequence));
      if (!isSame(draft, live.draft))
        broken(`the graph of ${live.run} that is kept at ${live.sequence} is not the fold of its journal`);
    },
    isCancelling: () => marked.size > 0,
    run: (run) => runs.get(run),
  };
}

/** When the first request of a submission could have been sent at the latest. */
function firstDeadline(entries: readonly Entry[], submission: SubmissionId): number {
  for (const { facts } of entries) {
    for (const fact of facts) {
      if (fact.type === 'claimed' && fact.submission === submission) return fact.deadline - EPOCH;
    }
  }
  return 0;
}

export function foldOf(entries: readonly Entry[]): Draft {
  const draft = draftOf();
  for (const { facts } of structuredClone(entries)) for (const fact of facts) evolve(draft, fact);
  return draft;
}

/** Maps and sets in any order: what is undone comes back at their end. */
function isSame(a: Draft, b: Draft): boolean {
  const [left, right] = [
    { ...a.graph, run: null },
    { ...b.graph, run: null },
  ];
  if (isDeepStrictEqual(left, right)) return true;
  const plain = (graph: typeof left) => graphOf(JSON.parse(JSON.stringify(snapshotOf(graph))));
  return isDeepStrictEqual(plain(left), plain(right));
}
