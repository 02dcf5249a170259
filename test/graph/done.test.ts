/** Jobs that are done and needed no more leave the graph; an equal call made later still joins them. */
import { describe, expect, it } from 'vitest';
import { finishedJobs } from '../../core/graph/done.ts';
import { catchError, context, seq } from '../../core/index.ts';
import { cancelled, claimed, errorOf, failed, gone, joined, left, retried, returned } from './facts.ts';
import { ended, f, g, given, h, job, type Story } from './harness.ts';

/** f() has come to its value by way of h(1) and h(2), which nothing needs any more; g() is next. */
function finished(last: unknown = g()): Story {
  return given(seq([f(), last])).when(returned('f()', [h(1), h(2)]), returned('h(1)', 'a'), returned('h(2)', 'b'));
}

const LOST = errorOf('ValueGone', 'the object is gone');

describe('jobs leave the graph', () => {
  it('when they have a value and what called them is gone', () =>
    finished().jobs('f() DONE', 'h(1) DONE', 'h(2) DONE', 'g() PENDING').when(left).jobs('f() DONE', 'g() PENDING'));

  it('and are still counted', () => finished().when(left).counts('h', { DONE: 2 }));

  it('and change nothing of what is demanded, nor of the value', () =>
    finished()
      .demands('run g()')
      .when(left)
      .demands('run g()')
      .when(returned('g()', 0))
      .comesTo([['a', 'b'], 0]));

  it('not while the expression that calls them is being evaluated', () => {
    const story = given(f()).when(returned('f()', [h(1), h(2)]), returned('h(1)', 'a'));
    expect(finishedJobs(story.graph)).toEqual([]);
  });

  it('not when they failed', () => {
    const story = given(catchError(f(), 'Error', g)).when(
      returned('f()', [h(1), h(2)]),
      returned('h(1)', 1),
      failed('h(2)'),
    );
    expect(finishedJobs(story.graph).map(({ id }) => story.nameOfJob(id))).toEqual(['h(1)']);
  });

  it('only those that the fact speaks of', () => {
    const story = finished();
    const early = story.factOf(left);
    story
      .when(returned('g()', [h(3)]), returned('h(3)', 'c'))
      .passesOver(early)
      .when(left);
    story.jobs('f() DONE', 'g() DONE');
  });

  it('once', () => {
    const story = finished();
    const fact = story.factOf(left);
    story.when(fact).passesOver(fact);
  });

  it('as 16 bytes each, in the order of their ids', () => {
    const story = finished();
    const ids = ['h(1)', 'h(2)'].map((call) => story.jobOf(call).slice(0, 32)).sort();
    const { done } = story.when(left).graph;
    expect(done.map((segment) => Buffer.from(segment.ids, 'base64').toString('hex'))).toEqual([ids.join('')]);
  });
});

describe('a call that joins a job which has left', () => {
  it('demands its value, and runs nothing', () =>
    finished()
      .when(left, returned('g()', h(1)))
      .demands('join h(1)')
      .counts('h', { DONE: 2 }));

  it('comes to that value', () =>
    finished()
      .when(left, returned('g()', [h(1), h(2)]), joined('h(2)', 'b'), joined('h(1)', 'a'))
      .comesTo([
        ['a', 'b'],
        ['a', 'b'],
      ]));

  it('comes to the value that this run gave, whatever is said of the call otherwise', () =>
    finished()
      .when(left, returned('g()', h(1)))
      .passesOver(returned('h(1)', 'other'))
      .when(joined('h(1)', 'a'))
      .comesTo([['a', 'b'], 'a']));

  it('demands it once, however many calls join', () =>
    finished(seq([g(1), g(2)]))
      .when(left, returned('g(1)', h(1)))
      .demands('join h(1)')
      .when(joined('h(1)', 'a'), returned('g(2)', [h(1)]))
      .demands('join h(1)')
      .when(joined('h(1)', 'a'))
      .comesTo([
        ['a', 'b'],
        ['a', ['a']],
      ]));

  it('finds it in whichever segment it is', () =>
    finished(seq([g(1), g(2)]))
      .when(left, returned('g(1)', [h(3)]), returned('h(3)', 'c'), left, returned('g(2)', [h(3), h(1)]))
      .demands('join h(3)', 'join h(1)')
      .when(joined('h(3)', 'c'), joined('h(1)', 'a'))
      .comesTo([
        ['a', 'b'],
        [['c'], ['c', 'a']],
      ]));

  it('fails by name when the value is lost', () =>
    finished()
      .when(left, returned('g()', h(1)), gone('h(1)', LOST))
      .failsWith('ValueGone: the object is gone', 'g'));

  it('may be caught when the value is lost', () =>
    finished(catchError(g(), 'ValueGone', f))
      .when(left, returned('g()', h(1)), gone('h(1)', LOST))
      .demands('run f(ValueGone("the object is gone"))'));

  it('in another context is another job, and runs', () =>
    finished(g.options({ context: { a: 1 } })())
      .when(left, returned('g()', h(1)))
      .demands('run h(1)')
      .when(returned('h(1)', context('a')))
      .comesTo([['a', 'b'], 1]));

  it('with other arguments is another job, and runs', () =>
    finished()
      .when(left, returned('g()', h(3)))
      .demands('run h(3)'));

  it('demands nothing once the run was cancelled', () =>
    finished()
      .when(left, returned('g()', h(1)), cancelled)
      .demands());

  it('is dropped with what needs it', () =>
    given(seq([f(), catchError([job(1), g()], 'Error', f)]))
      .when(returned('f()', [h(1)]), returned('h(1)', 'a'), left, returned('g()', [h(1)]))
      .demands('join h(1)', 'submit job(1)')
      .when(claimed('s', 'job(1)'), failed('job(1)'))
      .demands('run f(RangeError("bad"))'));

  it('is not waited for any more after a retry', () =>
    finished()
      .when(left, returned('g()', h(1)), cancelled, ended)
      .demands()
      .when(retried)
      .demands('run g(), attempt 2'));

  it('after a retry joins what had left before it', () =>
    finished()
      .when(left, failed('g()'), ended, retried)
      .demands('run g(), attempt 2')
      .when(returned('g()', h(2)))
      .demands('join h(2)')
      .when(joined('h(2)', 'b'))
      .comesTo([['a', 'b'], 'b']));
});
