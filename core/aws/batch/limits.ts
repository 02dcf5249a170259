/** What AWS Batch allows. Source: its service quotas, and the reference of its API. */
import type { ExecutorLimits } from '../../engine/executor.ts';

export const BATCH_LIMITS: ExecutorLimits = {
  /** An array has 2 to 10,000 children. */
  jobsPerSubmission: 10_000,
  /** 50 SubmitJob a second for account and region: a full bucket and a second's refill stay below that. */
  submissionsPerSecond: 20,
  /** Of the client that submits: 3 s for a connection, 10 s for an answer. */
  requestMsMax: 13_000,
  /** DescribeJobs takes so many ids. */
  jobsPerLook: 100,
  /** ListJobs may not show a job so long after SubmitJob. */
  lookupLagMs: 60_000,
};
