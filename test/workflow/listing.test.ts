import { describe, expect, test } from 'vitest';
import { folderOf, groupReads, parseSamples } from '../../workflows/bioinfo-batch/listing.ts';

describe('A samples file', () => {
  test('names the read directory of each sample, relative to its own folder', () => {
    const text = '# id\tdirectory\nexpt\tfastq/expt/\n\ntoy s3://bucket/reads/toy/ # the small one\nx.1  /data/x\n';
    expect(parseSamples(text, 'demo/')).toEqual({
      expt: 'demo/fastq/expt/',
      toy: 's3://bucket/reads/toy/',
      'x.1': '/data/x',
    });
  });

  test.each([
    ['expt\n', 'line 1 of the samples file is not a sample id and a directory: expt'],
    ['expt a b\n', 'line 1 of the samples file is not a sample id and a directory: expt a b'],
    ['a x\na y\n', 'line 2 of the samples file: sample a is there twice'],
    ['$(reboot) x\n', "line 1 of the samples file: a sample id is letters, digits, '.', '_' and '-', not $(reboot)"],
    ['# nothing\n', 'the samples file lists no samples'],
  ])('that is wrong is refused with the line: %j', (text, message) => {
    expect(() => parseSamples(text, '')).toThrow(message);
  });

  test('is in a folder, wherever it is', () => {
    expect(['samples.txt', 'demo/samples.txt', 's3://bucket/in/samples.txt'].map(folderOf)).toEqual([
      '',
      'demo/',
      's3://bucket/in/',
    ]);
  });
});

describe('FASTQ files of a sample', () => {
  test('are grouped by read, in the order of flow cells and lanes as numbers', () => {
    const names = ['FC2_L1_1', 'FC1_L10_2', 'FC1_L2_1', 'FC1_L10_1', 'FC2_L1_2', 'FC1_L2_2'];
    const locations = names.map((name) => `in/expt/expt_${name}.fastq.gz`);
    expect(groupReads('expt', [...locations, 'in/expt/mutations.txt'])).toEqual({
      '1': ['FC1_L2_1', 'FC1_L10_1', 'FC2_L1_1'].map((name) => `in/expt/expt_${name}.fastq.gz`),
      '2': ['FC1_L2_2', 'FC1_L10_2', 'FC2_L1_2'].map((name) => `in/expt/expt_${name}.fastq.gz`),
    });
  });

  test('must be there', () => {
    expect(() => groupReads('expt', ['expt/readme.txt'])).toThrow('sample expt: no files named');
  });

  test('must have both reads in every lane', () => {
    expect(() => groupReads('expt', ['a_FC1_L1_1.fastq.gz', 'a_FC1_L1_2.fastq.gz', 'a_FC1_L2_1.fastq.gz'])).toThrow(
      'sample expt, FC1 lane 2: there is no read 2',
    );
  });

  test('must not give one read of a lane twice', () => {
    expect(() => groupReads('expt', ['a_FC1_L1_1.fastq.gz', 'b_FC1_L1_1.fastq.gz'])).toThrow('both hold read 1');
  });
});
