/** Facts that come late, twice, or of work that nobody knows change nothing; what still counts does. */

import { describe, it } from 'vitest';
import type { Fact } from '../../core/graph/facts.ts';
import { catchError, file, len } from '../../core/index.ts';
import { digest } from '../../core/values/hash.ts';
import type { EvalHash, JobId } from '../../core/values/ids.ts';
import {
  acknowledged,
  cancelled,
  claimed,
  failed,
  missed,
  observed,
  refused,
  returned,
  reused,
  seen,
  withdrawn,
} from './facts.ts';
import { ended, f, g, given, held, job, started } from './harness.ts';

const STRANGER = digest('test', 'stranger');
const evaluation = STRANGER as EvalHash;
const value = held(1);
const ATTEMPT = { eval: evaluation, attempt: 1, measured: {} };

describe('a fact is passed over', () => {
  it('that starts the run a second time', () => given(f()).passesOver(started(g())));

  it.each<Fact>([
    { type: 'returned', expression: value, ...ATTEMPT },
    { type: 'failed', cause: 'program', error: value, ...ATTEMPT },
    { type: 'missed', evals: [evaluation] },
    { type: 'reused', eval: evaluation, expression: value },
    { type: 'observed', call: STRANGER, args: held([1]) },
    { type: 'unseen', call: STRANGER, error: value },
    { type: 'computed', application: STRANGER, ok: true, value },
    { type: 'joined', job: STRANGER as JobId, value },
    { type: 'gone', job: STRANGER as JobId, error: value },
    { type: 'left', segment: STRANGER },
    acknowledged('stranger', 'id'),
    withdrawn('stranger'),
    refused('stranger'),
  ])('that is of what nobody knows: $type', (fact) => {
    given([job(1), f(1), f(file('a')), len(g())], { cache: true }).passesOver(fact);
  });

  it('that claims work nobody knows, and nothing else of the claim is taken', () => {
    const story = given([job(1), job(2)]);
    const claim = story.factOf(claimed('s', 'job(1)')) as Extract<Fact, { type: 'claimed' }>;
    story.passesOver({ ...claim, jobs: [...claim.jobs, { eval: evaluation, attempt: 1 }] });
    story.demands('submit job(1)', 'submit job(2)');
  });

  it('that claims another attempt than the next', () => {
    const story = given(job(1));
    const claim = story.factOf(claimed('s', 'job(1)')) as Extract<Fact, { type: 'claimed' }>;
    story.passesOver({ ...claim, jobs: claim.jobs.map((one) => ({ ...one, attempt: 2 })) });
  });

  it('that claims what is in flight already, under another submission', () =>
    given([job(1), job(2)])
      .when(claimed('s', 'job(1)'))
      .passesOver(claimed('t', 'job(1)', 'job(2)'))
      .demands('submit job(2)'));

  it('that claims what has its result', () => {
    const story = given([job(1), f()]);
    const claim = story.factOf(claimed('s', 'job(1)'));
    story.when(returned('job(1)', 1)).passesOver(claim);
  });

  it('that tells an attempt before the one in flight', () =>
    given(job(1))
      .when(claimed('s', 'job(1)'), failed('job(1)', 'machine-lost'), claimed('t', 'job(1)'))
      .passesOver(returned('job(1)', 'late', 1), failed('job(1)', 'program', undefined, 1)));

  it('that tells an attempt that was not made yet', () =>
    given([f(1), job(1)])
      .when(claimed('s', 'job(1)'))
      .passesOver(returned('f(1)', 0, 2), failed('job(1)', 'program', undefined, 2)));

  it('that tells an attempt whose request was withdrawn', () =>
    given(job(1))
      .when(claimed('s', 'job(1)'), withdrawn('s'))
      .passesOver(returned('job(1)', 'late', 1)));

  it('that tells a failure of what has its result', () =>
    given([job(1), f()])
      .when(claimed('s', 'job(1)'), returned('job(1)', 1))
      .passesOver(failed('job(1)', 'machine-lost', undefined, 1)));

  it('that tells another result of what has one, while that is being reduced', () =>
    given(f())
      .when(returned('f()', g()))
      .passesOver(returned('f()', 0, 1), returned('f()', 0, 2))
      .demands('run g()'));

  it('that tells a result of what has failed for good', () =>
    given(catchError(job(1), 'Error', g))
      .when(claimed('s', 'job(1)'), failed('job(1)'))
      .passesOver(returned('job(1)', 1, 1), returned('job(1)', 1, 2)));

  it('that says what the cache holds of work that was not to be looked up, or no more', () =>
    given([f(1), job(2)], { cache: true, tasks: { f: { cache: false } } })
      .passesOver(reused('f(1)', 1), missed('f(1)'))
      .when(claimed('s', 'job(2)'))
      .passesOver(reused('job(2)', 2), missed('job(2)')));

  it('that takes a request back which was, or that refuses it', () =>
    given([job(1), f()])
      .when(claimed('s', 'job(1)'), withdrawn('s'))
      .passesOver(withdrawn('s'), refused('s'), acknowledged('s', 'id')));

  it('that acknowledges a request by ids that are known', () =>
    given(job(1))
      .when(claimed('s', 'job(1)'), acknowledged('s', 'a', 'b'))
      .passesOver(acknowledged('s', 'b'), acknowledged('s')));

  it('that takes back a request whose jobs all have a verdict', () =>
    given([job(1), f()])
      .when(claimed('s', 'job(1)'), returned('job(1)', 1))
      .passesOver(withdrawn('s'), refused('s')));

  it('that tells of a look which nobody waits for any more', () => {
    const story = given(catchError([f(1), f(file('a'))], 'Error', g));
    const look = story.factOf(observed(seen('a', 'v')));
    story.when(failed('f(1)')).passesOver(look);
  });

  it('that tells a failure of what a stopping run has given up', () =>
    given([job(1), f(2)])
      .when(claimed('s', 'job(1)'), cancelled, withdrawn('s'))
      .passesOver(failed('job(1)', 'program', undefined, 1))
      .when(ended));

  it('that is of a run that has ended', () =>
    given(f()).when(cancelled, ended).passesOver(returned('f()', 1), cancelled, ended));
});

describe('a fact counts', () => {
  it('that tells a result of which no claim was seen', () =>
    given(job(1)).demands('submit job(1)').when(returned('job(1)', 1)).comesTo(1));

  it('that tells a result of what a stopping run has given up', () =>
    given([job(1), f(2)])
      .when(claimed('s', 'job(1)'), cancelled, withdrawn('s'), returned('job(1)', 1, 1))
      .jobs('job(1) DONE', 'f(2) PENDING'));

  it('of which a part applies, for that part', () =>
    given([f(1), f(2)], { cache: true })
      .when(missed('f(1)'))
      .when(missed('f(1)', 'f(2)'))
      .demands('run f(1)', 'run f(2)'));

  it('that takes a request back of which some jobs have a verdict, for the others', () =>
    given([job(1), job(2)])
      .when(claimed('s', 'job(1)', 'job(2)'), returned('job(1)', 1), withdrawn('s'))
      .demands('submit job(2), attempt 2')
      .jobs('job(1) DONE', 'job(2) PENDING'));

  it('that takes a request back, for none of its jobs that are in flight under another by now', () =>
    given([job(1), job(2)])
      .when(claimed('s', 'job(1)', 'job(2)'), failed('job(1)', 'machine-lost'), claimed('t', 'job(1)'), withdrawn('s'))
      .demands('submit job(2), attempt 2')
      .jobs('job(1) RUNNING', 'job(2) PENDING'));

  it('in any order: results of jobs give the same value', () => {
    const [first, second] = [returned('job(1)', 'a'), returned('job(2)', 'b')];
    for (const facts of [
      [first, second],
      [second, first],
    ]) {
      given([job(1), job(2)])
        .when(claimed('s', 'job(1)', 'job(2)'), ...facts)
        .comesTo(['a', 'b']);
    }
  });
});
