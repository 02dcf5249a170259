/**
 * evolve: (graph, fact) → graph. The only way a run's state changes.
 *
 * 1. Total and deterministic: any fact may come at any time; one that no longer applies changes nothing.
 * 2. Replaying the same facts gives the same graph, whoever does it and however they are cut into entries.
 */

import { CAUSES, type Cause, failuresThatAsk } from '../values/causes.ts';
import type { EvalHash, SubmissionId } from '../values/ids.ts';
import { type JobOptions, MEMORY_GIB_DEFAULT } from '../values/program.ts';
import type { Table } from '../values/table.ts';
import { gone, joined, leave } from './done.ts';
import { type Draft, setStatus } from './draft.ts';
import { end } from './ending.ts';
import { errorValue } from './errors.ts';
import { type Fact, traitsOf } from './facts.ts';
import type { Submission, Work } from './graph.ts';
import { observed, unseen, workFailed, workReturned } from './jobs.ts';
import { applied, enterRoot, propagate, recalled } from './reduce.ts';
import { release } from './release.ts';
import { reopen } from './retry.ts';

/** Folds one fact into the graph in place. False when it does not apply (any more). */
export function evolve(draft: Draft, fact: Fact): boolean {
  const { run, end: ended } = draft.graph;
  const now = run === null ? 'at first' : ended === null ? 'under way' : 'after the end';
  if (traitsOf(fact)?.when !== now) return false;
  const applies = fold(draft, fact);
  if (applies) propagate(draft);
  return applies;
}

function fold(draft: Draft, fact: Fact): boolean {
  switch (fact.type) {
    case 'started':
      draft.edits.set(draft.graph, 'run', fact);
      enterRoot(draft);
      return true;
    case 'observed':
      return observed(draft, fact.call, fact.args);
    case 'unseen':
      return unseen(draft, fact.call, fact.error);
    case 'computed':
      return applied(draft, fact.application, fact.ok, fact.value);
    case 'missed':
      return fact.evals.map((evaluation) => missed(draft, evaluation)).includes(true);
    case 'reused':
      return reused(draft, fact);
    case 'returned':
      return returned(draft, fact.eval, fact.attempt, fact.expression);
    case 'failed':
      return failed(draft, fact);
    case 'claimed':
      return claimed(draft, fact);
    case 'acknowledged':
      return acknowledged(draft, fact.submission, fact.ids);
    case 'withdrawn':
      return withdrawn(draft, fact.submission);
    case 'refused':
      return refused(draft, fact.submission, fact.reason);
    case 'cancelled':
      if (draft.graph.stopping === 'cancelling') return false;
      draft.edits.set(draft.graph, 'stopping', 'cancelling');
      return true;
    case 'left':
      return leave(draft, fact.segment);
    case 'joined':
      return joined(draft, fact.job, fact.value);
    case 'gone':
      return gone(draft, fact.job, fact.error);
    case 'retried':
      return reopen(draft);
    case 'ended':
      return end(draft, fact.at);
  }
}

function missed(draft: Draft, evaluation: EvalHash): boolean {
  if (recalled(draft, evaluation, undefined)) return true;
  const work = draft.graph.works.get(evaluation);
  if (work?.state !== 'lookup') return false;
  draft.edits.set(work, 'state', 'ready');
  return true;
}

function reused(draft: Draft, fact: Extract<Fact, { type: 'reused' }>): boolean {
  const { eval: evaluation, expression, writes = [] } = fact;
  if (recalled(draft, evaluation, expression)) return true;
  const work = draft.graph.works.get(evaluation);
  if (work?.state !== 'lookup') return false;
  noteWritten(draft, evaluation, writes);
  workReturned(draft, work, expression, true);
  return true;
}

/** A result counts for whoever waits for it, whether its claim was seen here or not, but only for the newest attempt. */
function returned(draft: Draft, evaluation: EvalHash, attempt: number, expression: Table): boolean {
  const work = draft.graph.works.get(evaluation);
  if (!work || !isCurrent(work, attempt)) return false;
  noteWritten(draft, evaluation, work.writes);
  leaveSubmission(draft, work);
  draft.edits.set(work, 'attempt', attempt);
  workReturned(draft, work, expression, false);
  return true;
}

function noteWritten({ graph, edits }: Draft, evaluation: EvalHash, places: readonly string[]): void {
  for (const place of places) edits.put(graph.written, place, evaluation);
}

/** A claimed attempt, or the next one of work that is run without a claim (inline). */
function isCurrent(work: Work, attempt: number): boolean {
  if (work.state === 'over') return false;
  return work.state === 'claimed' ? attempt === work.attempt : attempt === work.attempt + 1;
}

function failed(draft: Draft, fact: Extract<Fact, { type: 'failed' }>): boolean {
  const work = draft.graph.works.get(fact.eval);
  if (!work || !isCurrent(work, fact.attempt)) return false;
  // A stopping run has given it up: what is said of it after that changes nothing.
  if (work.state === 'claimed' && work.submission === null) return false;
  leaveSubmission(draft, work);
  draft.edits.set(work, 'attempt', fact.attempt);
  // What a stopping run ended itself has not failed: it is cancelled with the rest.
  if (draft.graph.stopping && fact.cause === 'interrupted') return true;
  draft.edits.set(work, 'failures', { ...work.failures, [fact.cause]: (work.failures[fact.cause] ?? 0) + 1 });
  if (mayRetry(work, fact.cause) && !draft.graph.stopping) makeReady(draft, work);
  else workFailed(draft, work, fact.error);
  return true;
}

function mayRetry(work: Work, cause: Cause): boolean {
  // A cause that only a later version knows allows one.
  const allowed = work.options.attempts?.[cause] ?? CAUSES[cause]?.attempts ?? 1;
  return (work.failures[cause] ?? 0) < allowed;
}

/** For another attempt; what nobody needs any more, and only ran on, is not tried again. */
function makeReady(draft: Draft, work: Work): void {
  draft.edits.set(work, 'state', 'ready');
  draft.edits.add(draft.graph.frontier, work.evaluation);
  const jobs = work.jobs.flatMap((id) => draft.graph.jobs.get(id) ?? []).filter((job) => !job.outcome);
  for (const job of jobs) setStatus(draft, job, 'PENDING');
  release(draft, jobs);
}

function claimed(draft: Draft, fact: Extract<Fact, { type: 'claimed' }>): boolean {
  const { graph, edits } = draft;
  const known = graph.submissions.get(fact.submission);
  if (known) {
    // Meanwhile its job was heard of: there is nothing to send.
    if (known.ids.length > 0) return false;
    edits.set(known, 'sender', fact.sender);
    edits.set(known, 'deadline', fact.deadline);
    return true;
  }
  // Claimed anew by a round that also learned how it ended: it is closed, and its jobs go on under another.
  if (!fact.jobs.every((job) => isClaimable(graph.works.get(job.eval), job.attempt))) return false;
  const { type: _type, submission: id, ...rest } = fact;
  edits.put(graph.submissions, id, { ...rest, id, ids: [], open: fact.jobs.length });
  for (const { eval: evaluation, attempt, writes } of fact.jobs) {
    const work = graph.works.get(evaluation);
    if (!work) continue;
    edits.set(work, 'state', 'claimed');
    edits.set(work, 'attempt', attempt);
    edits.set(work, 'submission', id);
    edits.remove(graph.frontier, evaluation);
    edits.set(work, 'writes', writes ?? []);
    for (const location of work.writes) edits.put(graph.writing, location, evaluation);
    for (const job of work.jobs) {
      const live = graph.jobs.get(job);
      if (live && !live.outcome) setStatus(draft, live, 'RUNNING');
    }
  }
  return true;
}

function isClaimable(work: Work | undefined, attempt: number): boolean {
  return (work?.state === 'ready' || work?.state === 'lookup') && attempt === work.attempt + 1;
}

/** The attempt is over: its submission is when those of all its jobs are. */
function leaveSubmission(draft: Draft, work: Work): void {
  const { graph, edits } = draft;
  const submission = work.submission === null ? undefined : graph.submissions.get(work.submission);
  stopWriting(draft, work);
  if (!submission) return;
  edits.set(submission, 'open', submission.open - 1);
  if (submission.open === 0) edits.drop(graph.submissions, submission.id);
}

function stopWriting({ graph, edits }: Draft, work: Work): void {
  edits.set(work, 'submission', null);
  for (const location of work.writes) {
    if (graph.writing.get(location) === work.evaluation) edits.drop(graph.writing, location);
  }
  edits.set(work, 'writes', []);
}

function acknowledged(draft: Draft, id: SubmissionId, ids: readonly string[]): boolean {
  const submission = draft.graph.submissions.get(id);
  if (!submission || ids.every((known) => submission.ids.includes(known))) return false;
  draft.edits.set(submission, 'ids', [...new Set([...submission.ids, ...ids])]);
  return true;
}

function withdrawn(draft: Draft, id: SubmissionId): boolean {
  return closeSubmission(draft, id, (work) => {
    if (draft.graph.stopping) return;
    makeReady(draft, work);
  });
}

function refused(draft: Draft, id: SubmissionId, reason: string): boolean {
  return closeSubmission(draft, id, (work) => {
    workFailed(draft, work, errorValue('SubmissionRefused', `${work.task} could not be submitted: ${reason}`));
  });
}

function closeSubmission(draft: Draft, id: SubmissionId, each: (work: Work) => void): boolean {
  const submission = draft.graph.submissions.get(id);
  if (!submission) return false;
  draft.edits.drop(draft.graph.submissions, id);
  for (const work of worksOf(draft, submission)) {
    stopWriting(draft, work);
    each(work);
  }
  return true;
}

function worksOf(draft: Draft, submission: Submission): Work[] {
  return submission.jobs.flatMap(({ eval: evaluation }) => {
    const work = draft.graph.works.get(evaluation);
    return work?.submission === submission.id ? [work] : [];
  });
}

/**
 * Options as the next attempt has them: after each OutOfMemory twice the memory, up to the maximum; where the queue had no
 * machine, or took it away, the queue to fall back on.
 */
export function attemptOptions({ options, failures }: Pick<Work, 'options' | 'failures'>): JobOptions {
  const { memory = MEMORY_GIB_DEFAULT, memoryMax = memory * 4, fallbackQueue } = options;
  const doublings = failuresThatAsk(failures, 'more memory');
  const isWithoutMachine = failuresThatAsk(failures, 'another queue') > 0;
  return {
    ...options,
    ...(doublings > 0 && { memory: Math.min(memory * 2 ** doublings, memoryMax) }),
    ...(isWithoutMachine && fallbackQueue !== undefined && { queue: fallbackQueue }),
  };
}
