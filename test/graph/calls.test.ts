/** When a call is demanded, with what, which calls are one, and what a job comes to. */
import { describe, expect, it } from 'vitest';
import { demandsOf } from '../../core/graph/demands.ts';
import { add, context, file, gt, len, merge, script, text } from '../../core/index.ts';
import { STDOUT } from '../../core/values/classes.ts';
import { BAD, claimed, computed, errorOf, failed, missed, returned, reused } from './facts.ts';
import { f, g, given, h, job, named, plain } from './harness.ts';

const LONG = 'x'.repeat(2000);

describe('a call', () => {
  it('with values is demanded at once', () => given(f(1, 'a')).demands('run f(1, "a")').jobs('f(1, "a") PENDING'));

  it('is demanded once all its arguments have values', () =>
    given(f(g(1), h(2)))
      .demands('run g(1)', 'run h(2)')
      .when(returned('h(2)', 'b'))
      .demands('run g(1)')
      .when(returned('g(1)', 'a'))
      .demands('run f("a", "b")'));

  it('demands what stands deep in a list or record of its arguments', () =>
    given(f([{ a: g(1) }]))
      .demands('run g(1)')
      .when(returned('g(1)', 2))
      .demands('run f([{ a: 2 }])'));

  it('comes to the value that its function returned', () =>
    given(f())
      .when(returned('f()', { a: 1 }))
      .comesTo({ a: 1 }));

  it('comes to what the expression that its function returned is reduced to', () =>
    given(f())
      .when(returned('f()', add(g(1), 1)))
      .jobs('f() RUNNING', 'g(1) PENDING')
      .when(returned('g(1)', 2))
      .jobs('f() DONE', 'g(1) DONE')
      .comesTo(3));

  it('may return a call of itself with other arguments, for ever', () =>
    given(f(2))
      .when(returned('f(2)', f(1)), returned('f(1)', f(0)), returned('f(0)', 'end'))
      .comesTo('end'));

  it('leaves out trailing arguments that are undefined', () =>
    given([f(1, g(1)), f(1)])
      .when(returned('g(1)', undefined))
      .demands('run f(1)')
      .counts('f', { PENDING: 1 }));

  it('that nobody needs is never demanded', () =>
    given(f()).when(returned('f()', 1)).demands().counts('g', {}).comesTo(1));

  it('of a task that is not in the bundle fails by name', () =>
    given(named('nothing')(1))
      .demands()
      .failsWith("TaskNotFound: there is no task 'nothing' in the bundle of this run"));

  it('that failed fails what needs its value', () =>
    given(f(g(1)))
      .when(failed('g(1)'))
      .demands()
      .jobs('g(1) FAILED')
      .failsWith('RangeError: bad', 'g'));

  it('fails with the first of its arguments by position, whichever failed first', () =>
    given(f(job(1), job(2)))
      .when(
        claimed('s', 'job(1)', 'job(2)'),
        failed('job(2)', 'program', errorOf('TypeError', 'second')),
        failed('job(1)'),
      )
      .failsWith('RangeError: bad', 'job'));

  it('is RUNNING while it is submitted', () =>
    given(job(1)).when(claimed('s', 'job(1)')).demands().jobs('job(1) RUNNING'));

  it('takes a task as an argument', () => given(f(g)).demands('run f(g)'));

  it('passes a large argument by reference, without loading it', () =>
    given(f(g(1)))
      .when(returned('g(1)', LONG))
      .demands('run f(<2004 bytes of JSON>)'));

  it('keeps what it was given in a few words once it failed', () => {
    const { graph } = given(f(1, ['a'])).when(failed('f(1, ["a"])'));
    expect([...graph.jobs.values()].map(({ given: words }) => words)).toEqual(['1, ["a"]']);
  });

  it('says which calls led to a failure, outermost first', () =>
    given(f())
      .when(returned('f()', [g()]), returned('g()', h()), failed('h()'))
      .failsWith('RangeError: bad', 'f', 'g', 'h'));
});

describe('equal calls', () => {
  it('in one expression are one job', () =>
    given([f(1), f(1), [f(1)]])
      .demands('run f(1)')
      .when(returned('f(1)', 2))
      .comesTo([2, 2, [2]]));

  it('in different jobs are one job, wherever they stand', () =>
    given([f(1), g()])
      .when(returned('g()', [f(1)]))
      .counts('f', { PENDING: 1 })
      .demands('run f(1)'));

  it('join a job that has its value already', () =>
    given([f(1), g()])
      .when(returned('f(1)', 2), returned('g()', f(1)))
      .demands()
      .comesTo([2, 2]));

  it('join a job that is in flight', () =>
    given([job(1), g()])
      .when(claimed('s', 'job(1)'), returned('g()', job(1)))
      .demands()
      .when(returned('job(1)', 2))
      .comesTo([2, 2]));

  it('become equal when their arguments do', () =>
    given([f(g(1)), f(g(2))])
      .when(returned('g(1)', 0), returned('g(2)', 0))
      .demands('run f(0)')
      .counts('f', { PENDING: 1 }));

  it('with other options are one job, and those of the first count', () =>
    given([job.options({ memory: 1 })(1), job.options({ memory: 2 })(1)])
      .demands('submit job(1)')
      .wants('job(1)', { memory: 1 }));

  it('in different contexts are different jobs that share the work', () =>
    given([f(1), g.options({ context: { a: 1 } })()])
      .when(returned('g()', f(1)))
      .jobs('f(1) PENDING', 'g() RUNNING', 'f(1) PENDING')
      .demands('run f(1)')
      .when(returned('f(1)', context('a', 'none')))
      .comesTo(['none', 1]));

  it('in a context that is the same after all are one job', () =>
    given([f.options({ context: { a: 1 } })(1), g.options({ context: { a: 1 } })()])
      .when(returned('g()', f(1)))
      .jobs('f(1) PENDING', 'g() RUNNING'));

  it('of work that runs already, in another context, are RUNNING too', () =>
    given([job(1), g.options({ context: { a: 1 } })()])
      .when(claimed('s', 'job(1)'), returned('g()', job(1)))
      .jobs('job(1) RUNNING', 'g() RUNNING', 'job(1) RUNNING'));

  it('in another context, once the work is over, run anew as the attempt whose record is the result', () =>
    given([job(1), g.options({ context: { a: 1 } })()])
      .when(claimed('s', 'job(1)'), returned('job(1)', 1), returned('g()', job(1)))
      .demands('submit job(1)'));

  it('in another context, once the work is over after some attempts, run as the next', () =>
    given([job(1), g.options({ context: { a: 1 } })()])
      .when(claimed('s', 'job(1)'), failed('job(1)', 'machine-lost'), claimed('t', 'job(1)'), returned('job(1)', 1))
      .when(returned('g()', job(1)))
      .demands('submit job(1), attempt 3'));

  it('in another context of what is being reduced are reduced there, too', () =>
    given([f(1), g.options({ context: { a: 1 } })()])
      .when(returned('f(1)', [h(1), context('a', 0)]), returned('g()', f(1)))
      .jobs('f(1) RUNNING', 'g() RUNNING', 'h(1) PENDING', 'f(1) RUNNING', 'h(1) PENDING')
      .demands('run h(1)')
      .when(returned('h(1)', context('a', 'none')))
      .comesTo([
        ['none', 0],
        [1, 1],
      ]));

  it('with cacheScope none are a job for each place', () =>
    given([f(1), g()], { tasks: { f: { cacheScope: 'none' } } })
      .when(returned('g()', f(1)))
      .demands('run f(1)', 'run f(1) (2)'));

  it('with cacheScope none in one expression are one node, and one job', () =>
    given([f(1), f(1)], { tasks: { f: { cacheScope: 'none' } } }).demands('run f(1)'));
});

describe('a list or record', () => {
  it('keeps its shape around what is reduced', () =>
    given({ a: [f(1), { b: f(2) }], c: null })
      .when(returned('f(1)', 1), returned('f(2)', 2))
      .comesTo({ a: [1, { b: 2 }], c: null }));

  it('of values alone demands nothing', () =>
    given([1, { a: new Date(0) }])
      .demands()
      .comesTo([1, { a: new Date(0) }]));

  it('fails with its first element that failed, once those before have values', () =>
    given([job(1), job(2), job(3)])
      .when(claimed('s', 'job(1)', 'job(2)', 'job(3)'), failed('job(3)', 'program', errorOf('TypeError', 'third')))
      .when(failed('job(2)'), returned('job(1)', 1))
      .failsWith('RangeError: bad'));

  it('of a record fails by the order of its keys', () =>
    given({ b: job(1), a: job(2) })
      .when(claimed('s', 'job(1)', 'job(2)'), failed('job(1)', 'program', errorOf('TypeError', 'b')), failed('job(2)'))
      .failsWith('RangeError: bad'));

  it('goes through maps and sets', () =>
    given(new Map([['a', f(1)]]))
      .demands('run f(1)')
      .when(returned('f(1)', 2))
      .comesTo(new Map([['a', 2]])));
});

describe('an operator', () => {
  it('of values is computed at once', () => given(add(1, 2)).demands().comesTo(3));

  it('demands all its operands', () =>
    given(gt(f(1), g(1)))
      .demands('run f(1)', 'run g(1)')
      .when(returned('g(1)', 1), returned('f(1)', 2))
      .comesTo(true));

  it('that throws fails with a readable error', () =>
    given(len(1 as never)).failsWith('TypeError: len: a number has no entries'));

  it('fails with its first operand by position', () =>
    given(add(job(1), job(2)))
      .when(
        claimed('s', 'job(1)', 'job(2)'),
        failed('job(2)', 'program', errorOf('TypeError', 'second')),
        failed('job(1)'),
      )
      .failsWith('RangeError: bad'));

  it('on large operands asks for them to be loaded', () =>
    given(len(f()))
      .when(returned('f()', LONG))
      .demands('compute len(<2004 bytes of JSON>)')
      .when(computed(2000))
      .comesTo(2000));

  it('that failed where it was computed fails with that error', () =>
    given(len(f())).when(returned('f()', LONG), computed(BAD, false)).failsWith('RangeError: bad'));

  it('on equal large operands is computed once', () =>
    given([len(f()), g()])
      .when(returned('f()', LONG), returned('g()', len(LONG)))
      .demands('compute len(<2004 bytes of JSON>)')
      .when(computed(1))
      .comesTo([1, 1]));

  it('keeps a large value that it makes by reference, and gives it to be stored', () => {
    const story = given(f(text`${'x'.repeat(900)}${'y'.repeat(900)}`));
    expect([...story.demands('run f(<1804 bytes of JSON>)').draft.effects.large.values()]).toHaveLength(1);
  });

  it('on a record takes what it needs of its shape', () =>
    given(merge({ a: f(1) }, { b: 2 }))
      .when(returned('f(1)', 1))
      .comesTo({ a: 1, b: 2 }));
});

describe('in a run with a cache', () => {
  const cache = { cache: true };

  it('work is looked up before it is run', () =>
    given([f(1), job(2)], cache)
      .demands('look up f(1)', 'look up job(2)')
      .when(missed('f(1)', 'job(2)'))
      .demands('run f(1)', 'submit job(2)'));

  it('a script is looked up with its arguments, which say where it writes', () => {
    const { lookup } = demandsOf(given([f(1), script('true')], cache).graph);
    expect(lookup.map(({ args }) => args && plain(args))).toEqual([undefined, ['true\n', [], STDOUT, {}]]);
  });

  it('what is reused is CACHED, and reduced further', () =>
    given(f(), cache)
      .when(reused('f()', g(1)))
      .demands('look up g(1)')
      .when(reused('g(1)', 2))
      .jobs('f() CACHED', 'g(1) CACHED')
      .comesTo(2));

  it('a hit does not hide what changed below: that is run', () =>
    given(f(), cache)
      .when(reused('f()', g(1)), missed('g(1)'))
      .demands('run g(1)')
      .when(returned('g(1)', 5))
      .jobs('f() CACHED', 'g(1) DONE'));

  it.each([{ cache: false }, { cacheScope: 'none' }] as const)(
    'work with the option %j is not looked up',
    (options) => {
      given(f(1), { cache: true, tasks: { f: options } }).demands('run f(1)');
    },
  );

  it('an option of the call decides over that of the task', () =>
    given(f.options({ cache: true })(1), { cache: true, tasks: { f: { cache: false } } }).demands('look up f(1)'));

  it('a job with cache off may still join an equal one', () =>
    given([f(1), g()], { tasks: { f: { cache: false } } })
      .when(returned('g()', f(1)))
      .demands('run f(1)'));

  it('places that a reused script has written are remembered', () => {
    const call = 'redex.script("true", out out.txt)';
    const story = given(script('true', { outputs: file('out.txt') }), cache).when(reused(call, 1, ['out.txt']));
    expect([...story.graph.written]).toEqual([['out.txt', story.evalOf(call)]]);
  });

  it('a result that comes while the cache is asked counts', () =>
    given(f(1), cache).when(returned('f(1)', 2)).demands().comesTo(2));
});
