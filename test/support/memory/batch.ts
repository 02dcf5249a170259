/** A Batch that records what is submitted and lets a test say how each job fares. */
import type { BatchExecutor, SubmissionRequest, SubmitOutcome, Verdict } from '../../../core/engine/ports.ts';
import { overTheWire } from './wire.ts';

interface MemoryJob {
  readonly id: string;
  readonly request: SubmissionRequest;
  /** Of the job, then of each child of an array. */
  readonly verdicts: Map<string, Verdict>;
}

export interface MemoryBatch extends BatchExecutor {
  /** In order of submission. */
  readonly jobs: readonly MemoryJob[];
  /** The next submission is answered so; with `accepted: true` the job exists nevertheless, as when an answer is lost. */
  answerNext(outcome: SubmitOutcome, options?: { readonly accepted: boolean }): void;
  /** Moves a job on and gives the verdict its event would carry. An array's child is `<id>:<index>`. */
  report(id: string, change: Partial<Verdict> & Pick<Verdict, 'status'>): Verdict;
}

export function memoryBatch(): MemoryBatch {
  const jobs: MemoryJob[] = [];
  const answers: { readonly outcome: SubmitOutcome; readonly accepted: boolean }[] = [];

  function accept(request: SubmissionRequest): string {
    const id = `job-${jobs.length + 1}`;
    const submitted = { id, name: request.name, status: 'SUBMITTED' } as const;
    const verdicts = new Map<string, Verdict>([[id, submitted]]);
    for (let index = 0; request.size > 1 && index < request.size; index++) {
      verdicts.set(`${id}:${index}`, { ...submitted, id: `${id}:${index}`, index });
    }
    jobs.push({ id, request: request, verdicts });
    return id;
  }

  function jobOf(id: string): MemoryJob | undefined {
    return jobs.find((job) => job.verdicts.has(id));
  }

  const port = overTheWire<BatchExecutor>({
    submit(request) {
      const answer = answers.shift();
      if (answer && !answer.accepted) return answer.outcome;
      const id = accept(request);
      return answer?.outcome ?? { kind: 'accepted', id };
    },
    find(name) {
      return jobs.filter((job) => job.request.name === name).map((job) => job.id);
    },
    describe(ids) {
      return ids.flatMap((id) => jobOf(id)?.verdicts.get(id) ?? []);
    },
    terminate(id, reason) {
      const job = jobOf(id);
      for (const [each, verdict] of job?.verdicts ?? []) {
        const isTarget = each === id || id === job?.id;
        if (!isTarget || verdict.status === 'SUCCEEDED' || verdict.status === 'FAILED') continue;
        job?.verdicts.set(each, { ...verdict, status: 'FAILED', statusReason: reason });
      }
    },
  });

  return {
    jobs,
    answerNext: (outcome, { accepted } = { accepted: outcome.kind === 'accepted' }) => {
      answers.push({ outcome, accepted });
    },
    report(id, change) {
      const job = jobOf(id);
      const verdict = job?.verdicts.get(id);
      if (!job || !verdict) throw new Error(`no job ${id} was submitted`);
      const changed = { ...verdict, ...change };
      job.verdicts.set(id, changed);
      return changed;
    },
    ...port,
  };
}
