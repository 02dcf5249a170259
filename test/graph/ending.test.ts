/** How a run ends: with a value, by a failure, by a cancel; and how it is taken up again. */
import { describe, expect, it } from 'vitest';
import { add, catchError, cond, file, len, map, seq } from '../../core/index.ts';
import {
  cancelled,
  claimed,
  errorOf,
  failed,
  missed,
  observed,
  refused,
  retried,
  returned,
  reused,
  seen,
  withdrawn,
} from './facts.ts';
import { ended, f, g, given, h, job, other } from './harness.ts';

describe('a run', () => {
  it('of a value ends with it', () => given({ a: 1 }).demands().comesTo({ a: 1 }));

  it('does not end before its root has an outcome', () => given(f()).passesOver(ended));

  it('that has ended demands nothing and takes nothing on', () => {
    const story = given([f(1), job(1)]).when(cancelled, ended);
    story.demands().passesOver(returned('f(1)', 1), failed('job(1)'), claimed('s', 'job(1)'), cancelled, ended);
  });

  it('ends when its root has a value, though work that nobody needs was ready', () =>
    given(catchError([f(1), f(2)], 'Error', g))
      .when(failed('f(1)'), returned('g(RangeError("bad"))', 0))
      .counts('f', { FAILED: 1, CANCELLED: 1 })
      .comesTo(0));

  it('does not end while what nobody needs is in flight', () =>
    given(catchError([job(1), job(2)], 'Error', g))
      .when(claimed('s', 'job(1)', 'job(2)'), failed('job(1)'), returned('g(RangeError("bad"))', 0))
      .passesOver(ended)
      .when(returned('job(2)', 0))
      .comesTo(0));

  it('counts its jobs by status', () =>
    given([job(1), job(2), job(3)])
      .counts('job', { PENDING: 3 })
      .when(claimed('s', 'job(1)', 'job(2)'))
      .counts('job', { PENDING: 1, RUNNING: 2 })
      .when(returned('job(1)', 0))
      .counts('job', { PENDING: 1, RUNNING: 1, DONE: 1 }));

  it('counts what it reused apart', () =>
    given([f(1), f(2)], { cache: true })
      .when(reused('f(1)', 1), missed('f(2)'), returned('f(2)', 2))
      .counts('f', { CACHED: 1, DONE: 1 }));
});

describe('a failing run', () => {
  it('demands nothing more from the first failure on that nothing catches', () =>
    given([f(1), job(2), f(3)])
      .when(failed('f(3)'))
      .demands());

  it('demands what is left while a catch may save it', () =>
    given([catchError(f(1), 'TypeError', g), f(2)])
      .when(failed('f(1)'))
      .demands()
      .failsWith('RangeError: bad', 'f'));

  it('goes on while the failure is caught on every way to the root', () =>
    given([catchError(f(1), 'Error', g), f(2)])
      .when(failed('f(1)'))
      .demands('run f(2)', 'run g(RangeError("bad"))'));

  it('counts results that still arrive', () =>
    given([job(1), job(2)])
      .when(claimed('s', 'job(1)', 'job(2)'), failed('job(1)'), returned('job(2)', 2))
      .jobs('job(1) FAILED', 'job(2) DONE')
      .failsWith('RangeError: bad'));

  it('makes no job of a call whose arguments still arrive', () =>
    given([f(job(1)), g()])
      .when(claimed('s', 'job(1)'), failed('g()'), returned('job(1)', 1))
      .demands()
      .counts('f', {})
      .failsWith('RangeError: bad', 'g'));

  it('does not go on with an expression that still arrives', () =>
    given([job(1), job(2)])
      .when(claimed('s', 'job(1)', 'job(2)'), failed('job(1)'), returned('job(2)', f()))
      .demands()
      .counts('f', {})
      .failsWith('RangeError: bad'));

  it('does not compute an expression that still arrives: its job has no value', () =>
    given([job(1), job(2), f(3)])
      .when(claimed('s', 'job(2)'), failed('f(3)'), returned('job(2)', add(1, 1)))
      .failsWith('RangeError: bad')
      .jobs('job(1) CANCELLED', 'job(2) CANCELLED', 'f(3) FAILED'));

  it('tries nothing again, and what would have been is FAILED', () =>
    given([job(1), job(2)])
      .when(claimed('s', 'job(1)', 'job(2)'), failed('job(1)'), failed('job(2)', 'machine-lost'))
      .demands()
      .jobs('job(1) FAILED', 'job(2) FAILED'));

  it('ends with what never ran CANCELLED', () =>
    given([f(1), f(2), job(3)])
      .when(failed('f(2)'))
      .failsWith('RangeError: bad')
      .jobs('f(1) CANCELLED', 'f(2) FAILED', 'job(3) CANCELLED'));

  it('reports the first failure by position of those recorded', () =>
    given([job(1), [job(2), job(3)]])
      .when(claimed('s', 'job(1)', 'job(2)', 'job(3)'))
      .when(failed('job(3)', 'program', errorOf('TypeError', 'third')), failed('job(2)'), returned('job(1)', 1))
      .failsWith('RangeError: bad'));

  it('reports the first failure by position also where none has decided: what comes before never ran', () =>
    given([job(1), job(2), f(3)])
      .when(claimed('s', 'job(2)'), failed('f(3)', 'program', errorOf('TypeError', 'third')), failed('job(2)'))
      .failsWith('RangeError: bad', 'job'));

  it('reports what failed inside of a job that comes first, where what comes before in it never ran', () =>
    given([f(), g()])
      .when(returned('f()', [job(1), job(2)]), claimed('s', 'job(2)'))
      .when(failed('g()', 'program', errorOf('TypeError', 'later')), failed('job(2)'))
      .failsWith('RangeError: bad', 'f', 'job'));

  it('reports the first by position also inside of jobs under evaluation', () =>
    given([f(), g()])
      .when(returned('f()', [job(1), job(2)]), claimed('s', 'job(1)', 'job(2)'))
      .when(failed('g()', 'program', errorOf('TypeError', 'later')), failed('job(2)'), returned('job(1)', 1))
      .failsWith('RangeError: bad', 'f', 'job'));

  it('leaves a withdrawn request’s jobs alone', () =>
    given([job(1), f(2)])
      .when(claimed('s', 'job(1)'), failed('f(2)'), withdrawn('s'))
      .demands()
      .failsWith('RangeError: bad', 'f'));

  it('hears of a look no more', () =>
    given([f(file('a')), g()])
      .when(failed('g()'))
      .when(observed(seen('a', 'v')))
      .demands()
      .jobs('g() FAILED')
      .failsWith('RangeError: bad'));
});

describe('a cancelled run', () => {
  it('demands nothing more', () =>
    given([f(1), job(2)])
      .when(cancelled)
      .demands());

  it('ends at once when nothing is in flight, and all that had no outcome is CANCELLED', () => {
    const story = given([f(1), job(2)])
      .when(returned('f(1)', 1), cancelled, ended)
      .jobs('f(1) DONE', 'job(2) CANCELLED');
    expect(story.graph.end).toEqual({ status: 'CANCELLED', at: 3 });
  });

  it('ends when what was in flight has a verdict', () => {
    const story = given([job(1), job(2)])
      .when(claimed('s', 'job(1)', 'job(2)'), cancelled)
      .passesOver(ended)
      .when(returned('job(1)', 1))
      .passesOver(ended)
      .when(failed('job(2)', 'interrupted'), ended)
      .jobs('job(1) DONE', 'job(2) CANCELLED');
    expect(story.graph.end?.status).toBe('CANCELLED');
  });

  it('ends when its last request was refused', () =>
    expect(given(job(1)).when(claimed('s', 'job(1)'), cancelled, refused('s'), ended).graph.end?.status).toBe(
      'CANCELLED',
    ));

  it('is CANCELLED though its root came to have a value', () =>
    expect(given(job(1)).when(claimed('s', 'job(1)'), cancelled, returned('job(1)', 1), ended).graph.end?.status).toBe(
      'CANCELLED',
    ));

  it('is cancelled once', () => given(f()).when(cancelled).passesOver(cancelled));

  it('may have been failing before: the cancel decides', () =>
    expect(
      given([job(1), f(2)]).when(claimed('s', 'job(1)'), failed('f(2)'), cancelled, withdrawn('s'), ended).graph.end
        ?.status,
    ).toBe('CANCELLED'));

  it('recovers nothing', () =>
    given(catchError(job(1), 'Error', g))
      .when(claimed('s', 'job(1)'), cancelled, failed('job(1)'))
      .demands()
      .counts('g', {}));

  it('takes no claim back: what was in flight is told of until it has a verdict', () =>
    given(job(1)).when(claimed('s', 'job(1)'), cancelled).jobs('job(1) RUNNING').passesOver(ended));
});

describe('a retry', () => {
  it('is of a run that has ended without a value', () => {
    given(f()).passesOver(retried).when(returned('f()', 1)).passesOver(retried).comesTo(1).passesOver(retried);
  });

  it('demands what failed again, with the number of its next attempt', () =>
    given(job(1))
      .when(claimed('s', 'job(1)'), failed('job(1)'), ended, retried)
      .demands('submit job(1), attempt 2')
      .jobs('job(1) PENDING')
      .counts('job', { PENDING: 1 }));

  it('keeps what has a value: it is joined, and neither looked up nor run', () =>
    given([f(1), f(2)], { cache: true })
      .when(missed('f(1)', 'f(2)'), returned('f(1)', 1), failed('f(2)'), ended, retried)
      .demands('look up f(2)')
      .when(missed('f(2)'))
      .demands('run f(2), attempt 2')
      .when(returned('f(2)', 2))
      .comesTo([1, 2]));

  it('evaluates again what had returned without coming to a value: the same attempt, whose record is its result', () =>
    given(f())
      .when(returned('f()', [g(1), g(2)]), returned('g(1)', 'kept'), failed('g(2)'), ended, retried)
      .demands('run f()')
      .when(returned('f()', [g(1), g(2)]))
      .demands('run g(2), attempt 2')
      .when(returned('g(2)', 'new'))
      .comesTo(['kept', 'new']));

  it('gives work whose attempts had run out all of them again', () =>
    given(job(1), { tasks: { job: { executor: 'batch', attempts: { program: 2 } } } })
      .when(claimed('a', 'job(1)'), failed('job(1)'), claimed('b', 'job(1)'), failed('job(1)'), ended, retried)
      .when(claimed('c', 'job(1)'), failed('job(1)'))
      .demands('submit job(1), attempt 4'));

  it('forgets that memory had been doubled', () =>
    given(job(1), { tasks: { job: { executor: 'batch', memory: 1, attempts: { 'out-of-memory': 1 } } } })
      .when(claimed('a', 'job(1)'), failed('job(1)', 'out-of-memory'), ended, retried)
      .wants('job(1)', { memory: 1 }));

  it('is of a cancelled run, too', () =>
    given([f(1), job(2)])
      .when(returned('f(1)', 1), cancelled, ended, retried)
      .demands('submit job(2)')
      .when(claimed('s', 'job(2)'), returned('job(2)', 2))
      .comesTo([1, 2]));

  it('may be followed by another', () =>
    given(f(1)).when(failed('f(1)'), ended, retried, failed('f(1)'), ended, retried).demands('run f(1), attempt 3'));

  it('does not go to the numbers of attempts that were never claimed', () =>
    given([f(1), job(2)])
      .when(failed('f(1)'), ended, retried)
      .demands('run f(1), attempt 2', 'submit job(2)'));

  it('counts what failed, or was cancelled, no more', () =>
    given([f(1), job(3), f(2)])
      .when(returned('f(1)', 1), failed('f(2)'), ended)
      .counts('f', { DONE: 1, FAILED: 1 })
      .counts('job', { CANCELLED: 1 })
      .when(retried)
      .counts('f', { DONE: 1, PENDING: 1 })
      .counts('job', { PENDING: 1 }));

  it.each([
    ['look at a', h(file('a'))],
    ['compute len(<2004 bytes of JSON>)', len('x'.repeat(2000))],
    ['look up a catch', catchError(h(), 'Error', g)],
  ])('does not demand what a job asked for that is to be evaluated again: %s', (demand, expression) => {
    given(f(), { cache: true, tasks: { f: { cache: false } } })
      .when(returned('f()', expression))
      .demands(demand)
      .when(cancelled, ended, retried)
      .demands('run f(), attempt 2');
  });

  it('forgets what failed before it', () => {
    const story = given([f(1), f(2)]).when(failed('f(2)'), ended, retried, failed('f(1)'));
    expect(story.graph.failed.map((id) => story.nameOfJob(id))).toEqual(['f(1)']);
  });

  it('can come to a value though the first time failed at once', () =>
    given(seq([f(1), f(2)]))
      .when(failed('f(1)'), ended, retried, returned('f(1)', 1), returned('f(2)', 2))
      .comesTo([1, 2]));

  it('does not take a result of an attempt from before it', () =>
    given(job(1))
      .when(claimed('s', 'job(1)'), failed('job(1)'), ended, retried, claimed('t', 'job(1)'))
      .passesOver(returned('job(1)', 'late', 1))
      .when(returned('job(1)', 'new', 2))
      .comesTo('new'));
});

describe('what nobody needs any more', () => {
  it('is not demanded: the elements after one that failed inside a catch', () =>
    given(catchError([f(1), f(2), f(3)], 'Error', g))
      .demands('run f(1)', 'run f(2)', 'run f(3)')
      .when(failed('f(1)'))
      .demands('run g(RangeError("bad"))')
      .counts('f', { FAILED: 1, CANCELLED: 2 }));

  it('stays when another needs it', () =>
    given([catchError([f(1), f(2)], 'Error', g), f(2)])
      .when(failed('f(1)'))
      .demands('run f(2)', 'run g(RangeError("bad"))'));

  it('goes with all that only it needed', () =>
    given(catchError([f(1), add(g(1), cond(g(2), 1, 2))], 'Error', h))
      .when(failed('f(1)'))
      .demands('run h(RangeError("bad"))')
      .counts('g', { CANCELLED: 2 }));

  it('goes with the evaluation of a job that had begun', () =>
    given(catchError([f(1), f(2)], 'Error', h))
      .when(returned('f(2)', [g(1), g(2)]), failed('f(1)'))
      .demands('run h(RangeError("bad"))')
      .counts('f', { FAILED: 1, CANCELLED: 1 })
      .counts('g', { CANCELLED: 2 }));

  it('is demanded again when it is needed again, and its attempts go on', () =>
    given(catchError([f(1), job(2)], 'Error', g))
      .when(claimed('s', 'job(2)'), withdrawn('s'), failed('f(1)'))
      .counts('job', { CANCELLED: 1 })
      .when(returned('g(RangeError("bad"))', job(2)))
      .demands('submit job(2), attempt 2'));

  it('is demanded again where the same expression needs it again', () =>
    given(seq([catchError([f(1), f(2)], 'Error', g), f(2)]))
      .when(failed('f(1)'))
      .demands('run g(RangeError("bad"))')
      .when(returned('g(RangeError("bad"))', 0))
      .demands('run f(2)'));

  it('is not reduced further when its result comes', () =>
    given(catchError([f(1), job(2)], 'Error', g))
      .when(claimed('s', 'job(2)'), failed('f(1)'), returned('job(2)', other(1)))
      .demands('run g(RangeError("bad"))')
      .counts('other', {})
      .counts('job', { CANCELLED: 1 }));

  it('is not looked at, computed or joined', () =>
    given(catchError([f(1), f(file('a'))], 'Error', g))
      .demands('look at a', 'run f(1)')
      .when(failed('f(1)'))
      .demands('run g(RangeError("bad"))'));

  it('in a map goes with the map', () =>
    given(catchError(map(f, [1, 2, 3]), 'Error', g))
      .when(failed('f(1)'))
      .counts('f', { FAILED: 1, CANCELLED: 2 }));
});
