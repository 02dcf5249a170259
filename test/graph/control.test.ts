/** What each control form demands first, after each fact, and comes to. */
import { describe, expect, it } from 'vitest';
import { add, cond, context, flatMap, force, gt, map, quote, seq, throwError } from '../../core/index.ts';
import { form } from '../../core/language/lazy.ts';
import { BAD, claimed, computed, errorOf, failed, returned } from './facts.ts';
import { f, g, given, h, job, type Named, named } from './harness.ts';

const LONG = 'x'.repeat(2000);

describe('cond', () => {
  it('demands its test and neither branch', () => given(cond(f(), g(), h())).demands('run f()'));

  it('demands the first branch once the test is true', () =>
    given(cond(f(), g(), h()))
      .when(returned('f()', true))
      .demands('run g()')
      .when(returned('g()', 1))
      .comesTo(1));

  it('demands the last branch once the test is false', () =>
    given(cond(f(), g(), h()))
      .when(returned('f()', false))
      .demands('run h()')
      .when(returned('h()', 2))
      .comesTo(2));

  it.each([1, 'no', [], {}, 1n, -1, Number.POSITIVE_INFINITY, LONG])(
    'takes %s as true, as JavaScript does',
    (value) => {
      given(cond(f(), 'then', 'else'))
        .when(returned('f()', value))
        .comesTo('then');
    },
  );

  it.each([0, '', null, undefined, Number.NaN, -0, 0n, false])('takes %s as false, as JavaScript does', (value) => {
    given(cond(f(), 'then', 'else'))
      .when(returned('f()', value))
      .comesTo('else');
  });

  it('without another branch comes to undefined', () =>
    given(cond(f(), 1)).when(returned('f()', false)).comesTo(undefined));

  it('tests in turn: the second test is demanded when the first is false', () =>
    given(cond(f(1), 'a', f(2), 'b', 'c'))
      .demands('run f(1)')
      .when(returned('f(1)', false))
      .demands('run f(2)')
      .when(returned('f(2)', true))
      .comesTo('b'));

  it('does not demand a second test when the first is true', () =>
    given(cond(f(1), g(), f(2), h()))
      .when(returned('f(1)', true))
      .demands('run g()'));

  it('fails with its test, and no branch is demanded', () =>
    given(cond(f(), g(), h()))
      .when(failed('f()'))
      .demands()
      .failsWith('RangeError: bad', 'f'));

  it('fails with the branch that was taken', () =>
    given(cond(true, f(), g()))
      .demands('run f()')
      .when(failed('f()'))
      .failsWith('RangeError: bad'));

  it('demands a branch that is its own test no second time', () =>
    given(cond(f(), f(), 0))
      .when(returned('f()', 7))
      .demands()
      .comesTo(7));
});

describe('seq', () => {
  it('demands its first expression alone', () => given(seq([f(1), f(2), f(3)])).demands('run f(1)'));

  it('demands each when the one before it has a value, and comes to all values', () =>
    given(seq([f(1), job(2), f(3)]))
      .when(returned('f(1)', 'a'))
      .demands('submit job(2)')
      .when(claimed('s', 'job(2)'))
      .demands()
      .when(returned('job(2)', 'b'))
      .demands('run f(3)')
      .when(returned('f(3)', 'c'))
      .comesTo(['a', 'b', 'c']));

  it('without expressions is an empty list', () => given(seq([])).comesTo([]));

  it('of values alone is their list', () => given(seq([1, [2], 'x'])).comesTo([1, [2], 'x']));

  it('does not demand what comes after a failure', () =>
    given(seq([f(1), f(2)]))
      .when(failed('f(1)'))
      .demands()
      .failsWith('RangeError: bad'));

  it('waits for what an expression was reduced to, not for its function alone', () =>
    given(seq([f(1), f(2)]))
      .when(returned('f(1)', g()))
      .demands('run g()')
      .when(returned('g()', 0))
      .demands('run f(2)'));

  it('runs an expression that comes twice once', () =>
    given(seq([f(1), f(1)]))
      .when(returned('f(1)', 5))
      .comesTo([5, 5]));
});

describe('map', () => {
  it('demands its list first', () => given(map(f, g())).demands('run g()'));

  it('applies the task to each element once the list is known, in order', () =>
    given(map(f, g()))
      .when(returned('g()', [1, 2]))
      .demands('run f(1)', 'run f(2)')
      .when(returned('f(2)', 'b'), returned('f(1)', 'a'))
      .comesTo(['a', 'b']));

  it('over an empty list is one', () => given(map(f, g())).when(returned('g()', [])).comesTo([]));

  it('over equal elements runs the task once', () =>
    given(map(f, [1, 2, 1]))
      .demands('run f(1)', 'run f(2)')
      .when(returned('f(1)', 'a'), returned('f(2)', 'b'))
      .comesTo(['a', 'b', 'a']));

  it('passes arguments that were given to the task before', () =>
    given(map(f.partial('x'), [1, 2])).demands('run f("x", 1)', 'run f("x", 2)'));

  it('demands a task that is not known yet beside the list', () =>
    given(map(g(0), h(0)))
      .demands('run g(0)', 'run h(0)')
      .when(returned('h(0)', [1]), returned('g(0)', f))
      .demands('run f(1)'));

  it('gives the options of the task to each call', () =>
    given(map(job.options({ memory: 7 }), [1, 2]))
      .wants('job(1)', { memory: 7 })
      .wants('job(2)', { memory: 7 }));

  it('fails with the first element by position, whichever failed first', () =>
    given(map(job, [1, 2]))
      .when(claimed('s', 'job(1)', 'job(2)'), failed('job(2)', 'program', errorOf('TypeError', 'second')))
      .passesOver({ type: 'ended', at: 1 })
      .when(failed('job(1)'))
      .failsWith('RangeError: bad'));

  it('fails with its list', () => given(map(f, g())).when(failed('g()')).failsWith('RangeError: bad', 'g'));

  it.each([1, 'text', { a: 1 }, null])('over %j fails: it needs a list', (value) => {
    given(map(f, g())).when(returned('g()', value)).failsWith('TypeError: map needs a list to go over');
  });

  it('of what is no task fails', () =>
    given(map(g(0), [1]))
      .when(returned('g(0)', 3))
      .failsWith('TypeError: map needs a task to apply'));

  it('has a large list loaded, and goes on with its top level', () =>
    given(map(f, g()))
      .when(returned('g()', [LONG, LONG]))
      .demands('load the top of ()')
      .when(computed([1, 2]))
      .demands('run f(1)', 'run f(2)'));

  it('reduces what the calls return before it is a list', () =>
    given(map(f, [1]))
      .when(returned('f(1)', [g(1), 2]))
      .demands('run g(1)')
      .when(returned('g(1)', 1))
      .comesTo([[1, 2]]));
});

describe('flatMap', () => {
  it('puts the lists of all calls end to end', () =>
    given(flatMap(f, [1, 2]))
      .demands('run f(1)', 'run f(2)')
      .when(returned('f(1)', ['a']), returned('f(2)', ['b', 'c']))
      .comesTo(['a', 'b', 'c']));

  it('keeps what is nested deeper', () =>
    given(flatMap(f, [1]))
      .when(returned('f(1)', [[1]]))
      .comesTo([[1]]));

  it('fails where a call gives no list', () =>
    given(flatMap(f, [1]))
      .when(returned('f(1)', 5))
      .failsWith('TypeError: flatten: a number is not a list'));

  it('over an empty list is one', () => given(flatMap(f, [])).comesTo([]));

  it('has large lists loaded before they are put together', () =>
    given(flatMap(f, [1]))
      .when(returned('f(1)', [LONG]))
      .demands('compute flatten([<2017 bytes of JSON>])')
      .when(computed(['whole']))
      .comesTo(['whole']));
});

describe('quote and force', () => {
  it('a quote demands nothing of what it holds', () => given([quote(f(1)), 1]).demands());

  it('a forced quote demands what it holds, and comes to it', () =>
    given(force(quote(f(1))))
      .demands('run f(1)')
      .when(returned('f(1)', 2))
      .comesTo(2));

  it('force demands what gives the quote first', () =>
    given(force(g()))
      .demands('run g()')
      .when(returned('g()', quote(add(f(1), 1))))
      .demands('run f(1)')
      .when(returned('f(1)', 2))
      .comesTo(3));

  it('what is forced is one node with the equal expression beside it', () =>
    given([force(quote(f(1))), f(1)])
      .demands('run f(1)')
      .when(returned('f(1)', 2))
      .comesTo([2, 2]));

  it('what was forced goes with the job whose expression forced it', () => {
    const story = given(seq([f(), h()])).when(returned('f()', force(quote(cond(g(1), g(2), 0)))));
    const { nodes, scopes } = story.graph;
    story.when(returned('g(1)', true), returned('g(2)', 'a')).demands('run h()');
    expect([[...scopes.values()].map(({ job: of }) => of), [...nodes.values()].map(({ scope }) => scope)]).toEqual([
      [null],
      [0, 0, 0],
    ]);
  });

  it('what is forced has the context of who forces it, not of who quoted it', () => {
    const inside = named('k').options({ context: { name: 'inner' } });
    return given(inside(quote(context('name'))), { tasks: { k: {} }, context: { name: 'outer' } })
      .when(returned('k(<form>)', force(quote(context('name')))))
      .comesTo('inner');
  });

  it('force of what is no quote fails', () =>
    given(force(g())).when(returned('g()', 1)).failsWith('TypeError: force needs a quoted expression'));

  it('a failure in what is forced is that of the force', () =>
    given(force(quote(f(1))))
      .when(failed('f(1)'))
      .failsWith('RangeError: bad', 'f'));

  it('has a large quote loaded', () =>
    given(force(g()))
      .when(returned('g()', quote(f(LONG))))
      .demands('load the top of ()')
      .when(computed(quote(f(1))))
      .demands('run f(1)'));
});

describe('throwError', () => {
  it('fails with the error it is given', () => given(throwError(BAD)).demands().failsWith('RangeError: bad'));

  it('of a text is an Error with that message', () => given(throwError('no')).failsWith('Error: no'));

  it('demands an error that is not known yet', () =>
    given(throwError(f())).demands('run f()').when(returned('f()', BAD)).failsWith('RangeError: bad'));

  it('of neither says so', () =>
    given(throwError(f()))
      .when(returned('f()', 1))
      .failsWith('Error: throwError was given neither an error nor a text'));

  it('in a branch that is not taken does not fail', () => given(cond(gt(1, 2), throwError(BAD), 1)).comesTo(1));

  it('fails in the job whose expression holds it', () =>
    given(f())
      .when(returned('f()', throwError(BAD)))
      .failsWith('RangeError: bad', 'f'));
});

describe('context', () => {
  it('reads the run’s by a path of names', () =>
    given([context('tool.name'), context('tool')], { context: { tool: { name: 'bwa' } } }).comesTo([
      'bwa',
      { name: 'bwa' },
    ]));

  it('comes to undefined where there is nothing', () => given(context('tool.name')).comesTo(undefined));

  it('does not demand its default where there is something', () =>
    given(context('tool', f()), { context: { tool: null } })
      .demands()
      .comesTo(null));

  it('demands its default where there is nothing', () =>
    given(context('tool', f())).demands('run f()').when(returned('f()', 'x')).comesTo('x'));

  it('fails with its default', () => given(context('tool', f())).when(failed('f()')).failsWith('RangeError: bad'));

  it('is what a call set, in all that its job returns', () =>
    given(f.options({ context: { a: 1 } })(), { context: { a: 0, b: 2 } })
      .when(returned('f()', [context('a'), context('b'), g()]))
      .when(returned('g()', context('a')))
      .comesTo([1, 2, 1]));
});

describe('a lazy task', () => {
  const chosen: Named = f();

  it('is demanded with its arguments, and then its call', () =>
    given(chosen(g(1)))
      .demands('run f()', 'run g(1)')
      .when(returned('f()', h), returned('g(1)', 2))
      .demands('run h(2)')
      .when(returned('h(2)', 3))
      .comesTo(3));

  it('passes the arguments that were bound to it', () =>
    given(chosen(2))
      .when(returned('f()', h.partial(1)))
      .demands('run h(1, 2)'));

  it('that is no task fails', () =>
    given(chosen(2)).when(returned('f()', 1)).failsWith('TypeError: only a task can be called'));

  it('that fails is the failure of its call', () =>
    given(chosen(2)).when(failed('f()')).failsWith('RangeError: bad', 'f'));
});

describe('a form that nobody knows', () => {
  it('fails by name', () =>
    given(form('twice' as 'cond', f()))
      .demands()
      .failsWith("TypeError: there is no control form 'twice'"));
});
