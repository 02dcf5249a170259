import { describe, expect, it } from 'vitest';
import { Dir, File } from '../../core/values/classes.ts';
import { encode } from '../../core/values/encode.ts';
import { plain, pretty } from '../../core/values/pretty.ts';

/** What the original prints for two samples. */
const REDUN = `
{'expt': {'align_metrics': {'align_metrics': File(path=s3://YOUR_BUCKET/bioinfo_batch/expt/expt.alignment_metrics.txt, hash=fb23d375),
                            'has_insert_metrics': True,
                            'insert_metrics': File(path=s3://YOUR_BUCKET/bioinfo_batch/expt/expt.insert_metrics.txt, hash=ad4cf78e),
                            'insert_metrics.status': File(path=s3://YOUR_BUCKET/bioinfo_batch/expt/expt.insert_metrics.status, hash=daaf8d5e),
                            'insert_size_hist': File(path=s3://YOUR_BUCKET/bioinfo_batch/expt/expt.insert_size_histogram.pdf, hash=828a55f7)},
          'bai': File(path=s3://YOUR_BUCKET/bioinfo_batch/expt/expt.recalib.bam.bai, hash=8c83723a),
          'bam': File(path=s3://YOUR_BUCKET/bioinfo_batch/expt/expt.recalib.bam, hash=0f74f997),
          'depth_metrics': {'depth': File(path=s3://YOUR_BUCKET/bioinfo_batch/expt/expt.depth.txt, hash=4f823939)},
          'dup_metrics': File(path=s3://YOUR_BUCKET/bioinfo_batch/expt/expt.mark_dup.markdup.metrics.txt, hash=5d8d233d)},
 'toy': {'align_metrics': {'align_metrics': File(path=s3://YOUR_BUCKET/bioinfo_batch/toy/toy.alignment_metrics.txt, hash=ebb9027f),
                           'has_insert_metrics': True,
                           'insert_metrics': File(path=s3://YOUR_BUCKET/bioinfo_batch/toy/toy.insert_metrics.txt, hash=a260420b),
                           'insert_metrics.status': File(path=s3://YOUR_BUCKET/bioinfo_batch/toy/toy.insert_metrics.status, hash=e67f69c9),
                           'insert_size_hist': File(path=s3://YOUR_BUCKET/bioinfo_batch/toy/toy.insert_size_histogram.pdf, hash=b844442d)},
         'bai': File(path=s3://YOUR_BUCKET/bioinfo_batch/toy/toy.recalib.bam.bai, hash=a0a99f12),
         'bam': File(path=s3://YOUR_BUCKET/bioinfo_batch/toy/toy.recalib.bam, hash=15bdb8ab),
         'depth_metrics': {'depth': File(path=s3://YOUR_BUCKET/bioinfo_batch/toy/toy.depth.txt, hash=37f830e6)},
         'dup_metrics': File(path=s3://YOUR_BUCKET/bioinfo_batch/toy/toy.mark_dup.markdup.metrics.txt, hash=2a4169e6)}}
`;

const FOLDER = 's3://YOUR_BUCKET/bioinfo_batch';

function sample(id: string) {
  const made = (name: string) => new File(`${FOLDER}/${id}/${id}.${name}`, 'some version');
  return {
    bam: made('recalib.bam'),
    bai: made('recalib.bam.bai'),
    dup_metrics: made('mark_dup.markdup.metrics.txt'),
    align_metrics: {
      align_metrics: made('alignment_metrics.txt'),
      insert_metrics: made('insert_metrics.txt'),
      'insert_metrics.status': made('insert_metrics.status'),
      insert_size_hist: made('insert_size_histogram.pdf'),
      has_insert_metrics: true,
    },
    depth_metrics: { depth: made('depth.txt') },
  };
}

/** The hashes are the files', which are not the original's. */
function withoutHashes(text: string): string {
  return text.replace(/hash=[0-9a-f]{8}\b/g, 'hash=…');
}

function deep(levels: number): unknown {
  let value: unknown = 'bottom';
  for (let at = 0; at < levels; at++) value = at % 2 === 0 ? [value] : { k: value };
  return value;
}

describe('a result, printed', () => {
  it('may be nested 100,000 deep: the rest of a line too far to the right stands on one line', () => {
    const printed = pretty(encode(deep(100_000)));
    expect(printed).toContain("'bottom'");
    expect(printed.length).toBeLessThan(2_000_000);
    expect(JSON.stringify(plain(encode(deep(100_000))))).toBe('"<a value nested 100000 deep>"');
    expect(JSON.stringify(plain(encode(deep(500))))).toContain('bottom');
  });

  it("is laid out as redun's, to the character", () => {
    const printed = pretty(encode({ toy: sample('toy'), expt: sample('expt') }));
    expect(withoutHashes(`\n${printed}\n`)).toBe(withoutHashes(REDUN));
  });

  it('shows eight digits of the hash of a file, which changes with its version', () => {
    const [one, two] = ['v1', 'v2'].map((version) => pretty(encode(new File('a.txt', version))));
    expect(one).toMatch(/^File\(path=a\.txt, hash=[0-9a-f]{8}\)$/);
    expect(two).not.toBe(one);
  });

  it.each([
    ['File', new File('a\x1b[2J\u009bb\n', 'v')],
    ['Dir', new Dir('a\x1b[2J\u009bb\n/', 'v')],
  ])('shows control sequences in the name of a %s as text', (kind, value) => {
    expect(pretty(encode(value))).toContain(`${kind}(path=a\\x1b[2J\\x9bb\\n`);
  });

  it.each([
    [null, 'None'],
    [undefined, 'undefined'],
    [true, 'True'],
    [12.5, '12.5'],
    [-0, '-0'],
    [10n, '10'],
    ['plain', "'plain'"],
    ["it's", '"it\'s"'],
    ['both \' and "', "'both \\' and \"'"],
    ['two\nlines\u0001', "'two\\nlines\\x01'"],
    ['größe 🧬', "'größe 🧬'"],
    [[1, 'a', [true]], "[1, 'a', [True]]"],
    [{ b: 1, a: {} }, "{'a': {}, 'b': 1}"],
    [new Date(0), 'Date(1970-01-01T00:00:00.000Z)'],
    [new Uint8Array(3), '<3 bytes>'],
    [new Map([['k', 1]]), "Map({'k': 1})"],
    [new Set([1]), 'Set([1])'],
    [new RangeError('too far'), "RangeError('too far')"],
  ])('writes %o as %s', (value, expected) => {
    expect(pretty(encode(value))).toBe(expected);
  });

  it('stays on one line up to 80 columns and takes one line a member beyond', () => {
    const words = (length: number) => ['x'.repeat(length - 9), 'y'];
    expect(pretty(encode(words(80)))).toHaveLength(80);
    expect(pretty(encode(words(81)))).toBe(`['${'x'.repeat(72)}',\n 'y']`);
  });

  it('does not write out shared parts without end', () => {
    let diamond: unknown = 'leaf';
    for (let level = 0; level < 60; level++) diamond = [diamond, diamond];
    expect(pretty(encode(diamond))).toBe('<a value too large to print>');
  });
});

describe('a result as JSON', () => {
  it('gives files by location and version, and text where JSON has no word', () => {
    const value = {
      bam: new File('a.bam', 'v1'),
      out: new Dir('out', 'v2'),
      none: undefined,
      big: 10n,
      at: new Date(0),
    };
    expect(plain(encode(value))).toEqual({
      bam: { location: 'a.bam', version: 'v1' },
      out: { location: 'out/', version: 'v2' },
      none: null,
      big: '10',
      at: '1970-01-01T00:00:00.000Z',
    });
  });
});
