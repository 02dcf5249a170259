/** Requests, read and refused; and those that name a run: `{run}`, or `/runs/{run}/…`. */
import * as v from 'valibot';
import type { RunStatus, RunSummary, World } from '../core/engine/ports.ts';
import type { RoundReport } from '../core/engine/round.ts';
import { RUN_ID, type RunId } from '../core/graph/facts.ts';
import type { Answer } from './http.ts';

export const RunName = v.pipe(
  v.string(),
  v.regex(RUN_ID, 'is no id of a run: 1 to 40 letters and digits'),
  v.transform((text) => text as RunId),
);

const RunRequest = v.object({ run: RunName });

export function refusal(statusCode: 400 | 404 | 409 | 410 | 413, problem: string): Answer {
  return { statusCode, body: { errors: [problem] } };
}

/** Gives what was asked for to `use`; answers 400 with all that is wrong with the request. */
export function withRequest<S extends v.GenericSchema>(
  schema: S,
  event: unknown,
  use: (request: v.InferOutput<S>) => Promise<Answer> | Answer,
): Promise<Answer> | Answer {
  const parsed = v.safeParse(schema, event, { abortPipeEarly: true });
  return parsed.success ? use(parsed.output) : { statusCode: 400, body: { errors: problemsOf(parsed.issues) } };
}

/** One line for each issue. */
function problemsOf(issues: readonly v.BaseIssue<unknown>[]): string[] {
  return issues.map((issue) => [v.getDotPath(issue) ?? [], issue.message].flat().join(': '));
}

/** Gives the run's summary to `use`; answers 400 without a run's id, and 404 when there is no such run. */
export function withRun<W extends Pick<World, 'summaries'>>(
  world: () => W,
  event: unknown,
  use: (world: W, summary: RunSummary) => Promise<Answer> | Answer,
): Promise<Answer> | Answer {
  return withRequest(RunRequest, event, async ({ run }) => {
    const opened = world();
    const summary = await opened.summaries.get(run);
    return summary ? use(opened, summary) : refusal(404, `there is no run ${run}`);
  });
}

/** What became of a run that was asked to change its course. */
export type CourseAnswer = { readonly run: RunId; readonly status: RunStatus } | { readonly errors: readonly string[] };

/** 202, since what follows takes its time; 409 when the run had not begun, so that nothing could be recorded. */
export function courseAnswer(run: RunId, { status }: RoundReport): Answer {
  if (status === 'unknown') return refusal(409, `run ${run} has not begun: ask again in a moment, or start it again`);
  return { statusCode: 202, body: { run, status } };
}
