/** Asks the executor about jobs whose events may never come. */
import type { Submission } from '../graph/graph.ts';
import type { Verdict, World } from './ports.ts';
import { jobName } from './spec.ts';
import { stageOf } from './statuses.ts';
import type { LiveRun } from './warm.ts';

/** DescribeJobs takes at most 100 ids. */
const DESCRIBE_MAX = 100;

/** What a verdict says of a job that the executor no longer knows: it kept no record for as long as it promises to. */
const VANISHED_REASON = 'Host EC2 unknown: the executor no longer knows the job';

interface Asked {
  readonly id: string;
  readonly submission: Submission;
  readonly index?: number;
}

/** Verdicts on everything acknowledged and in flight: an array's parent first, its children once that has ended. */
export async function askExecutor(world: World, live: LiveRun): Promise<Verdict[]> {
  const { graph } = live.draft;
  const submissions = [...graph.submissions.values()].filter(({ ids }) => ids.length > 0);
  const parents = submissions.flatMap((submission) => submission.ids.map((id): Asked => ({ id, submission })));
  const verdicts = await describeAll(world, live, parents);
  const ended = parents.filter(({ id, submission }) => {
    const status = verdicts.get(id)?.status;
    return submission.jobs.length > 1 && status !== undefined && stageOf(status) === 'over';
  });
  const children = ended.flatMap(({ id, submission }) =>
    submission.jobs.flatMap((job, index): Asked[] =>
      graph.works.get(job.eval)?.submission === submission.id ? [{ id: `${id}:${index}`, submission, index }] : [],
    ),
  );
  return [...verdicts.values(), ...(await describeAll(world, live, children)).values()];
}

async function describeAll(world: World, live: LiveRun, asked: readonly Asked[]): Promise<Map<string, Verdict>> {
  const known = new Map<string, Verdict>();
  for (let at = 0; at < asked.length; at += DESCRIBE_MAX) {
    const ids = asked.slice(at, at + DESCRIBE_MAX).map(({ id }) => id);
    for (const verdict of await world.batch.describe(ids)) known.set(verdict.id, verdict);
  }
  return new Map(asked.map((one) => [one.id, known.get(one.id) ?? vanished(world, live, one)]));
}

function vanished(world: World, live: LiveRun, { id, submission, index }: Asked): Verdict {
  const name = jobName(world.stack, live.run, submission.id);
  return { id, name, status: 'FAILED', statusReason: VANISHED_REASON, ...(index !== undefined && { index }) };
}
