/** What the forms that catch demand first, after each fact, and come to. */
import { describe, expect, it } from 'vitest';
import { catchAll, catchError, cond, seq, throwError } from '../../core/index.ts';
import { BAD, claimed, computed, errorOf, failed, missed, notRecalled, recalled, returned, reused } from './facts.ts';
import { f, g, given, h, job, other } from './harness.ts';

const LONG = 'x'.repeat(2000);
const OTHER = errorOf('TypeError', 'other');

describe('catchError', () => {
  it('demands what it guards, and not the recovery', () => given(catchError(f(), 'RangeError', g)).demands('run f()'));

  it('comes to the value where nothing failed', () =>
    given(catchError(f(), 'RangeError', g))
      .when(returned('f()', 1))
      .demands()
      .comesTo(1));

  it('demands the recovery with the error, and comes to its value', () =>
    given(catchError(f(), 'RangeError', g))
      .when(failed('f()'))
      .demands('run g(RangeError("bad"))')
      .when(returned('g(RangeError("bad"))', 2))
      .comesTo(2));

  it('catches by any class that the error extends', () =>
    given(catchError(f(), 'Error', g))
      .when(failed('f()'))
      .demands('run g(RangeError("bad"))'));

  it('lets an error of another class pass', () =>
    given(catchError(f(), 'TypeError', g))
      .when(failed('f()'))
      .demands()
      .failsWith('RangeError: bad', 'f'));

  it('catches by one of several names', () =>
    given(catchError(f(), ['TypeError', 'RangeError'], g))
      .when(failed('f()'))
      .demands('run g(RangeError("bad"))'));

  it('recovers by the first pair that fits', () =>
    given(catchError(f(), 'TypeError', g, 'RangeError', h, 'Error', g))
      .when(failed('f()'))
      .demands('run h(RangeError("bad"))'));

  it('fails with a recovery that fails, and no later pair catches that', () =>
    given(catchError(f(), 'RangeError', g, 'Error', h))
      .when(failed('f()'), failed('g(RangeError("bad"))', 'program', OTHER))
      .failsWith('TypeError: other', 'g'));

  it('that recovers does so with what the recovery returned, reduced', () =>
    given(catchError(f(), 'Error', g))
      .when(failed('f()'), returned('g(RangeError("bad"))', h(1)))
      .demands('run h(1)')
      .when(returned('h(1)', 3))
      .comesTo(3));

  it('catches what failed far below', () =>
    given(catchError(f(), 'Error', g))
      .when(returned('f()', [h(1), 2]), failed('h(1)'))
      .jobs('f() FAILED', 'h(1) FAILED', 'g(RangeError("bad")) PENDING')
      .when(returned('g(RangeError("bad"))', 'saved'))
      .comesTo('saved'));

  it('catches the failure of a machine once no attempt is left', () =>
    given(catchError(job(1), 'MachineLost', g), {
      tasks: { job: { executor: 'batch', attempts: { 'machine-lost': 1 } } },
    })
      .when(claimed('s', 'job(1)'), failed('job(1)', 'machine-lost', errorOf('MachineLost', 'gone')))
      .demands('run g(MachineLost("gone"))'));

  it('recovers with a task that is not known yet, once it is', () =>
    given(catchError(f(), 'Error', cond(h(), g, h) as never))
      .when(failed('f()'))
      .demands('run h()')
      .when(returned('h()', true))
      .demands('run g(RangeError("bad"))'));

  it('does not guard what its recovery is reduced to', () =>
    given(catchError(f(1), 'Error', g))
      .when(failed('f(1)'), returned('g(RangeError("bad"))', [h(1), h(2)]))
      .demands('run h(1)', 'run h(2)')
      .when(failed('h(2)'))
      .demands());

  it('passes what was bound to the recovery before the error', () =>
    given(catchError(f(), 'Error', g.partial(1)))
      .when(failed('f()'))
      .demands('run g(1, RangeError("bad"))'));

  it('with a recovery that is no task fails', () =>
    given(catchError(f(), 'Error', h()))
      .when(failed('f()'), returned('h()', 1))
      .failsWith('TypeError: a catch recovers with a task'));

  it('inside another leaves to that what it does not catch', () =>
    given(catchError(catchError(f(), 'TypeError', g), 'RangeError', h))
      .when(failed('f()'))
      .demands('run h(RangeError("bad"))'));

  it('catches a thrown error, where it stands', () =>
    given(catchError(throwError(BAD), 'RangeError', g)).demands('run g(RangeError("bad"))'));

  it('does not keep what has another way to the root from failing the run', () =>
    given([catchError(f(), 'Error', g), f()])
      .when(failed('f()'))
      .demands()
      .failsWith('RangeError: bad', 'f'));

  it('recovers no more once the run has failed elsewhere', () =>
    given([catchError(f(1), 'Error', g), f(2)])
      .when(failed('f(2)'), failed('f(1)'))
      .demands()
      .failsWith('RangeError: bad'));
});

describe('a catch in a run with a cache', () => {
  const cache = { cache: true };

  it('is looked up before what it guards is demanded', () =>
    given(catchError(f(), 'Error', g), cache).demands('look up a catch'));

  it('that is not known demands what it guards', () =>
    given(catchError(f(), 'Error', g), cache)
      .when(notRecalled)
      .demands('look up f()'));

  it('that is known demands the recovery alone', () =>
    given(catchError(f(), 'Error', g), cache)
      .when(recalled(g(BAD)))
      .demands('look up g(RangeError("bad"))')
      .when(reused('g(RangeError("bad"))', 2))
      .comesTo(2));

  it('recalled as something that is no call demands what it guards', () =>
    given(catchError(f(), 'Error', g), cache)
      .when(recalled(1))
      .demands('look up f()'));

  it('is looked up for each context', () =>
    given([f.options({ context: { a: 1 } })(), g()], cache)
      .when(
        missed('f()', 'g()'),
        returned('f()', catchError(h(), 'Error', job)),
        returned('g()', catchError(h(), 'Error', job)),
      )
      .demands('look up a catch', 'look up a catch'));

  it('in equal contexts is looked up once', () =>
    given([f(), g()], cache)
      .when(
        missed('f()', 'g()'),
        returned('f()', catchError(h(), 'Error', job)),
        returned('g()', catchError(h(), 'Error', job)),
      )
      .demands('look up a catch'));

  it('that recovers asks to be remembered, with the tasks that the failure rests on', () => {
    const { draft } = given(catchError(f(), 'Error', g), cache).when(
      notRecalled,
      missed('f()'),
      returned('f()', h(1)),
      missed('h(1)'),
      failed('h(1)'),
    );
    expect(draft.effects.recoveries.map(({ requires }) => Object.keys(requires))).toEqual([['f', 'h']]);
  });

  it('of a failure of machines is not remembered', () => {
    const { draft } = given(catchError(f(), 'Error', g)).when(failed('f()', 'program', errorOf('MachineLost', 'gone')));
    expect(draft.effects.recoveries).toEqual([]);
  });
});

describe('catchAll', () => {
  it('demands all its terms', () => given(catchAll([f(1), f(2)])).demands('run f(1)', 'run f(2)'));

  it('waits for every term, also when one has failed', () =>
    given(catchAll([f(1), f(2)], 'Error', g))
      .when(failed('f(1)'))
      .demands('run f(2)'));

  it('comes to the values where no term failed, and does not demand the recovery', () =>
    given(catchAll([f(1), f(2)], 'Error', g))
      .when(returned('f(1)', 1), returned('f(2)', 2))
      .demands()
      .comesTo([1, 2]));

  it('without recovery comes to the terms with errors in their places', () =>
    given(catchAll([f(1), f(2)]))
      .when(failed('f(1)'), returned('f(2)', 2))
      .comesTo([BAD, 2]));

  it('catches every error where no names are given', () =>
    given(catchAll([f(1)]))
      .when(failed('f(1)', 'program', OTHER))
      .comesTo([OTHER]));

  it('keeps the shape of a record', () =>
    given(catchAll({ b: f(1), a: f(2) }))
      .when(failed('f(1)'), returned('f(2)', 2))
      .comesTo({ b: BAD, a: 2 }));

  it('demands the recovery with values and errors in place', () =>
    given(catchAll([f(1), f(2)], 'Error', g))
      .when(returned('f(2)', 2), failed('f(1)'))
      .demands('run g([RangeError("bad"), 2])')
      .when(returned('g([RangeError("bad"), 2])', 'saved'))
      .comesTo('saved'));

  it('fails with the first failure by position that it does not catch', () =>
    given(catchAll([f(1), f(2), f(3)], 'RangeError', g))
      .when(failed('f(3)', 'program', OTHER), failed('f(1)'), failed('f(2)', 'program', errorOf('TypeError', 'second')))
      .failsWith('TypeError: second'));

  it('fails with a recovery that fails', () =>
    given(catchAll([f(1)], 'Error', g))
      .when(failed('f(1)'), failed('g([RangeError("bad")])', 'program', OTHER))
      .failsWith('TypeError: other', 'g'));

  it('of nothing is nothing', () => given([catchAll([]), catchAll({})]).comesTo([[], {}]));

  it('has a large value loaded to see that nothing in it can fail', () =>
    given(catchAll([LONG, LONG]))
      .demands('load the top of ()')
      .when(computed(['a']))
      .comesTo(['a']));

  it('of neither a list nor a record fails', () =>
    given(catchAll(f() as never)).failsWith('TypeError: catchAll needs a list or a record of expressions'));

  it('demands a term that comes twice once', () =>
    given(catchAll([f(1), f(1)]))
      .demands('run f(1)')
      .when(failed('f(1)'))
      .comesTo([BAD, BAD]));

  it('does not guard what its recovery is reduced to', () =>
    given(catchAll([f(1)], 'Error', g))
      .when(failed('f(1)'), returned('g([RangeError("bad")])', [h(1), h(2)]))
      .demands('run h(1)', 'run h(2)')
      .when(failed('h(2)'))
      .demands());

  it('does not guard its recovery', () =>
    given(catchAll([seq([f(1)])], 'Error', other))
      .when(failed('f(1)'))
      .demands('submit other([RangeError("bad")])')
      .when(claimed('s', 'other([RangeError("bad")])'), failed('other([RangeError("bad")])'))
      .demands()
      .failsWith('RangeError: bad', 'other'));
});
