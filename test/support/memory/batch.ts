/** A Batch that records what is submitted and lets a test say, in Batch's own words, how each job fares. */
import { batchJobIds } from '../../../core/aws/batch/job-ids.ts';
import { type DescribedJob, reportOf } from '../../../core/aws/batch/jobs.ts';
import { BATCH_LIMITS } from '../../../core/aws/batch/limits.ts';
import { reasonText } from '../../../core/aws/batch/reasons.ts';
import {
  type Executor,
  endOf,
  type JobReport,
  type SubmissionRequest,
  type SubmitOutcome,
} from '../../../core/engine/executor.ts';
import { overTheWire } from './wire.ts';

export interface MemoryJob {
  readonly id: string;
  readonly request: SubmissionRequest;
  /** Of the job, then of each child of an array, by id. */
  readonly described: Map<string, DescribedJob>;
  /** The same in the engine's words. */
  readonly reports: ReadonlyMap<string, JobReport>;
}

export interface MemoryBatch extends Executor {
  /** In order of submission. */
  readonly jobs: readonly MemoryJob[];
  /** The next submission is answered so; with `accepted: true` the job exists nevertheless, as when an answer is lost. */
  answerNext(outcome: SubmitOutcome, options?: { readonly accepted: boolean }): void;
  /** Moves a job on and gives the report that its event would carry. An array's child is `<id>:<index>`. */
  report(id: string, change: Partial<DescribedJob> & Pick<DescribedJob, 'status'>): JobReport;
}

export function memoryBatch(): MemoryBatch {
  const jobs: MemoryJob[] = [];
  const answers: { readonly outcome: SubmitOutcome; readonly accepted: boolean }[] = [];

  function accept(request: SubmissionRequest): string {
    const id = `job-${jobs.length + 1}`;
    const submitted = { id, name: request.name, status: 'SUBMITTED' } as const;
    const described = new Map<string, DescribedJob>([[id, submitted]]);
    for (let index = 0; request.size > 1 && index < request.size; index++) {
      const child = batchJobIds.of({ submission: id, index });
      described.set(child, { ...submitted, id: child, index });
    }
    jobs.push({
      id,
      request,
      described,
      get reports() {
        return new Map([...described].map(([each, job]) => [each, reportOf(job)]));
      },
    });
    return id;
  }

  function jobOf(id: string): MemoryJob | undefined {
    return jobs.find((job) => job.described.has(id));
  }

  const port = overTheWire<Pick<Executor, 'submit' | 'find' | 'look' | 'stop'>>({
    submit(request) {
      const answer = answers.shift();
      if (answer && !answer.accepted) return answer.outcome;
      const id = accept(request);
      return answer?.outcome ?? { kind: 'accepted', id };
    },
    find(name) {
      return jobs.filter((job) => job.request.name === name).map((job) => job.id);
    },
    look(asked) {
      const ids = asked.map(batchJobIds.of);
      const described = ids.flatMap((id) => jobOf(id)?.described.get(id) ?? []);
      return described.map(reportOf);
    },
    stop(id, reason) {
      const { described = new Map<string, DescribedJob>() } = jobs.find((job) => job.id === id) ?? {};
      for (const [each, job] of described) {
        if (endOf(reportOf(job))) continue;
        described.set(each, { ...job, status: 'FAILED', statusReason: reasonText(reason) });
      }
    },
  });

  return {
    limits: BATCH_LIMITS,
    ids: batchJobIds,
    jobs,
    answerNext: (outcome, { accepted } = { accepted: outcome.kind === 'accepted' }) => {
      answers.push({ outcome, accepted });
    },
    report(id, change) {
      const job = jobOf(id);
      const described = job?.described.get(id);
      if (!job || !described) throw new Error(`no job ${id} was submitted`);
      const changed = { ...described, ...change };
      job.described.set(id, changed);
      return reportOf(changed);
    },
    ...port,
  };
}
