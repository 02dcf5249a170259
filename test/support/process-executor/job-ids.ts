/** `process-7`, and in an array `process-7/2`. */
import type { JobIds } from '../../../core/engine/executor.ts';

export const processJobIds: JobIds = {
  of: ({ submission, index }) => (index === undefined ? submission : `${submission}/${index}`),
  parse(id) {
    const [submission = '', index] = id.split('/');
    return index === undefined ? { submission } : { submission, index: Number(index) };
  },
};
