import { describe, expect, it } from 'vitest';
import { copyFile, Dir, dir, file, type StdoutFile, script, text } from '../../core/index.ts';
import { EXPRESSION, type Expression, File, Place, STDOUT } from '../../core/values/classes.ts';
import { encode } from '../../core/values/encode.ts';

function callOf(lazy: unknown): Extract<Expression, { kind: 'call' }> {
  return (lazy as { [EXPRESSION]: Extract<Expression, { kind: 'call' }> })[EXPRESSION];
}

const later = copyFile(file('a.bam'), 'b.bam');

describe('a script', () => {
  it('is a call of redex.script with text, inputs, outputs and settings', () => {
    const inputs = [file('reads.fq').stage(), { ref: dir('ref').stage('r', { copy: true }) }, file('only-waited-for')];
    const call = callOf(
      script('true', {
        executor: 'batch',
        memory: 30,
        env: { LANG: 'C' },
        inputs,
        outputs: {
          bam: file('s3://b/o.bam').stage('o.bam'),
          stdout: file('-'),
          list: [dir('d'), file('e'), 3, later],
        },
      }),
    );
    expect(call.name).toBe('redex.script');
    expect(call.args.slice(0, 2)).toEqual(['true\n', inputs]);
    expect(encode(call.args[2])).toEqual(
      encode({
        bam: new Place('file', 's3://b/o.bam', 'o.bam'),
        stdout: STDOUT,
        list: [
          new Place('dir', 'd/', undefined),
          new Place('file', 'e', undefined),
          3,
          { [EXPRESSION]: { kind: 'op', name: 'outputs', args: [later] } },
        ],
      }),
    );
    expect(call.args[3]).toEqual({ env: { LANG: 'C' } });
    expect(call.options).toEqual({ executor: 'batch', memory: 30 });
  });

  it('gives its standard output by default', () => {
    const call = callOf(script('echo'));
    expect(call.args).toEqual(['echo\n', [], STDOUT, {}]);
    expect(call.options).toBeUndefined();
  });
});

describe('a script’s text', () => {
  it.each([
    ['loses the indentation its lines share', '\n    a\n      b\n\n    c\n  ', 'a\n  b\n\nc\n'],
    ['keeps what only some lines have', '  a\nb', '  a\nb\n'],
    ['keeps tabs and spaces apart', '\t a\n\tb', ' a\nb\n'],
    [
      'keeps its interpreter line',
      '\n  #!/usr/bin/env python3\n  if x:\n      y\n',
      '#!/usr/bin/env python3\nif x:\n    y\n',
    ],
    ['may hold anything', '  cat <<EOF\n  $x `y` "z"\n  EOF\n  \\t', 'cat <<EOF\n$x `y` "z"\nEOF\n\\t\n'],
    ['may be empty', '', '\n'],
  ])('%s', (_name, given, expected) => {
    expect(callOf(script(given)).args[0]).toBe(expected);
  });

  it('is a command when it is a list of words', () => {
    const words = ['sh', '-c', "echo 'a' $HOME", 3, file('a b')];
    expect(callOf(script(words)).args[0]).toBe("exec 'sh' '-c' 'echo '\\''a'\\'' $HOME' '3' 'a b'\n");
    expect(() => script([])).toThrow('a command needs at least one word');
    expect(() => script(['a\0'])).toThrow('NUL');
  });

  it('may be lazy', () => {
    expect(encode(callOf(script(text`echo ${later.name}`)).args[0]).at(-1)).toEqual([
      'op',
      'dedent',
      expect.any(Array),
    ]);
    expect(encode(callOf(script(['echo', later.name])).args[0]).at(-1)).toEqual(['op', 'argv', expect.any(Array)]);
  });
});

describe('stage names', () => {
  // Acceptance: 39.
  it('are the base names by default', () => {
    expect(file('s3://bucket/a/b.txt').stage().name).toBe('b.txt');
    expect(dir('a/b/').stage().name).toBe('b');
    expect(new Dir('s3://bucket/a').stage().name).toBe('a');
    expect(encode(later.stage()).at(-1)).toEqual(['op', 'stage', expect.any(Array)]);
  });

  it.each<[string, readonly unknown[], string]>([
    ['equal', [file('a/x').stage(), { deep: file('b/x').stage() }], 'inputs: a/x and b/x have the same stage name "x"'],
    ['equal in another spelling', [file('a').stage('d/x'), dir('b').stage('d/x/')], 'same stage name "d/x"'],
    ['with an empty segment', [file('a').stage('d//x')], 'inputs: the stage name "d//x" of a has the segment ""'],
    ['with more than one slash at its end', [dir('a').stage('d//')], 'has the segment ""'],
    ['with a dot for a folder', [file('a').stage('./x')], 'inputs: the stage name "./x" of a has the segment "."'],
    ['with a dot at its end', [dir('a').stage('x/.')], 'has the segment "."'],
    ['absolute', [file('a').stage('/tmp/a')], 'inputs: the stage name "/tmp/a" of a is absolute'],
    ['climbing', [file('a').stage('b/../../a')], 'climbs out of the working directory'],
    ['empty', [file('a').stage('.')], "inputs: a needs a stage name, as in .stage('name')"],
  ])('that are %s are refused at once', (_name, inputs, message) => {
    expect(() => script('true', { inputs })).toThrow(message);
  });

  it('are checked among outputs too, apart from inputs', () => {
    const outputs = [file('o/x').stage('x'), file('p/x').stage('x')];
    expect(() => script('true', { outputs })).toThrow('outputs: o/x and p/x have the same stage name "x"');
    expect(() => script('true', { inputs: [file('a/x').stage()], outputs: [file('o/x').stage('x')] })).not.toThrow();
    expect(() => script('true', { inputs: [later.stage('x'), file('x').stage()] })).not.toThrow();
  });
});

it('file(-) is the standard output in outputs alone', () => {
  const stdout: StdoutFile = file('-');
  expect(stdout).toEqual(new File('-'));
});

describe('outputs to one place', () => {
  it.each([
    ['twice', [file('out/a').stage('r'), file('out//a').stage('q')], /out\/a and out\/a are one place/],
    ['one inside the other', { a: file('k/z').stage('r'), b: [dir('k').stage('d')] }, /lie in one another/],
    ['also when a script writes them by itself', [file('a'), file('b/../a')], /are one place/],
  ])('are refused where the script is written: %s', (_, outputs, message) => {
    expect(() => script('true', { outputs })).toThrow(message);
  });
});
