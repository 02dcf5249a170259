/** From reads to an alignment: aligned, sorted, duplicates marked, base qualities recalibrated. */
import { type File, file, script, task } from '../../core/index.ts';
import { commands, type Tools } from './tools.ts';

/** Aligns reads to the genome: a BAM sorted by coordinate, with NM, MD and UQ tags. */
export const runBwa = task(
  'bioinfo_batch.run_bwa',
  { version: '2' },
  (
    sampleId: string,
    reads1: File,
    reads2: File,
    bam: string,
    genome: File,
    bwaIndex: Readonly<Record<string, File>>,
    platform: string,
    tools: Tools,
  ) => {
    const { bwa, picard } = commands(tools);
    // Debian's PicardCommandLine writes words of its own to stdout: there no BAM can go through a pipe.
    const sorted =
      tools === 'container'
        ? { output: '/dev/stdout', pipe: ' |', input: '/dev/stdin' }
        : { output: 'sample.aln.sorted.bam', pipe: '', input: 'sample.aln.sorted.bam' };
    return script(
      `
      ${bwa} mem \\
          -R "@RG\\tID:${sampleId}\\tSM:${sampleId}\\tPL:${platform}" \\
          -o sample.aln.sam \\
          ${genome.name} \\
          reads1.fastq.gz \\
          reads2.fastq.gz
      samtools view -o sample.aln.bam sample.aln.sam
      ${picard(14)} \\
          SortSam \\
          --INPUT sample.aln.bam \\
          --OUTPUT ${sorted.output} \\
          --SORT_ORDER coordinate \\
          --CREATE_INDEX false \\
          --CREATE_MD5_FILE false \\
          --TMP_DIR .${sorted.pipe}
      ${picard(14)} \\
          SetNmMdAndUqTags \\
          --INPUT ${sorted.input} \\
          --OUTPUT sample.aln.sorted.settag.bam \\
          --CREATE_INDEX true \\
          --CREATE_MD5_FILE true \\
          --REFERENCE_SEQUENCE ${genome.name} \\
          --TMP_DIR .
      `,
      {
        executor: 'batch',
        memory: 30,
        inputs: [
          reads1.stage('reads1.fastq.gz'),
          reads2.stage('reads2.fastq.gz'),
          genome.stage(),
          Object.values(bwaIndex).map((part) => part.stage()),
        ],
        outputs: {
          bam: file(bam).stage('sample.aln.sorted.settag.bam'),
          stdout: file('-'),
        },
      },
    );
  },
);

/** Marks reads that are copies of one molecule. */
export const markDups = task(
  'bioinfo_batch.mark_dups',
  { includes: [commands] },
  (bam: File, prefix: string, tools: Tools) =>
    script(
      `
      ${commands(tools).picard(14)} \\
          MarkDuplicates \\
          --INPUT sample.bam \\
          --OUTPUT sample.markdup.bam \\
          --METRICS_FILE markdup.metrics.txt \\
          --ASSUME_SORT_ORDER coordinate \\
          --OPTICAL_DUPLICATE_PIXEL_DISTANCE 2500 \\
          --CREATE_INDEX false \\
          --CREATE_MD5_FILE false \\
          --TMP_DIR .
      `,
      {
        executor: 'batch',
        memory: 20,
        inputs: [bam.stage('sample.bam')],
        outputs: {
          bam: file(`${prefix}.markdup.bam`).stage('sample.markdup.bam'),
          dup_metrics: file(`${prefix}.markdup.metrics.txt`).stage('markdup.metrics.txt'),
        },
      },
    ),
);

/**
 * Recalibrates base qualities by the mismatches at sites that are not known to vary. Without GATK they are lowered where
 * an alignment is doubtful instead (BAQ, Li 2011, doi:10.1093/bioinformatics/btr076), and the report says so.
 */
export const baseRecalib = task(
  'bioinfo_batch.base_recalib',
  {},
  (bam: File, prefix: string, genome: File, fai: File, dict: File, sites: readonly File[], tools: Tools) => {
    const recalibrate = `
      gatk --java-options "-Xmx14G" BaseRecalibrator \\
          --reference ${genome.name} \\
          --input sample.bam \\
          ${sites.map(({ name }) => `--known-sites ${name}`).join(' ')} \\
          --output recalib.report.txt
      gatk --java-options "-Xmx14G" ApplyBQSR \\
          --reference ${genome.name} \\
          --input sample.bam \\
          --bqsr-recal-file recalib.report.txt \\
          --create-output-bam-index false \\
          --output sample.recalib.bam`;
    const adjust = `
      samtools calmd -bAr sample.bam ${genome.name} > sample.recalib.bam
      {
        echo 'Base qualities were not recalibrated: GATK is not among the debian tools.'
        echo 'They were adjusted by BAQ instead (samtools calmd -bAr).'
        echo "Known sites, not used by BAQ: $(zcat ${sites.map(({ name }) => name).join(' ')} | grep -vc '^#' || true)"
      } > recalib.report.txt`;
    return script(
      `${tools === 'container' ? recalibrate : adjust}
      samtools index sample.recalib.bam sample.recalib.bam.bai
      `,
      {
        executor: 'batch',
        memory: 20,
        inputs: [
          bam.stage('sample.bam'),
          [genome, fai].map((part) => part.stage()),
          dict.stage(genome.name.replace(/\.[^.]+$/, '.dict')),
          sites.flatMap((site) => [site.stage(), file(`${site.location}.tbi`).stage()]),
        ],
        outputs: {
          bam: file(`${prefix}.bam`).stage('sample.recalib.bam'),
          bai: file(`${prefix}.bam.bai`).stage('sample.recalib.bam.bai'),
          report: file(`${prefix}.report.txt`).stage('recalib.report.txt'),
        },
      },
    );
  },
);
