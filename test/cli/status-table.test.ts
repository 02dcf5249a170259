import { describe, expect, it } from 'vitest';
import { durationLine, statusTable } from '../../cli/status-table.ts';
import type { TaskTally } from '../../core/engine/ports.ts';
import type { JobId } from '../../core/values/ids.ts';

const AT = new Date(2021, 6, 6, 17, 7, 5).getTime();

/** What the original prints, under our name. */
const REDUN = `
[redex] | JOB STATUS 2021/07/06 17:07:05
[redex] | TASK                                                PENDING RUNNING  FAILED  CACHED    DONE   TOTAL
[redex] |
[redex] | ALL                                                       0       0       0       0      46      46
[redex] | redun.const                                               0       0       0       0       1       1
[redex] | redun.copy_file                                           0       0       0       0       4       4
[redex] | redun.eval_                                               0       0       0       0       2       2
[redex] | redun.examples.bioinfo_docker.align_sample                0       0       0       0       2       2
[redex] | redun.examples.bioinfo_docker.align_samples               0       0       0       0       1       1
[redex] | redun.examples.bioinfo_docker.base_recalib                0       0       0       0       2       2
[redex] | redun.examples.bioinfo_docker.collect_align_metrics       0       0       0       0       2       2
[redex] | redun.examples.bioinfo_docker.collect_depth_metrics       0       0       0       0       2       2
[redex] | redun.examples.bioinfo_docker.concat_files                0       0       0       0       4       4
[redex] | redun.examples.bioinfo_docker.cut_adapters                0       0       0       0       2       2
[redex] | redun.examples.bioinfo_docker.download_genome_ref         0       0       0       0       1       1
[redex] | redun.examples.bioinfo_docker.download_sites_files        0       0       0       0       1       1
[redex] | redun.examples.bioinfo_docker.get_sample_read_pairs       0       0       0       0       1       1
[redex] | redun.examples.bioinfo_docker.index_genome_ref            0       0       0       0       1       1
[redex] | redun.examples.bioinfo_docker.main                        0       0       0       0       1       1
[redex] | redun.examples.bioinfo_docker.mark_dups                   0       0       0       0       2       2
[redex] | redun.examples.bioinfo_docker.merge_fastq                 0       0       0       0       2       2
[redex] | redun.examples.bioinfo_docker.run_bwa                     0       0       0       0       2       2
[redex] | redun.script                                              0       0       0       0      13      13
[redex]
[redex] Execution duration: 8.82 seconds
`;

function counts(given: Partial<TaskTally>): TaskTally {
  return { pending: 0, running: 0, failed: 0, cached: 0, done: 0, cancelled: 0, ...given };
}

const EXAMPLES = 'redun.examples.bioinfo_docker';
const DONE: Readonly<Record<string, number>> = {
  'redun.script': 13,
  'redun.const': 1,
  'redun.copy_file': 4,
  'redun.eval_': 2,
  [`${EXAMPLES}.align_sample`]: 2,
  [`${EXAMPLES}.align_samples`]: 1,
  [`${EXAMPLES}.base_recalib`]: 2,
  [`${EXAMPLES}.collect_align_metrics`]: 2,
  [`${EXAMPLES}.collect_depth_metrics`]: 2,
  [`${EXAMPLES}.concat_files`]: 4,
  [`${EXAMPLES}.cut_adapters`]: 2,
  [`${EXAMPLES}.download_genome_ref`]: 1,
  [`${EXAMPLES}.download_sites_files`]: 1,
  [`${EXAMPLES}.get_sample_read_pairs`]: 1,
  [`${EXAMPLES}.index_genome_ref`]: 1,
  [`${EXAMPLES}.main`]: 1,
  [`${EXAMPLES}.mark_dups`]: 2,
  [`${EXAMPLES}.merge_fastq`]: 2,
  [`${EXAMPLES}.run_bwa`]: 2,
};

describe('the status table', () => {
  // Acceptance: 50.
  it("is redun's, to the character", () => {
    const tally = Object.fromEntries(Object.entries(DONE).map(([task, done]) => [task, counts({ done })]));
    expect(`\n${[...statusTable(tally, AT), durationLine(8820)].join('\n')}\n`).toBe(REDUN);
  });

  // Acceptance: 50.
  it('counts every job once in TOTAL and in ALL', () => {
    const tally = {
      'a.one': counts({ pending: 1, running: 2, failed: 3, cached: 4, done: 5 }),
      'a.two': counts({ running: 10 }),
    };
    expect(statusTable(tally, AT).slice(3, 6)).toEqual([
      '[redex] | ALL           1      12       3       4       5      25',
      '[redex] | a.one         1       2       3       4       5      15',
      '[redex] | a.two         0      10       0       0       0      10',
    ]);
  });

  it('tells jobs in the queue from running ones, in a column that is there only when some are queued', () => {
    const tally = { 'a.one': counts({ pending: 1, running: 3 }), 'a.two': counts({ running: 2, done: 1 }) };
    const queued = ['a', 'b'].map((id) => ({ id: id as JobId, task: 'a.one' }));
    expect(statusTable(tally, AT, queued).slice(1, 6)).toEqual([
      '[redex] | TASK    PENDING  QUEUED RUNNING  FAILED  CACHED    DONE   TOTAL',
      '[redex] |',
      '[redex] | ALL           1       2       3       0       0       1       7',
      '[redex] | a.one         1       2       1       0       0       0       4',
      '[redex] | a.two         0       0       2       0       0       1       3',
    ]);
    // The tally is newer than the look at the queue.
    expect(statusTable({ 'a.one': counts({ done: 4 }) }, AT, queued)).toEqual(
      statusTable({ 'a.one': counts({ done: 4 }) }, AT),
    );
  });

  it('has a column for jobs that never ran only when there are some', () => {
    const lines = statusTable({ 'a.one': counts({ failed: 1 }), 'a.two': counts({ cancelled: 2 }) }, AT);
    expect(lines[1]).toBe('[redex] | TASK    PENDING RUNNING  FAILED  CACHED    DONE CANCELLED   TOTAL');
    expect(lines[5]).toBe('[redex] | a.two         0       0       0       0       0         2       2');
  });

  it('is a frame without rows before the first job', () => {
    expect(statusTable({}, AT)).toEqual([
      '[redex] | JOB STATUS 2021/07/06 17:07:05',
      '[redex] | TASK    PENDING RUNNING  FAILED  CACHED    DONE   TOTAL',
      '[redex] |',
      '[redex] | ALL           0       0       0       0       0       0',
      '[redex]',
    ]);
  });
});
