/** Two samples for the stand-ins: files of a few bytes where the tools would want reads, references and known sites. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** What runs the workflow on them. */
export const RUN = [
  '--profile',
  'debian',
  'bioinfo_batch.main',
  '--samples-file',
  'in/samples.txt',
  '--output-path',
  'out',
];

export async function writeInputs(folder: string): Promise<void> {
  const input = join(folder, 'in');
  await mkdir(join(input, 'public'), { recursive: true });
  await writeFile(join(input, 'samples.txt'), 'expt fastq/expt/\ntoy fastq/toy/\n');
  await writeFile(join(input, 'public/lambda_virus.fa.gz'), gzipSync('>lambda\nACGT\n'));
  for (const kind of ['snps', 'indels']) {
    await writeFile(join(input, `public/lambda_virus.${kind}.vcf.gz`), gzipSync('##fileformat=VCFv4.2\n'));
    await writeFile(join(input, `public/lambda_virus.${kind}.vcf.gz.tbi`), `index of ${kind}`);
  }
  for (const sample of ['expt', 'toy']) {
    await mkdir(join(input, 'fastq', sample), { recursive: true });
    for (const part of ['L1_1', 'L1_2', 'L2_1', 'L2_2']) await writeFastq(folder, sample, part, `${sample} ${part}\n`);
  }
}

/** `part`: lane and read. */
export function writeFastq(folder: string, sample: string, part: string, text: string): Promise<void> {
  return writeFile(join(folder, 'in/fastq', sample, `${sample}_FC1_${part}.fastq.gz`), gzipSync(text));
}
