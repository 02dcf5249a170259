/** The words by which the two sets of programs are called. */

/**
 * 'container': bwa-mem2, GATK 4 with Picard in it, samtools, cutadapt, as in docker/. 'debian': the packages bwa,
 * picard-tools, samtools, cutadapt, r-base-core of Debian, which has no GATK.
 */
export type Tools = 'container' | 'debian';

interface Commands {
  readonly bwa: string;
  /** Extensions of the files that `index` makes and `mem` reads. */
  readonly bwaIndex: readonly string[];
  /** Runs a Picard tool within a heap of so many GiB; its arguments are in the `--NAME value` form. */
  readonly picard: (heapGiB: number) => string;
}

export function commands(tools: Tools): Commands {
  return tools === 'container'
    ? {
        bwa: 'bwa-mem2',
        bwaIndex: ['0123', 'amb', 'ann', 'bwt.2bit.64', 'pac'],
        picard: (heapGiB) => `gatk --java-options "-Xmx${heapGiB}G"`,
      }
    : {
        bwa: 'bwa',
        bwaIndex: ['amb', 'ann', 'bwt', 'pac', 'sa'],
        // What a laptop has to spare: this is the demo's profile.
        picard: (heapGiB) => `PicardCommandLine -Xmx${Math.min(heapGiB, 2)}G`,
      };
}
