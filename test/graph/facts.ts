/** What may be said of calls of a story, which knows them by name. */

import { finishedJobs, segmentName } from '../../core/graph/done.ts';
import type { Fact } from '../../core/graph/facts.ts';
import type { Cause } from '../../core/values/causes.ts';
import { File } from '../../core/values/classes.ts';
import { encode } from '../../core/values/encode.ts';
import { reviveError } from '../../core/values/errors.ts';
import { digest } from '../../core/values/hash.ts';
import type { SubmissionId } from '../../core/values/ids.ts';
import { held, type Story } from './harness.ts';

/** The attempt in flight, else the next one. */
function attemptOf(story: Story, call: string): number {
  const work = story.graph.works.get(story.evalOf(call));
  return work === undefined ? 1 : work.state === 'claimed' ? work.attempt : work.attempt + 1;
}

/** The function of a call returned a value or an expression. */
export function returned(call: string, expression: unknown, attempt?: number) {
  return (story: Story): Fact => ({
    ...{ type: 'returned', eval: story.evalOf(call), attempt: attempt ?? attemptOf(story, call) },
    ...{ expression: held(expression), measured: {} },
  });
}

/** An error as tasks raise it, without its stack. */
export function errorOf(name: string, message: string): Error {
  return reviveError(name, [name, 'Error'], message, {});
}

export const BAD = errorOf('RangeError', 'bad');

export function failed(call: string, cause: Cause = 'program', error: Error = BAD, attempt?: number) {
  return (story: Story): Fact => ({
    ...{ type: 'failed', eval: story.evalOf(call), attempt: attempt ?? attemptOf(story, call) },
    ...{ cause, error: held(error), measured: {} },
  });
}

export function missed(...calls: readonly string[]) {
  return (story: Story): Fact => ({ type: 'missed', evals: calls.map((call) => story.evalOf(call)) });
}

export function reused(call: string, expression: unknown, writes?: readonly string[]) {
  return (story: Story): Fact => ({
    ...{ type: 'reused', eval: story.evalOf(call), expression: held(expression) },
    ...(writes && { writes }),
  });
}

/** One request for these calls. */
export function claimed(submission: string, ...calls: readonly string[]) {
  return (story: Story): Extract<Fact, { type: 'claimed' }> => ({
    ...{ type: 'claimed', submission: submission as SubmissionId, sender: 'sender', deadline: 1, executor: 'batch' },
    spec: digest('spec', submission),
    jobs: calls.map((call) => ({ eval: story.evalOf(call), attempt: attemptOf(story, call) })),
  });
}

/** The same, of one call that writes places. */
export function writing(submission: string, call: string, ...writes: readonly string[]) {
  return (story: Story): Fact => {
    const fact = claimed(submission, call)(story);
    return { ...fact, jobs: fact.jobs.map((one) => ({ ...one, writes })) };
  };
}

export function acknowledged(submission: string, ...ids: readonly string[]): Fact {
  return { type: 'acknowledged', submission: submission as SubmissionId, ids };
}

export function withdrawn(submission: string): Fact {
  return { type: 'withdrawn', submission: submission as SubmissionId };
}

export function refused(submission: string, reason = 'no'): Fact {
  return { type: 'refused', submission: submission as SubmissionId, reason };
}

/** The only look, or computation, that is demanded came to this. */
export function observed(...args: readonly unknown[]) {
  return ({ graph }: Story): Fact => ({ type: 'observed', call: only(graph.observing), args: held(args) });
}

export function unseen(error: Error) {
  return ({ graph }: Story): Fact => ({ type: 'unseen', call: only(graph.observing), error: held(error) });
}

export function computed(value: unknown, ok = true) {
  return ({ graph }: Story): Fact => ({
    type: 'computed',
    application: only(graph.computing),
    ok,
    value: encode(value),
  });
}

function only<K>(waiting: ReadonlyMap<K, unknown>): K {
  const [first, ...others] = waiting.keys();
  if (first === undefined || others.length > 0) throw new Error(`${waiting.size} are waited for, not one`);
  return first;
}

/** The jobs that have a value and whose callers are gone leave the graph. */
export function left({ graph }: Story): Fact {
  return { type: 'left', segment: segmentName(finishedJobs(graph)) };
}

/** The value of a job that had left. */
export function joined(call: string, value: unknown) {
  return (story: Story): Fact => ({ type: 'joined', job: story.jobOf(call), value: held(value) });
}

export function gone(call: string, error: Error) {
  return (story: Story): Fact => ({ type: 'gone', job: story.jobOf(call), error: held(error) });
}

/** The cache knows nothing of the catches that wait for it. */
export function notRecalled({ graph }: Story): Fact {
  return { type: 'missed', evals: [...graph.recalls.keys()] };
}

/** The cache knows how the only catch that waits for it recovered: by a call. */
export function recalled(call: unknown) {
  return ({ graph }: Story): Fact => ({ type: 'reused', eval: only(graph.recalls), expression: encode(call) });
}

export const cancelled: Fact = { type: 'cancelled', at: 1, reason: 'test' };
export const retried: Fact = { type: 'retried', at: 2 };

/** A file of which a version is known. */
export function seen(location: string, version: string): File {
  return new File(location, version);
}
