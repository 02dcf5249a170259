/** The workflow's shape, with tiny shell scripts in the place of the tools: what runs, how often, and when again. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RUN, writeFastq, writeInputs } from './inputs.ts';
import { type Ended, makeProject, type Project } from './project.ts';

/** redun's table for two samples, with the follow-up task in the place of `redun.eval_`. */
const COUNTS = {
  ALL: 46,
  'bioinfo_batch.align_sample': 2,
  'bioinfo_batch.align_samples': 1,
  'bioinfo_batch.base_recalib': 2,
  'bioinfo_batch.check_insert_metrics': 2,
  'bioinfo_batch.collect_align_metrics': 2,
  'bioinfo_batch.collect_depth_metrics': 2,
  'bioinfo_batch.concat_files': 4,
  'bioinfo_batch.cut_adapters': 2,
  'bioinfo_batch.download_genome_ref': 1,
  'bioinfo_batch.download_sites_files': 1,
  'bioinfo_batch.get_sample_read_pairs': 1,
  'bioinfo_batch.index_genome_ref': 1,
  'bioinfo_batch.main': 1,
  'bioinfo_batch.mark_dups': 2,
  'bioinfo_batch.merge_fastq': 2,
  'bioinfo_batch.run_bwa': 2,
  'redex.const': 1,
  'redex.copy_file': 4,
  'redex.script': 13,
};

let project: Project;

beforeAll(async () => {
  project = await makeProject();
  await writeInputs(project.folder);
});

afterAll(() => project.remove());

async function edit(name: string, from: string, to: string): Promise<void> {
  const path = join(project.folder, 'workflows/bioinfo-batch', name);
  const text = await readFile(path, 'utf8');
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
}

function countsOf({ table }: Ended, column: 'total' | 'done' | 'cached'): Record<string, number> {
  const rows = Object.entries(table).flatMap(([task, row]) => (row[column] > 0 ? [[task, row[column]] as const] : []));
  return Object.fromEntries(rows);
}

test('two samples make the 46 jobs of the table, 13 of them scripts, and a result with its keys', {
  timeout: 240_000,
}, async () => {
  const ended = await project.run(RUN, 'stand-ins');
  expect(ended.code, ended.text).toBe(0);
  expect(countsOf(ended, 'done')).toEqual(COUNTS);
  const keys = [...ended.text.matchAll(/'([a-z._]+)': (?:File\(path=(\S+), hash=[0-9a-f]{8}\)|True)/g)];
  const files = Object.fromEntries(keys.map(([, key, path]) => [key, path ?? true]));
  expect(files).toEqual({
    align_metrics: 'out/toy/toy.alignment_metrics.txt',
    has_insert_metrics: true,
    insert_metrics: 'out/toy/toy.insert_metrics.txt',
    'insert_metrics.status': 'out/toy/toy.insert_metrics.status',
    insert_size_hist: 'out/toy/toy.insert_size_histogram.pdf',
    bai: 'out/toy/toy.recalib.bam.bai',
    bam: 'out/toy/toy.recalib.bam',
    depth: 'out/toy/toy.depth.txt',
    dup_metrics: 'out/toy/toy.mark_dup.markdup.metrics.txt',
  });
});

// Acceptance: 29.
test('run again, all of it is cached', { timeout: 240_000 }, async () => {
  const ended = await project.run(RUN, 'stand-ins');
  expect(ended.code, ended.text).toBe(0);
  expect(countsOf(ended, 'cached')).toEqual(COUNTS);
});

test('a changed FASTQ runs the listing and its own sample again', { timeout: 240_000 }, async () => {
  await writeFastq(project.folder, 'toy', 'L2_1', 'other reads\n');
  const ended = await project.run(RUN, 'stand-ins');
  expect(ended.code, ended.text).toBe(0);
  expect(countsOf(ended, 'total')).toEqual(COUNTS);
  expect(countsOf(ended, 'done')).toEqual({
    ALL: 16,
    'bioinfo_batch.base_recalib': 1,
    'bioinfo_batch.check_insert_metrics': 1,
    'bioinfo_batch.collect_align_metrics': 1,
    'bioinfo_batch.collect_depth_metrics': 1,
    'bioinfo_batch.concat_files': 1,
    'bioinfo_batch.cut_adapters': 1,
    'bioinfo_batch.get_sample_read_pairs': 1,
    'bioinfo_batch.mark_dups': 1,
    'bioinfo_batch.merge_fastq': 1,
    'bioinfo_batch.run_bwa': 1,
    'redex.script': 6,
  });
});

// Acceptance: 36.
test('a deleted BAM is made again by its producer alone', { timeout: 240_000 }, async () => {
  await rm(join(project.folder, 'out/expt/expt.mark_dup.markdup.bam'));
  const ended = await project.run(RUN, 'stand-ins');
  expect(ended.code, ended.text).toBe(0);
  expect(countsOf(ended, 'done')).toEqual({ ALL: 1, 'redex.script': 1 });
  expect(countsOf(ended, 'total')).toEqual(COUNTS);
});

test('a sample that fails is named with its last words, and the other one is not aligned again', {
  timeout: 240_000,
}, async () => {
  await writeFastq(project.folder, 'toy', 'L1_1', 'damaged\n');
  const failed = await project.run(RUN, 'stand-ins');
  expect(failed.code, failed.text).toBe(1);
  expect(failed.text).toContain('bioinfo_batch.cut_adapters');
  expect(failed.text).toContain('exit code 3');
  expect(failed.text).toContain('reads are damaged');
  expect(failed.table['bioinfo_batch.run_bwa']).toMatchObject({ cached: 1, done: 0, total: 1 });
  await writeFastq(project.folder, 'toy', 'L1_1', 'repaired\n');
  const repaired = await project.run(RUN, 'stand-ins');
  expect(repaired.code, repaired.text).toBe(0);
  expect(repaired.table['bioinfo_batch.run_bwa']).toMatchObject({ cached: 1, done: 1, total: 2 });
});

test('more memory for run_bwa runs nothing again', { timeout: 240_000 }, async () => {
  await edit('alignment.ts', 'memory: 30', 'memory: 31');
  const ended = await project.run(RUN, 'stand-ins');
  expect(ended.code, ended.text).toBe(0);
  expect(countsOf(ended, 'cached')).toEqual(COUNTS);
});

test('another text of a script runs that script again, and nothing else', { timeout: 240_000 }, async () => {
  await edit('metrics.ts', 'samtools depth -a', 'samtools depth -aa');
  const ended = await project.run(RUN, 'stand-ins');
  expect(ended.code, ended.text).toBe(0);
  expect(countsOf(ended, 'done')).toEqual({ ALL: 4, 'bioinfo_batch.collect_depth_metrics': 2, 'redex.script': 2 });
});
