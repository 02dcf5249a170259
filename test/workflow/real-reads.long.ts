/** The workflow with the real tools: on simulated reads, whose place is known, and on real ones, where there are some. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { checkAgainstTruth } from '../../workflows/bioinfo-batch/truth.ts';
import { argsFile, makeProject, missingTools, type Project } from './project.ts';

const TOOLS = ['samtools', 'wgsim', 'bwa', 'cutadapt', 'PicardCommandLine', 'bgzip', 'tabix', 'Rscript'];
const missing = await missingTools(TOOLS);
const why = missing.length > 0 ? ` (not run: ${missing.join(', ')} not installed)` : '';

const REAL = fileURLToPath(new URL('../../../shared/data/sarscov2', import.meta.url));
const whyNotReal = existsSync(REAL) ? why : ' (not run: ../shared/data/sarscov2 is not there)';

const DEBIAN = ['--profile', 'debian'];
const TIMEOUT_MS = 300_000;

let project: Project | undefined;

afterEach(() => project?.remove());

/** What samtools writes. Throws when it finds something wrong. */
function samtools(...args: string[]): string {
  const program = 'samtools';
  return execFileSync(program, args).toString().trim();
}

describe.skipIf(why !== '')(`With the real tools${why}`, () => {
  test('at least 99 % of the simulated reads map within 5 bases of the truth', { timeout: TIMEOUT_MS }, async () => {
    project = await makeProject();
    const prepared = await project.run(['bioinfo_batch.prepare_samples', '--output-path', 'demo'], 'real');
    expect(prepared.code, prepared.text).toBe(0);
    const flags = ['--samples-file', 'demo/samples.txt', '--output-path', 'demo'];
    const ended = await project.run([...DEBIAN, 'bioinfo_batch.main', ...flags], 'real');
    expect(ended.code, ended.text).toBe(0);
    expect(ended.table.ALL?.done).toBe(46);
    expect(ended.table['redex.script']?.done).toBe(13);
    for (const sample of ['expt', 'toy']) {
      const bam = join(project.folder, `demo/${sample}/${sample}.recalib.bam`);
      samtools('quickcheck', '-v', bam);
      const { reads, right } = await checkAgainstTruth(bam);
      expect(reads).toBe(8000);
      expect(right / reads).toBeGreaterThanOrEqual(0.99);
    }
  });
});

describe.skipIf(whyNotReal !== '')(`With the real tools and real reads${whyNotReal}`, () => {
  test('all 200 reads map', { timeout: TIMEOUT_MS }, async () => {
    project = await makeProject();
    await writeFile(join(project.folder, 'samples.txt'), `test ${REAL}/samples/test/\n`);
    const args = await argsFile(project, {
      samplesFile: 'samples.txt',
      outputPath: 'out',
      genomeRef: `${REAL}/reference/genome.fasta`,
      sites: [`${REAL}/known-sites/test.vcf.gz`],
    });
    const ended = await project.run([...DEBIAN, ...args, 'bioinfo_batch.main'], 'real');
    expect(ended.code, ended.text).toBe(0);
    const bam = join(project.folder, 'out/test/test.recalib.bam');
    samtools('quickcheck', '-v', bam);
    expect(samtools('view', '-c', '-F', '0x900', bam)).toBe('200');
    expect(samtools('view', '-c', '-F', '0x904', bam)).toBe('200');
  });
});
