/** Reads on their way to the aligner: lanes merged, adapters cut. */
import { type File, file, script, task } from '../../core/index.ts';

const ADAPTER_READ1 = 'AGATCGGAAGAGCACACGTCTGAACTCCAGTCA';
const ADAPTER_READ2 = 'AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT';

/** Merges the lanes of each read. */
export const mergeFastq = task(
  'bioinfo_batch.merge_fastq',
  {},
  (reads1: readonly File[], reads2: readonly File[], prefix: string) => ({
    reads1: concatFiles(reads1, `${prefix}.1.fastq.gz`),
    reads2: concatFiles(reads2, `${prefix}.2.fastq.gz`),
  }),
);

/** Files one after another; what gzip files put together unzip to is the same of their contents. */
const concatFiles = task(
  'bioinfo_batch.concat_files',
  { executor: 'batch' },
  (files: readonly File[], destination: string) => file(destination).concat(files),
);

/** Cuts the adapters that short fragments were read into. */
export const cutAdapters = task(
  'bioinfo_batch.cut_adapters',
  { includes: [ADAPTER_READ1, ADAPTER_READ2] },
  (reads1: File, reads2: File, prefix: string) =>
    script(
      `
      cutadapt \\
          -a ${ADAPTER_READ1} \\
          -A ${ADAPTER_READ2} \\
          --minimum-length 30 \\
          -o trimmed1.fastq.gz \\
          -p trimmed2.fastq.gz \\
          reads1.fastq.gz \\
          reads2.fastq.gz \\
          > cutadapt.log
      `,
      {
        executor: 'batch',
        inputs: [reads1.stage('reads1.fastq.gz'), reads2.stage('reads2.fastq.gz')],
        outputs: {
          reads1: file(`${prefix}.1.fastq.gz`).stage('trimmed1.fastq.gz'),
          reads2: file(`${prefix}.2.fastq.gz`).stage('trimmed2.fastq.gz'),
          log: file(`${prefix}.log`).stage('cutadapt.log'),
        },
      },
    ),
);
