/** Runs from start to end, or to where they stand, that have every type of fact between them. */
import {
  add,
  catchAll,
  catchError,
  cond,
  file,
  flatMap,
  force,
  len,
  map,
  quote,
  script,
  seq,
} from '../../core/index.ts';
import {
  acknowledged,
  cancelled,
  claimed,
  computed,
  errorOf,
  failed,
  gone,
  joined,
  left,
  missed,
  notRecalled,
  observed,
  recalled,
  refused,
  retried,
  returned,
  reused,
  seen,
  unseen,
  withdrawn,
  writing,
} from './facts.ts';
import { ended, f, g, given, h, job, type Story } from './harness.ts';

const LONG = 'x'.repeat(2000);
const SCRIPT = 'redex.script("true", out out.txt)';

export const HISTORIES: Readonly<Record<string, () => Story>> = {
  'nested calls': () =>
    given(f(g(1), [h(2)])).when(
      returned('h(2)', 2),
      returned('g(1)', [h(2), 1]),
      returned('f([2, 1], [2])', add(1, 1)),
      ended,
    ),
  'a map over what a call gave': () =>
    given(map(f, g())).when(
      returned('g()', [1, 2, 1]),
      returned('f(2)', h(2)),
      returned('f(1)', 'a'),
      returned('h(2)', 'b'),
      ended,
    ),
  'a flatMap and a seq': () =>
    given(seq([flatMap(f, [1, 2]), cond(g(), h(1), h(2))])).when(
      ...[returned('f(2)', []), returned('f(1)', ['a']), returned('g()', 0), returned('h(2)', 'b'), ended],
    ),
  'an array, of which some are tried again': () =>
    given([job(1), job(2), job(3)]).when(
      ...[claimed('s', 'job(1)', 'job(2)', 'job(3)'), acknowledged('s', 'id'), failed('job(2)', 'machine-lost')],
      ...[returned('job(1)', 'a'), failed('job(3)', 'out-of-memory'), claimed('t', 'job(2)', 'job(3)'), withdrawn('t')],
      ...[claimed('u', 'job(2)', 'job(3)'), returned('job(3)', 'c'), returned('job(2)', 'b'), ended],
    ),
  'a catch that recovers': () =>
    given(catchError([f(1), g(2)], 'RangeError', h)).when(
      ...[returned('g(2)', [f(3)]), failed('f(1)'), returned('h(RangeError("bad"))', f(3)), returned('f(3)', 1), ended],
    ),
  'catches that were looked up': () =>
    given([catchError(f(1), 'Error', h), catchError(f(2), 'Error', h)], { cache: true }).when(
      ...[notRecalled, missed('f(1)'), failed('f(1)'), reused('f(2)', 2), missed('h(RangeError("bad"))')],
      ...[returned('h(RangeError("bad"))', 0), ended],
    ),
  'a catch that is remembered': () =>
    given(catchError(f(1), 'Error', h), { cache: true }).when(recalled(h(0)), reused('h(0)', 'kept'), ended),
  'a catchAll with a failure': () =>
    given(catchAll({ a: f(1), b: f(2) }, 'Error', g)).when(
      ...[failed('f(1)'), returned('f(2)', 2), returned('g({ a: RangeError("bad"), b: 2 })', 0), ended],
    ),
  'forced quotes': () =>
    given([force(g()), f(1)]).when(
      ...[returned('g()', quote([f(1), force(quote(h(1)))])), returned('f(1)', 'a'), returned('h(1)', 'b'), ended],
    ),
  'a quote forced in a job': () =>
    given(seq([f(), h(3)])).when(
      ...[returned('f()', force(quote(cond(g(1), [h(1), h(2)], 0)))), returned('g(1)', true), returned('h(2)', 2)],
      ...[returned('h(1)', 1), left, returned('h(3)', [h(2)]), joined('h(2)', 2), ended],
    ),
  'a large value': () =>
    given([len(f()), map(h, f())]).when(
      returned('f()', [LONG, 2]),
      ({ graph }) => ({
        type: 'computed',
        application: [...graph.computing.keys()][1] as never,
        ok: true,
        value: [1, ['list', [0]]],
      }),
      computed(2),
      returned('h(1)', 1),
      ended,
    ),
  'files that are looked at': () =>
    given([f(file('a')), seq([g()])]).when(
      observed(seen('a', 'v1')),
      returned('g()', h(file('b'))),
      unseen(errorOf('NetworkError', 'silent')),
    ),
  'a script': () =>
    given(script('true', { outputs: file('out.txt') })).when(
      writing('s', SCRIPT, 'out.txt'),
      returned(SCRIPT, seen('out.txt', 'v1')),
      ended,
    ),
  'a failure while jobs are in flight': () =>
    given([job(1), f(2), job(3)]).when(
      ...[claimed('s', 'job(1)'), failed('f(2)'), failed('job(1)', 'machine-lost'), ended, retried],
      ...[returned('f(2)', 'b'), claimed('t', 'job(1)', 'job(3)'), refused('t'), ended],
    ),
  'a cancel, and a retry': () =>
    given([job(1), f(2)]).when(
      ...[returned('f(2)', g(2)), claimed('s', 'job(1)'), cancelled, failed('job(1)', 'interrupted'), ended, retried],
      ...[returned('f(2)', g(2)), returned('g(2)', 2), claimed('t', 'job(1)'), returned('job(1)', 1), ended],
    ),
  'jobs that leave and are joined': () =>
    given(seq([f(), g(1), g(2)])).when(
      ...[returned('f()', [h(1), h(2)]), returned('h(1)', 'a'), returned('h(2)', 'b'), left, returned('g(1)', [h(1)])],
      ...[joined('h(1)', 'a'), returned('g(2)', [h(2)]), gone('h(2)', errorOf('ValueGone', 'gone')), ended],
    ),
  'calls in contexts': () =>
    given([f(1), g.options({ context: { a: 1 } })()]).when(
      returned('g()', f(1)),
      returned('f(1)', h(1)),
      returned('h(1)', 1),
      ended,
    ),
};
