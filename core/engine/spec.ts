/** What the runner is told of its job, and the names that jobs have at their executor. */
import { type EvalHash, type Hash, type RunId, runNamed, type SubmissionId, submissionNamed } from '../values/ids.ts';
import type { WebSettings } from '../values/program.ts';
import type { Table } from '../values/table.ts';

export interface JobSpec {
  readonly v: 1;
  readonly run: RunId;
  readonly submission: SubmissionId;
  readonly eval: EvalHash;
  readonly attempt: number;
  readonly task: string;
  readonly bundle: Hash;
  /** The list of arguments; large values by reference. */
  readonly args: Table;
  /** Of the program, for the files that the job reads. */
  readonly web?: WebSettings;
}

/** The name of a submission at its executor: a function of stack, run and submission, within 128 of `[A-Za-z0-9_-]`. */
export function jobName(stack: string, run: RunId, submission: SubmissionId): string {
  return `redex_${stack}_${run}_${submission}`;
}

/** Within what every executor takes as a name; what is longer is no database's key. */
const JOB_NAME = /^(?=.{1,128}$)redex_([A-Za-z0-9-]+)_([A-Za-z0-9]+)_([A-Za-z0-9-]+)$/;

/** Reads a job name back; undefined for jobs that are not this stack's. */
export function parseJobName(stack: string, name: string): { run: RunId; submission: SubmissionId } | undefined {
  const [, ofStack, run = '', submission = ''] = JOB_NAME.exec(name) ?? [];
  if (ofStack !== stack) return undefined;
  return { run: runNamed(run), submission: submissionNamed(submission) };
}
