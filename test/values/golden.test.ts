import { describe, expect, it } from 'vitest';
import { Dir, EXPRESSION, File, Place, Quote, STDOUT, TASK } from '../../core/values/classes.ts';
import { encode } from '../../core/values/encode.ts';
import { digest, digestBytes } from '../../core/values/hash.ts';
import { hashOf, type Table } from '../../core/values/table.ts';

function failure(): Error {
  const error = new RangeError('too far', { cause: 'a step' });
  error.stack = '';
  return Object.assign(error, { exitCode: 3 });
}

function expression(
  kind: 'call' | 'op' | 'form',
  name: string,
  args: unknown[],
  options?: Record<string, unknown>,
): unknown {
  return { [EXPRESSION]: { kind, name, args, options } };
}

/** A hash here that changes makes every cache useless and every recorded run unreadable: it is a decision. */
const GOLDEN: readonly (readonly [string, unknown, string])[] = [
  ['undefined', undefined, 'c8b8d3b14a82f6c9133ebc2c5e9b0550562fb4af'],
  ['null', null, '1a1955375ee105e3da3d8678634e517e3dd2cf46'],
  ['true', true, '1807114ddc727c90d266bf327156accb2d46212e'],
  ['false', false, '97e21dc75093927ff9a134e4eb116d1fd863458f'],
  ['zero', 0, 'ce415da3f447568dddb2b49f4245bcfe99278f68'],
  ['minus zero', -0, '6aeb921aaf8ce20b5b4d98be113a374b835da67a'],
  ['a whole number', 42, 'cc773320d36dc8884798de5e86e16c431609f2dc'],
  ['a fraction', 0.1, '7700ea86e96a34093933a14096783101c8ac48b1'],
  ['a large number', 1e300, '8a049edfab68117164bd3b47008afd6a2e12a240'],
  ['NaN', Number.NaN, 'cd22a792a6d77302240d6407521918790d2b06c8'],
  ['infinity', Number.POSITIVE_INFINITY, 'cd934b91a469189d72d6069252b17fdb2a479f6d'],
  ['minus infinity', Number.NEGATIVE_INFINITY, 'e35164d1bcf816dad75a195af65b4d7058f70580'],
  ['a bigint', -12345678901234567890n, 'bddd2a268bb587545202b8d3622439ab9b8a7079'],
  ['the empty string', '', '06757849c139f19c6e0fd6b88632854d0949213d'],
  ['a string', 'reads', '225993e175609c62a5cc74c61ea948c4038fb43e'],
  ['a string beyond the basic plane', '𝒳 é \u0000', 'bb42adfd0a51c149711df4b077f19d721a74c255'],
  ['a long string', 'x'.repeat(1000), '262cf6025079ae95e242769a148952a446585e1e'],
  ['a date', new Date(Date.UTC(2021, 6, 6, 17, 7, 5, 250)), '03ab3ca5115a6e03c8d5efdf9ef9b23624c05f75'],
  ['the invalid date', new Date(Number.NaN), '4571b955bd9814904fb83ff9cef5fcaa4c3ea9c4'],
  ['bytes', new Uint8Array([0, 1, 254, 255]), 'fd75da2251fe2ad94372ac1229759d5945621f99'],
  ['no bytes', new Uint8Array(), '84dbb637263c7a077c7884faa48a518471af449b'],
  ['the empty list', [], 'f31239e142211930f5c1be220b1c998bf6b8671a'],
  ['a list', [1, 'a', [null]], '6cda706d809547ad0da0b283ee338b584e94fe8e'],
  ['a hole in a list', [undefined], '4f100b57039c41524ae17436cf4bbd64ed111b12'],
  ['the empty record', {}, '49ef482ec7a85fd92225bf3ee89939e952ea8dc1'],
  ['a record', { b: 1, a: 2, B: 3, é: 4, 10: 5, 9: 6 }, 'caee8e9d3e7a2dfa2f662ff230f69ce6388d8388'],
  ['an undefined field', { a: undefined }, '15f1530caa72ae7316d82b7abb0620e749c44ece'],
  [
    'a map',
    new Map<unknown, unknown>([
      ['b', 1],
      [2, ['x']],
      [{ a: 1 }, null],
    ]),
    '6df06491108be8e58f4f282aaa063fa26d5dc3d6',
  ],
  ['the empty map', new Map(), '121b7fb1ed1840053db5b47c27d4d8317be6cbdc'],
  ['a set', new Set<unknown>(['b', 'a', 3, [1]]), 'ccad9693b0bb2b890819603a3bbe2f4f9c58dcb1'],
  ['the empty set', new Set(), 'cf0251e3bd519270702d92008ffbefac996985e9'],
  ['a file nobody has looked at', new File('data//./a.txt'), '16028f67dd3afcd10617a7128f1e0929ec31606b'],
  ['a file with a version', new File('s3://bucket/a.txt', '"etag"'), 'a9c62fc8b70c6aefd9e2668e29595b6db890f5c9'],
  ['a file that is not there', new File('a.txt', ''), 'd1ab3265e3e4710c5e49d3e831d570b3b9764baa'],
  ['a directory', new Dir('data'), 'fe7a21f9d3ed6588dd302323056c817d94502bca'],
  ['a directory with a version', new Dir('s3://bucket/data/', 'v'), '4b74ba9bab7040f8908c0f67e7dd7eea9b234812'],
  ['an input', new File('a.fastq.gz', '1').stage('reads.gz'), 'c0fee2887c27deeeb11fb2453ad2eb2fa3b09920'],
  [
    'an input to be copied',
    new Dir('ref').stage(undefined, { copy: true }),
    'e9b0b4958e40c48a92c3656ba2e7657cd2b87aaa',
  ],
  ['an output', new Place('file', 'out.bam', 'sample.bam'), 'af54c19bb82fdce091406ca16aa17292cf79d00b'],
  ['an output in place', new Place('dir', 'out/', undefined), '974962e379697cd8d0dfc4457b8c222ac7f52c7c'],
  ['the standard output', STDOUT, 'b7a70fe4f63b13d80c8300b720b60b9c8148fb8b'],
  ['a task', { [TASK]: { name: 'a.b', bound: [] } }, '14c18541f2d83b3e406855fa0de2bccd4592396c'],
  [
    'a task with arguments given',
    { [TASK]: { name: 'a.b', bound: [1, 'x'] } },
    '2869a65c96927f8c3c0bad2b604a3b2989cb57ed',
  ],
  ['an error', failure(), 'e6d070cf31a666b45bdb18e30b70a8d2359036fb'],
  ['a quote', new Quote(expression('call', 'a.b', [1])), 'e54ba91867942b78e103afbf8411eec3550a3dea'],
  [
    'a call',
    expression('call', 'a.b', [1, { x: expression('op', 'get', [[1], 0]) }]),
    'c14565c599aae3dffcc57e84a78efcc6ed1523f0',
  ],
  ['a call with options', expression('call', 'a.b', [], { memory: 30 }), '81ed5f2d704a1504df3c6b6f844613918cdbb939'],
  ['an operator', expression('op', 'add', [1, 2]), '2b69faf8d2b22a95800b8436d8b2ef2566c4acf5'],
  ['a control form', expression('form', 'cond', [true, 'a', 'b']), '07d30b104eef5afd1283c6cf12690617ae2e561e'],
  ['shared parts', ((part) => [part, part, { part }])({ a: [1, 2, 3] }), '5533dcbf94451468205e83de14909783d87d37f5'],
];

describe('hashes of values', () => {
  it.each(GOLDEN)('%s', (_name, value, hash) => {
    expect(hashOf(encode(value))).toBe(hash);
  });

  it('a large value held by reference hashes as itself', () => {
    const table = encode({ list: [1, 2, 3] });
    const reference: Table = [['ref', hashOf(table), 30, 0]];
    expect(hashOf(reference)).toBe(hashOf(table));
    const within: Table = [
      ['ref', hashOf(table), 30, 0],
      ['list', [0]],
    ];
    expect(hashOf(within)).toBe(hashOf(encode([{ list: [1, 2, 3] }])));
  });

  it('domains are apart', () => {
    expect(digest('task', 'x')).toBe('521c4fb4a45f8627a4fa403464437265271370ce');
    expect(digest('node', 'x')).not.toBe(digest('task', 'x'));
    expect(digestBytes(new Uint8Array([1, 2, 3]))).toBe('039058c6f2c0cb492c533b0a4d14ef77cc0f78ab');
  });
});
