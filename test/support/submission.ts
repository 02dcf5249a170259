/** A submission to Batch as the engine asks for it. */

import type { BatchSettings } from '../../core/aws/batch/requests.ts';
import type { Resources, SubmissionRequest } from '../../core/engine/executor.ts';
import { jobName } from '../../core/engine/spec.ts';
import type { RunId, SubmissionId } from '../../core/values/ids.ts';

export const batchSettings: BatchSettings = {
  stack: 'test',
  store: 's3://bucket/prefix',
  attemptsTable: 'attempts',
  filesRoot: undefined,
  queue: 'default-queue',
  local: false,
};

export function submission(
  change: Partial<SubmissionRequest> = {},
  resources: Partial<Resources> = {},
): SubmissionRequest {
  const run = 'run1' as RunId;
  const id = '1-ab-0' as SubmissionId;
  return {
    name: jobName('test', run, id),
    run,
    submission: id,
    spec: 'specs/abc',
    size: 1,
    resources: { image: 'repo/image:1', vcpus: 1, memory: 4, timeoutSeconds: 3600, ...resources },
    ...change,
  };
}
