/** What an alignment is like. */
import { type File, file, script, task } from '../../core/index.ts';
import { commands, type Tools } from './tools.ts';

/** Alignment and insert size metrics. Picard gives the latter only where there are pairs: a status file says whether. */
export const collectAlignMetrics = task(
  'bioinfo_batch.collect_align_metrics',
  { includes: [commands] },
  (bam: File, prefix: string, genome: File, tools: Tools) => {
    const { picard } = commands(tools);
    const remark = '# Base qualities: adjusted by BAQ (samtools calmd), not recalibrated by GATK';
    const metrics = script(
      `
      ${picard(6)} CollectAlignmentSummaryMetrics \\
          --INPUT sample.bam \\
          --OUTPUT alignment_metrics.txt \\
          --REFERENCE_SEQUENCE ${genome.name} \\
          --TMP_DIR .
      ${tools === 'container' ? '' : `echo '${remark}' >> alignment_metrics.txt`}
      ${picard(6)} CollectInsertSizeMetrics \\
          --INPUT sample.bam \\
          --OUTPUT insert_metrics.txt \\
          --Histogram_FILE insert_size_histogram.pdf \\
          --TMP_DIR .
      if [ -s insert_metrics.txt ]; then
        echo present > insert_metrics.status
      else
        echo absent > insert_metrics.status
        touch insert_metrics.txt insert_size_histogram.pdf
      fi
      `,
      {
        executor: 'batch',
        memory: 8,
        inputs: [bam.stage('sample.bam'), genome.stage()],
        outputs: {
          align_metrics: file(`${prefix}.alignment_metrics.txt`).stage('alignment_metrics.txt'),
          insert_metrics: file(`${prefix}.insert_metrics.txt`).stage('insert_metrics.txt'),
          'insert_metrics.status': file(`${prefix}.insert_metrics.status`).stage('insert_metrics.status'),
          insert_size_hist: file(`${prefix}.insert_size_histogram.pdf`).stage('insert_size_histogram.pdf'),
        },
      },
    );
    return checkInsertMetrics(metrics);
  },
);

interface AlignMetrics {
  readonly align_metrics: File;
  readonly insert_metrics: File;
  readonly 'insert_metrics.status': File;
  readonly insert_size_hist: File;
}

/** Reads the status file: whether there are insert size metrics is known only now. */
const checkInsertMetrics = task('bioinfo_batch.check_insert_metrics', {}, async (metrics: AlignMetrics) => {
  const status = await metrics['insert_metrics.status'].text();
  return { ...metrics, has_insert_metrics: status.trim() === 'present' };
});

/** How often each base of the reference is covered. */
export const collectDepthMetrics = task('bioinfo_batch.collect_depth_metrics', {}, (bam: File, prefix: string) =>
  script('samtools depth -a sample.bam > depth.txt', {
    executor: 'batch',
    inputs: [bam.stage('sample.bam')],
    outputs: { depth: file(`${prefix}.depth.txt`).stage('depth.txt') },
  }),
);
