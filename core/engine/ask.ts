/** Asks executors about jobs whose events may never come. */
import type { Submission } from '../graph/graph.ts';
import { type Executor, type ExecutorJob, endOf, type JobReport } from './executor.ts';
import { executorOf } from './executors.ts';
import type { World } from './ports.ts';
import { jobName } from './spec.ts';
import type { LiveRun } from './warm.ts';

interface Question {
  readonly executor: Executor;
  readonly submission: Submission;
  readonly job: ExecutorJob;
}

interface Answer extends Question {
  readonly report: JobReport;
}

/** Reports on everything acknowledged and in flight: an array itself first, its jobs once that has ended. */
export async function askExecutors(world: World, live: LiveRun): Promise<JobReport[]> {
  const { graph } = live.draft;
  const wholes = [...graph.submissions.values()].flatMap((submission) => {
    const executor = executorOf(world, graph, submission.executor);
    return submission.ids.map((id): Question => ({ executor, submission, job: { submission: id } }));
  });
  const answers = await askAll(world, live, wholes);
  const ended = answers.filter(({ submission, report }) => submission.jobs.length > 1 && endOf(report) !== undefined);
  const parts = ended.flatMap(({ executor, submission, job: { submission: id } }) =>
    submission.jobs.flatMap((job, index): Question[] =>
      graph.works.get(job.eval)?.submission === submission.id
        ? [{ executor, submission, job: { submission: id, index } }]
        : [],
    ),
  );
  return [...answers, ...(await askAll(world, live, parts))].map(({ report }) => report);
}

async function askAll(world: World, live: LiveRun, asked: readonly Question[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const [executor, ofExecutor] of Map.groupBy(asked, (one) => one.executor)) {
    const known = await lookAll(executor, ofExecutor);
    for (const one of ofExecutor) {
      answers.push({ ...one, report: known.get(executor.ids.of(one.job)) ?? vanished(world, live, one) });
    }
  }
  return answers;
}

/** By the jobs' ids. One request after the other: there is no hurry, and executors limit them for the whole account. */
async function lookAll(executor: Executor, asked: readonly Question[]): Promise<Map<string, JobReport>> {
  const { ids, limits } = executor;
  const known = new Map<string, JobReport>();
  for (let at = 0; at < asked.length; at += limits.jobsPerLook) {
    const jobs = asked.slice(at, at + limits.jobsPerLook).map(({ job }) => job);
    for (const report of await executor.look(jobs)) known.set(ids.of(report.job), report);
  }
  return known;
}

/** The executor kept no record of it for as long as it promises to. */
function vanished({ stack }: World, { run }: LiveRun, { job, submission }: Question): JobReport {
  const state = { is: 'over', ended: 'machine-lost', said: 'the executor no longer knows the job' } as const;
  return { job, name: jobName(stack, run, submission.id), state, times: {} };
}
