/** Ids of jobs at Batch: a child of an array is `<the array's id>:<index>`, as in its AWS_BATCH_JOB_ID. */
import type { JobIds } from '../../engine/executor.ts';

const CHILD = /^(.+):(\d+)$/;

export const batchJobIds: JobIds = {
  of: ({ submission, index }) => (index === undefined ? submission : `${submission}:${index}`),
  parse(id) {
    const [, submission, index] = CHILD.exec(id) ?? [];
    return submission === undefined ? { submission: id } : { submission, index: Number(index) };
  },
};
