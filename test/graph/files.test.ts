/** Files that calls take are looked at first; scripts say what they write. */
import { describe, expect, it } from 'vitest';
import { dir, file, script, text } from '../../core/index.ts';
import { errorOf, failed, observed, returned, seen, unseen, writing } from './facts.ts';
import { f, g, given } from './harness.ts';

describe('a file in the arguments of a call', () => {
  it('is looked at before the call becomes a job', () =>
    given(f(file('in.txt')))
      .demands('look at in.txt')
      .jobs());

  it('looked at, makes the call a job with its version', () =>
    given(f(file('in.txt')))
      .when(observed(seen('in.txt', 'v1')))
      .demands('run f(in.txt)'));

  it('of another version is another job', () =>
    given([f(seen('in.txt', 'v1')), f(file('in.txt'))])
      .when(observed(seen('in.txt', 'v2')))
      .demands('run f(in.txt)', 'run f(in.txt) (2)'));

  it('of the same version is the same job', () =>
    given([f(seen('in.txt', 'v1')), f(file('in.txt'))])
      .when(observed(seen('in.txt', 'v1')))
      .demands('run f(in.txt)'));

  it('is not looked at before the other arguments have values', () =>
    given(f(file('in.txt'), g()))
      .demands('run g()')
      .when(returned('g()', 1))
      .demands('look at in.txt, 1'));

  it('is not looked at where no call takes it', () => given(file('in.txt')).demands());

  it('that cannot be looked at fails the call by name, in the job that holds it', () =>
    given(g())
      .when(returned('g()', f(dir('in'))), unseen(errorOf('RangeError', 'silent')))
      .failsWith('RangeError: silent', 'g'));

  it('is looked at again for each job that calls', () =>
    given([g(1), g(2)])
      .when(returned('g(1)', f(file('in.txt'))), returned('g(2)', f(file('in.txt'))))
      .demands('look at in.txt', 'look at in.txt'));
});

describe('a script', () => {
  it('is submitted with its text, inputs and outputs', () =>
    given(
      script('sort in.txt', { inputs: [seen('in.txt', 'v1').stage()], outputs: file('out.txt').stage('x') }),
    ).demands('submit redex.script("sort in.txt", in in.txt, out out.txt)'));

  it('has its inputs looked at first, and not its outputs', () =>
    given(script('sort', { inputs: [file('in.txt').stage()], outputs: file('out.txt').stage('x') })).demands(
      'look at "sort\\n", [in.txt], out.txt, {}',
    ));

  it('with another image is other work', () =>
    given([script('true', { image: 'a' }), script('true', { image: 'b' })]).demands(
      'submit redex.script("true")',
      'submit redex.script("true") (2)',
    ));

  it('with other memory is the same work', () =>
    given([script('true', { memory: 1 }), script('true', { memory: 2 })]).demands('submit redex.script("true")'));

  it('of a text that is not known yet is submitted when it is', () =>
    given(script(text`echo ${f(1)}`))
      .demands('run f(1)')
      .when(returned('f(1)', 'x'))
      .demands('submit redex.script("echo x")'));

  it('keeps the places that it writes taken while it is in flight, and remembers them', () => {
    const story = given(script('true', { outputs: file('out.txt') })).when(
      writing('s', 'redex.script("true", out out.txt)', 'out.txt'),
    );
    expect([...story.graph.writing.keys()]).toEqual(['out.txt']);
    story.when(returned('redex.script("true", out out.txt)', 1));
    expect([[...story.graph.writing.keys()], [...story.graph.written.keys()]]).toEqual([[], ['out.txt']]);
  });

  it('that failed has written nothing', () => {
    const story = given(script('true', { outputs: file('out.txt') })).when(
      writing('s', 'redex.script("true", out out.txt)', 'out.txt'),
    );
    story.when(failed('redex.script("true", out out.txt)'));
    expect([[...story.graph.writing.keys()], [...story.graph.written.keys()]]).toEqual([[], []]);
  });
});
